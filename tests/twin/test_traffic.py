"""Flows appear, and where they run has the reasons that it has in reality."""

from __future__ import annotations

from pathlib import Path

import pytest

from eswitch.engine import apply
from eswitch.errors import HostError
from eswitch.model.report import Layer, Verdict
from eswitch.observe import observe
from eswitch.offload.datapath import datapath
from eswitch.offload.flow import Flow, Placement, parse_dump
from eswitch.offload.place import Place, places
from eswitch.offload.reason import ReasonKind, because
from eswitch.offload.sources.openvswitch import read_flows
from eswitch.offload.syntax import named, split_items
from eswitch.offload.verify import verify
from eswitch.spec import load
from eswitch.stages import make_plan
from eswitch.twin import Twin, open_machine

SPEC = """\
version: 1
nics:
  nic:
    match: {mac: "08:c0:eb:32:98:11"}
    vfs: [{driver: host}, {driver: host}, {driver: host, vlan: 20}, {driver: host, vlan: 30}]
bridges:
  vmbr2: {ports: [nic], address: 10.1.0.1/24}
"""


def applied(name: str = "pve8-cx6dx-ready") -> Twin:
    twin = Twin(open_machine(name))
    apply(twin, load(SPEC.encode(), "spec"), "spec", consent=lambda plan: True)
    return twin


@pytest.fixture
def twin() -> Twin:
    return applied()


def end(vf: int) -> str:
    return f"enp7s0f0np0/{vf}"


def unicast(twin: Twin) -> list[Place]:
    observed = observe(twin)
    found = places(read_flows(twin).flows, datapath(observed), observed)
    return [place for place in found if "ff:ff:ff:ff:ff:ff" not in place.flow.key]


def where(twin: Twin) -> set[Placement]:
    return {place.placement for place in unicast(twin)}


def reasons(twin: Twin) -> str:
    return "; ".join(str(place.reason or "") for place in unicast(twin))


def test_two_vfs_talk_in_hardware(twin: Twin) -> None:
    twin.traffic(end(0), end(1), rate=100, seconds=4, watch=4)
    found = unicast(twin)
    assert where(twin) == {Placement.HARDWARE}
    assert [place.flow.packets for place in found] == [399, 399]
    representor = twin.state.representor("0000:07:00.0", 0)
    assert representor is not None
    assert representor.cpu_rx == 1, "only the first packet came to the CPU"


def test_without_hw_offload_it_is_the_kernel() -> None:
    twin = Twin(open_machine("pve8-cx6dx-ready"))
    spec = SPEC + "ovs: {hw_offload: false}\n"
    apply(twin, load(spec.encode(), "spec"), "spec", consent=lambda plan: True)
    twin.traffic(end(0), "outside")
    assert where(twin) == {Placement.KERNEL}
    assert "hw-offload is off" in reasons(twin)


def test_switching_it_off_counts_only_in_a_new_daemon(twin: Twin) -> None:
    twin.run(["ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:hw-offload=false"])
    twin.traffic(end(0), end(1), seconds=2)
    assert where(twin) == {Placement.HARDWARE}
    twin.run(["systemctl", "restart", "ovs-vswitchd"])
    assert unicast(twin) == []
    twin.traffic(end(0), end(1))
    assert where(twin) == {Placement.KERNEL}


def test_a_feature_that_is_off_keeps_flows_in_software(twin: Twin) -> None:
    name = "enp7s0f0npf0vf0"
    twin.run(["ethtool", "-K", name, "hw-tc-offload", "off"])
    twin.traffic(end(0), end(1))
    assert Placement.TC_SOFTWARE in where(twin)
    assert f"hw-tc-offload is off on {name}" in reasons(twin)


def test_a_kernel_without_the_option_offloads_nothing() -> None:
    twin = Twin(open_machine("debian13-cx6dx"))
    twin.run(["devlink", "dev", "eswitch", "set", "pci/0000:07:00.0", "mode", "switchdev"])
    twin.write_attribute("/sys/bus/pci/devices/0000:07:00.0/sriov_numvfs", "2", 60)
    twin.run(["udevadm", "settle"])
    twin.run(["ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:hw-offload=true"])
    twin.run(["ovs-vsctl", "add-br", "vmbr2"])
    for name in ("enp7s0f0np0", "enp7s0f0r0", "enp7s0f0r1"):
        twin.run(["ovs-vsctl", "add-port", "vmbr2", name])
        twin.run(["ip", "link", "set", name, "up"])
    twin.traffic(end(0), end(1))
    assert where(twin) == {Placement.TC_SOFTWARE}
    assert "hw-tc-offload" in reasons(twin) or "MLX5_CLS_ACT" in reasons(twin)


