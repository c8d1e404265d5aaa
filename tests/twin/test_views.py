"""The twin of the lab's machine shows what the lab's machine showed when it was recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eswitch.host.recorded import RecordedHost
from eswitch.model.machine import IommuState, Vendor
from eswitch.model.plain import to_plain
from eswitch.observe import observe
from eswitch.twin import NotSimulated, Twin, open_machine

CASES = Path(__file__).parent.parent / "cases"
PF = "/sys/bus/pci/devices/0000:01:00.0"


def recorded(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((CASES / "observe" / f"{name}.json").read_text())
    return case


@pytest.fixture
def lab() -> Twin:
    return Twin(open_machine("lab"))


def test_the_untouched_machine_is_the_recorded_one(lab: Twin) -> None:
    real = observe(RecordedHost(recorded("lab-untouched")))
    # What ACPI and the processor say was not recorded.
    assert observe(lab) == replace(real, iommu=IommuState(("dmar0",), "DMAR", Vendor.INTEL))


@pytest.mark.parametrize("name", ["lab-untouched", "lab-legacy-2vfs"])
def test_every_command_prints_what_was_recorded(lab: Twin, name: str) -> None:
    """Not only what observers read of it: the same keys in the same order, the same values."""
    if name == "lab-legacy-2vfs":
        by_hand(lab)
    for key, answer in recorded(name)["commands"].items():
        words, _, given = key.partition(" <<< ")
        text = given.strip("'") if given else None
        found = lab.run(words.split(), input=text, ok=None)
        assert found.status == answer["status"], key
        assert found.stderr == answer.get("stderr", "")
        ours, theirs = documents(found.stdout), documents(answer["stdout"])
        assert len(ours) == len(theirs)
        for mine, real in zip(ours, theirs, strict=True):
            assert masked(mine) == masked(real)
            assert json.dumps(masked(mine)) == json.dumps(masked(real)), "the order of the keys"


def documents(text: str) -> list[object]:
    found, place, decoder = [], 0, json.JSONDecoder()
    while text[place:].strip(" \n,"):
        while text[place] in " \n,":
            place += 1
        document, place = decoder.raw_decode(text, place)
        found.append(document)
    return found


RANDOM = {"address", "expires", "valid_life_time", "preferred_life_time"}


def masked(document: object) -> object:
    """Without what is random or counts down; MACs that somebody set are kept."""
    if isinstance(document, list):
        return [masked(each) for each in document]
    if not isinstance(document, dict):
        return document
    random = "parentdev" in document and str(document["parentdev"]).endswith((".1", ".2"))
    hidden = RANDOM if random else RANDOM - {"address"}
    return {key: "?" if key in hidden else masked(value) for key, value in document.items()}


def by_hand(lab: Twin) -> None:
    """What was typed in the lab before lab-legacy-2vfs was recorded."""
    lab.write_attribute(f"{PF}/sriov_numvfs", "2", 60)
    lab.run(["udevadm", "settle"])
    for line in (
        "link set enp1s0np0 vf 0 mac 52:54:00:00:00:01 vlan 20 qos 3",
        "link set enp1s0np0 vf 1 max_tx_rate 1000 spoofchk on",
    ):
        lab.run(["ip", *line.split()])


def test_legacy_vfs_are_those_of_the_recording(lab: Twin) -> None:
    by_hand(lab)
    ours, theirs = observe(lab), observe(RecordedHost(recorded("lab-legacy-2vfs")))
    assert ours.nics == theirs.nics
    names = [(link.name, link.index, link.up) for link in ours.links]
    assert names == [(link.name, link.index, link.up) for link in theirs.links]


def test_switchdev_is_that_of_the_recording(lab: Twin) -> None:
    """Names, numbers, ports and their errors; MACs of representors are random on both."""
    lab.write_attribute(f"{PF}/sriov_drivers_autoprobe", "0", 10)
    lab.run(["devlink", "dev", "eswitch", "set", "pci/0000:01:00.0", "mode", "switchdev"])
    lab.write_attribute(f"{PF}/sriov_numvfs", "4", 60)
    lab.run(["udevadm", "settle"])
    mac = "devlink port function set pci/0000:01:00.0/1 hw_addr 52:54:00:00:00:11"
    lab.run(mac.split())
    lab.run(["ovs-vsctl", "add-br", "vmbr2"])
    for name in ("enp1s0np0", "enp1s0r0", "enp1s0r1", "enp1s0r2", "enp1s0r3"):
        lab.run(["ovs-vsctl", "add-port", "vmbr2", name])
    lab.run(["ovs-vsctl", "add-port", "vmbr2", "nothere", "tag=20"])
    ours: Any = to_plain(observe(lab))
    theirs: Any = to_plain(observe(RecordedHost(recorded("lab-switchdev-4vfs"))))
    for state in (ours, theirs):
        for bridge in state["ovs"]["bridges"]:
            for port in bridge["ports"]:
                port["ofport"] = min(port["ofport"] or 0, 1)
        # The recording has hw-offload set after the ports; a process held VF 0 through vfio.
        state["ovs"]["other_config"] = {}
        state["nics"][1]["vfs"][0] |= {"driver": None, "users": ()}
    assert ours["ovs"] == theirs["ovs"]
    assert ours["nics"] == theirs["nics"]
    represented = [link for link in ours["links"] if link["port_name"] == "pf0vf3"]
    assert [(link["name"], link["master"]) for link in represented] == [("enp1s0r3", "ovs-system")]


def test_what_is_not_simulated_is_no_fact_about_a_host(lab: Twin) -> None:
    for line in (
        "lspci",
        "tc filter show dev enp1s0np0",
        "ovs-vsctl emer-reset",
        "ovs-vsctl list Mirror",
        "ovs-appctl fdb/show vmbr2",
        "ip netns list",
        "ip neigh",
        "ip -s link show",
        "devlink health",
        "devlink port split pci/0000:01:00.0/65535",
        "systemctl mask ssh",
        "ethtool -S enp1s0np0",
    ):
        with pytest.raises(NotSimulated):
            lab.run(line.split())
