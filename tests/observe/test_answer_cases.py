"""Each file in tests/cases/{firmware,modules,kit,boot,guests,iommu} is one thing as a host answered
it; `expect` names what must be read from it (as in test_observe_cases.py).

A case is a recorded host (`host/recorded.py`), of which it has only what is asked for. Of firmware,
NAME.txt is what `mstconfig` printed, `nic` says which NIC it was asked of.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from observe.test_observe_cases import Broken, differences

from eswitch.errors import HostError
from eswitch.host import Host
from eswitch.host.recorded import RecordedHost, RecordingHost
from eswitch.model.firmware import FirmwareState, FirmwareWay
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import KernelState, NicState, ObservedState
from eswitch.model.plain import to_plain
from eswitch.model.question import Question, Topic
from eswitch.model.unknown import Unknown
from eswitch.observe import answer
from eswitch.observe.iommu import read_iommu
from eswitch.observe.modules import read_vfio

CASES_DIR = Path(__file__).parent.parent / "cases"
TOPICS = [topic.value for topic in Topic if topic is not Topic.MODULE]
CASES = sorted(
    path for topic in (*TOPICS, "modules") for path in (CASES_DIR / topic).glob("*.json")
)
IOMMU = sorted((CASES_DIR / "iommu").glob("*.json"))
PROGRAMS = (
    *("mstconfig", "mlxconfig", "dkms", "wget", "curl"),
    *("proxmox-boot-tool", "update-grub", "kernel-install"),
)


def name(path: Path) -> str:
    return f"{path.parent.name} {path.stem}"


def load(path: Path) -> dict[str, Any]:
    """The case, with what all of a kind have in common."""
    case: dict[str, Any] = json.loads(path.read_text())
    programs: dict[str, str | None] = {**dict.fromkeys(PROGRAMS), "mokutil": "/usr/bin/mokutil"}
    if path.parent.name == "firmware":
        programs["mstconfig"] = "/usr/bin/mstconfig"
        printed = path.with_suffix(".txt")
        if printed.exists():
            of = case.get("nic", {}).get("pci", "0000:07:00.0")
            case["commands"] = {f"mstconfig -d {of} -e q": {"stdout": printed.read_text()}}
    case["programs"] = {**programs, **case.get("programs", {})}
    return case


def state_of(case: dict[str, Any]) -> ObservedState:
    nic = {"driver": "mlx5_core", "pci": "0000:07:00.0", "vendor_device": "15b3:101d"}
    nic |= case.get("nic", {})
    return ObservedState(
        KernelState(case.get("release", "6.8.12-4-pve")),
        nics=(
            NicState(
                PciAddress(nic["pci"]),
                nic["driver"],
                None,
                None,
                vendor_device=nic["vendor_device"],
            ),
        ),
    )


def ask(path: Path, host: Host, case: dict[str, Any]) -> object:
    """The part of the state that the topic fills."""
    state = state_of(case)
    topic = Topic.MODULE if path.parent.name == "modules" else Topic(path.parent.name)
    of = state.nics[0].pci if topic is Topic.FIRMWARE else case.get("of", "")
    state = answer(host, state, [Question(topic, of), Question(topic, of)])
    filled = {
        Topic.FIRMWARE: state.nics[0].firmware,
        Topic.MODULE: state.module(of),
        Topic.KIT: state.kit,
        Topic.BOOT: state.boot,
        Topic.GUESTS: state.guests,
    }
    assert [key for key, value in filled.items() if value is not None] == [topic]
    return filled[topic]


def test_there_are_cases() -> None:
    assert len(CASES) > 50
    assert {path.parent.name for path in CASES} == {*TOPICS, "modules"}
    texts = {path.with_suffix(".json") for path in (CASES_DIR / "firmware").glob("*.txt")}
    assert texts <= set(CASES)


@pytest.mark.parametrize("path", CASES, ids=name)
def test_case(path: Path) -> None:
    case = load(path)
    found = ask(path, RecordedHost(case), case)
    assert differences(case["expect"], to_plain(found)) == []


@pytest.mark.parametrize("path", CASES, ids=name)
def test_recording_of_a_recording_shows_the_same(path: Path) -> None:
    case = load(path)
    recorder = RecordingHost(RecordedHost(case))
    found = ask(path, recorder, case)
    assert ask(path, RecordedHost(json.loads(json.dumps(recorder.case))), case) == found


@pytest.mark.parametrize("path", CASES, ids=name)
def test_whatever_cannot_be_read_is_unknown(path: Path) -> None:
    """Only a module has no Unknown: what modinfo would say is an error then."""
    case = load(path)
    whole = ask(path, RecordedHost(case), case)
    number = 0
    while True:
        host = Broken(case, number)
        try:
            found = ask(path, host, case)
        except HostError:
            assert path.parent.name == "modules"
            found = None
        if not host.broken:
            return
        if path.parent.name == "guests" and host.broken == "/proc":
            assert isinstance(found, Unknown)
        if path.parent.name == "firmware" and not isinstance(found, Unknown):
            assert found == whole or (
                isinstance(found, FirmwareState) and found.way is FirmwareWay.DEVLINK
            )
        number += 1


@pytest.mark.parametrize("path", IOMMU, ids=name)
def test_iommu(path: Path) -> None:
    case = json.loads(path.read_text())
    host = RecordedHost(case)
    found = {"iommu": to_plain(read_iommu(host)), "vfio_loaded": to_plain(read_vfio(host))}
    assert differences(case["expect"], found) == []


def test_a_nic_that_is_not_there_is_not_asked() -> None:
    state = state_of({})
    host = RecordedHost({})
    assert answer(host, state, [Question(Topic.FIRMWARE, "0000:99:00.0")]) == state