def test_the_host_itself_is_always_software(twin: Twin) -> None:
    twin.traffic(end(0), "host")
    assert where(twin) == {Placement.TC_SOFTWARE}
    assert "this host itself" in reasons(twin)


def test_another_switch_is_software() -> None:
    twin = Twin(open_machine("lab"))
    spec = """\
version: 1
nics:
  a: {match: {pci: "0000:01:00.0"}, vfs: [{driver: host}]}
  b: {match: {pci: "0000:02:00.0"}, vfs: [{driver: host}]}
bridges:
  vmbr2: {ports: [a/0, b/0]}
"""
    apply(twin, load(spec.encode(), "spec"), "spec", consent=lambda plan: True)
    twin.traffic("enp1s0np0/0", "enp2s0np0/0")
    assert where(twin) == {Placement.TC_SOFTWARE}
    assert "is on another switch" in reasons(twin)


TWO_PFS = """\
version: 1
nics:
  a: {match: {pci: "0000:07:00.0"}, vfs: [{driver: host}]}
  b: {match: {pci: "0000:07:00.1"}, vfs: [{driver: host}]}
bridges:
  vmbr2: {ports: [a, b]}
"""


@pytest.mark.parametrize(
    ("one", "other", "place", "why"),
    [
        (end(0), "enp7s0f0np0", Placement.HARDWARE, ""),
        ("enp7s0f1np1/0", "enp7s0f0np0", Placement.TC_SOFTWARE, "without VF LAG"),
        ("enp7s0f1np1", "enp7s0f0np0", Placement.TC_SOFTWARE, "without VF LAG"),
        ("enp7s0f1np1/0", end(0), Placement.TC_SOFTWARE, "not every NIC"),
    ],
)
def test_two_pfs_of_a_card_are_two_switches(
    one: str, other: str, place: Placement, why: str
) -> None:
    twin = Twin(open_machine("pve8-cx6dx-ready"))
    desired = load(TWO_PFS.encode(), "spec")
    apply(twin, desired, "spec", consent=lambda plan: True)
    twin.traffic(one, other, seconds=60)
    assert where(twin) == {place}
    assert why in reasons(twin)
    report = verify(twin, desired, 3.0, observe, make_plan)
    failed = report.verdict(Layer.OFFLOADED) is Verdict.FAILED
    assert failed is (place is not Placement.HARDWARE)


def test_vf_lag_is_not_played() -> None:
    twin = Twin(open_machine("pve9-bond"))
    twin.run(["devlink", "dev", "eswitch", "set", "pci/0000:07:00.0", "mode", "switchdev"])
    twin.write_attribute("/sys/bus/pci/devices/0000:07:00.0/sriov_numvfs", "1", 60)
    twin.run(["udevadm", "settle"])
    twin.run(["ovs-vsctl", "add-br", "vmbr2"])
    for name in ("bond0", "enp7s0f0r0"):
        twin.run(["ovs-vsctl", "add-port", "vmbr2", name])
        twin.run(["ip", "link", "set", name, "up"])
    twin.traffic(end(0), "outside", seconds=2)
    assert where(twin) == {Placement.KERNEL}
    twin.run(["ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:hw-offload=true"])
    with pytest.raises(HostError, match="plays no VF LAG"):
        twin.traffic(end(0), "outside")


def test_only_the_port_that_packets_come_in_by_needs_the_feature(twin: Twin) -> None:
    """As in the lab: test_only_the_port_that_a_flow_comes_from_needs_the_feature."""
    off = "enp7s0f0npf0vf1"
    twin.run(["ethtool", "-K", off, "hw-tc-offload", "off"])
    twin.traffic(end(0), end(1))
    found = {place.source.name: place for place in unicast(twin)}
    assert found["enp7s0f0npf0vf0"].placement is Placement.HARDWARE
    assert found[off].placement is Placement.TC_SOFTWARE
    assert found[off].reason == because(ReasonKind.HW_TC_OFFLOAD_OFF, port=off)


def test_a_virtual_interface_is_software(twin: Twin) -> None:
    twin.start_guest("vm/102")
    twin.traffic("vm/102", end(0))
    assert where(twin) == {Placement.TC_SOFTWARE}
    assert "is no port of an e-switch" in reasons(twin)


def test_vlans_isolate_and_are_pushed_to_the_wire(twin: Twin) -> None:
    with pytest.raises(HostError, match="is in VLAN 20"):
        twin.traffic(end(2), end(3))
    twin.traffic(end(2), "outside")
    assert where(twin) == {Placement.HARDWARE}
    keys = [place.flow for place in unicast(twin)]
    assert any("push_vlan(vid=20,pcp=0),enp7s0f0np0" in flow.actions for flow in keys)
    assert any("vlan(vid=20,pcp=0),encap(" in flow.key for flow in keys)


def test_no_packet_without_a_carrier(twin: Twin) -> None:
    twin.run(["ip", "link", "set", "enp7s0f0npf0vf1", "down"])
    with pytest.raises(HostError, match="enp7s0f0npf0vf1 is down"):
        twin.traffic(end(0), end(1))


def test_legacy_mode_shows_nothing_to_open_vswitch() -> None:
    twin = Twin(open_machine("pve8-cx6dx-ready"))
    twin.write_attribute("/sys/bus/pci/devices/0000:07:00.0/sriov_numvfs", "2", 60)
    with pytest.raises(HostError, match="legacy mode"):
        twin.traffic(end(0), end(1))


def test_flows_go_when_nobody_talks(twin: Twin) -> None:
    twin.traffic(end(0), end(1), seconds=3)
    twin.sleep(8)
    assert unicast(twin)
    twin.sleep(6)
    assert unicast(twin) == []


def test_verify_proves_it_while_all_ports_talk(twin: Twin) -> None:
    spec = SPEC.replace(", vlan: 20", "").replace(", vlan: 30", "")
    desired = load(spec.encode(), "spec")
    apply(twin, desired, "spec", consent=lambda plan: True)
    for vf in range(4):
        twin.traffic(end(vf), "outside", seconds=100)
    report = verify(twin, desired, 10.0, observe, make_plan)
    assert {layer: report.verdict(layer) for layer in Layer} == dict.fromkeys(Layer, Verdict.OK)


FLOWS = Path(__file__).parent.parent / "cases" / "flows"


def shape(flow: Flow) -> tuple[list[str], list[str]]:
    """The names in a flow's key, in order, and those inside its headers."""
    items = split_items(flow.key)
    parts = [part for item in items for part in split_items(named(item)[1])]
    inner = [named(part)[0] for part in parts if "=" in part]
    return [named(item)[0] for item in items], inner


@pytest.mark.parametrize(("layer", "recorded"), [("tc", "lab-vf-to-vf")])
def test_a_flow_is_printed_as_in_the_lab(twin: Twin, layer: str, recorded: str) -> None:
    twin.traffic(end(0), end(1))
    text = (FLOWS / f"{recorded}.txt").read_text()
    theirs = [f for f in parse_dump(text).flows if f.layer == layer and "eth_type(0x0800)" in f.key]
    ours = [place.flow for place in unicast(twin)]
    assert ours
    assert {str(shape(flow)) for flow in ours} == {str(shape(flow)) for flow in theirs}
    assert {(flow.offloaded, flow.layer) for flow in ours} == {("yes", "tc")}
    assert all(flow.ufid and flow.used is not None for flow in ours)


def test_no_way_where_there_is_none() -> None:
    twin = Twin(open_machine("pve8-cx6dx-ready"))
    spec = (
        "version: 1\nnics: {nic: {match: {pci: '0000:07:00.0'}, "
        "vfs: [{}, {vlan: 20, driver: host}]}}\nbridges: {vmbr2: {ports: [nic]}}\n"
    )
    apply(twin, load(spec.encode(), "s"), "s", consent=lambda plan: True)
    for one, other, why in (
        ("enp7s0f0np0/0", "outside", "has no driver"),
        ("enp7s0f0np0/1", "enp7s0f0np0/1", "the same port"),
        ("enp7s0f0np0/1", "host", "in VLAN 20, host in none"),
    ):
        with pytest.raises(HostError, match=why):
            twin.traffic(one, other)
    twin.traffic("enp7s0f0np0/1", "outside")
