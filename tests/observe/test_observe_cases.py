"""Each file in tests/cases/observe is a host as it answered; `expect` names what must be seen.

`expect` may leave out fields; what it has must be there exactly, and lists in full length.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from eswitch.errors import CommandFailed, HostError, NotFound
from eswitch.host import Result
from eswitch.host.recorded import RecordedHost, RecordingHost
from eswitch.model.plain import to_plain
from eswitch.model.unknown import Unknown
from eswitch.observe import observe
from eswitch.observe.links import parse_network

CASES = sorted((Path(__file__).parent.parent / "cases" / "observe").glob("*.json"))


def load(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text())
    return case


def differences(expected: object, found: object, place: str = "state") -> list[str]:
    """Where `found` lacks what `expected` has."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{place}: {found!r} is no object"]
        missing = [f"{place}.{key} is missing" for key in expected if key not in found]
        return missing + [
            line
            for key, value in expected.items()
            if key in found
            for line in differences(value, found[key], f"{place}.{key}")
        ]
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return [f"{place}: {found!r} has not {len(expected)} items"]
        return [
            line
            for number, (left, right) in enumerate(zip(expected, found, strict=True))
            for line in differences(left, right, f"{place}[{number}]")
        ]
    same = type(expected) is type(found) and expected == found
    return [] if same else [f"{place}: expected {expected!r}, found {found!r}"]


def test_there_are_cases() -> None:
    assert len(CASES) > 15


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = load(path)
    state = observe(RecordedHost(case))
    assert differences(case["expect"], to_plain(state)) == []
    assert observe(RecordedHost(case)) == state


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_recording_of_a_recording_shows_the_same(path: Path) -> None:
    case = load(path)
    recorder = RecordingHost(RecordedHost(case))
    state = observe(recorder)
    again = json.loads(json.dumps(recorder.case))
    assert observe(RecordedHost(again)) == state


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_number_of_processes_is_constant(path: Path) -> None:
    recorder = RecordingHost(RecordedHost(load(path)))
    observe(recorder)
    assert len(recorder.case["commands"]) <= 5


class Broken(RecordedHost):
    """One thing after the other cannot be read: permission denied."""

    def __init__(self, case: dict[str, Any], number: int) -> None:
        super().__init__(case)
        self.left = number
        self.broken = ""

    def _break(self, what: str) -> None:
        self.left -= 1
        if self.left == -1:
            self.broken = what
            raise HostError(f"cannot read {what}: Permission denied", errno=13)

    def read(self, path: str) -> str:
        self._break(path)
        return super().read(path)

    def read_bytes(self, path: str, limit: int) -> bytes:
        self._break(path)
        return super().read_bytes(path, limit)

    def list(self, path: str) -> tuple[str, ...]:
        self._break(path)
        return super().list(path)

    def resolve(self, path: str) -> str:
        self._break(path)
        return super().resolve(path)

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,
        timeout: float = 30.0,
        ok: Sequence[int] | None = (0,),
        whole: bool = False,
    ) -> Result:
        self._break(argv[0])
        return super().run(argv, input=input, timeout=timeout, ok=ok, whole=whole)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_whatever_cannot_be_read_is_a_host_error_or_unknown(path: Path) -> None:
    case = load(path)
    whole = observe(RecordedHost(case))
    number = 0
    while True:
        host = Broken(case, number)
        with suppress(HostError):
            state = observe(host)
            if not host.broken:
                return
            # A fact may be missing now, but none may be invented.
            if host.broken.startswith("/boot/config") and "/proc/config.gz" not in case["files"]:
                assert isinstance(state.kernel.options, Unknown)
                assert "Permission denied" in state.kernel.options.reason
            if host.broken == "ovs-vsctl":
                assert state.ovs.bridges == ()
                assert state.ovs.status.value != "running"
            assert [nic.pci for nic in state.nics] == [nic.pci for nic in whole.nics]
        number += 1


def test_without_ip_it_is_said_which_tool_is_missing() -> None:
    case = load(CASES[0].parent / "cx6dx-switchdev-2vfs.json")
    case["programs"]["ip"] = None
    case["commands"] = {k: v for k, v in case["commands"].items() if not k.startswith("ip ")}
    state = observe(RecordedHost(case))
    assert state.missing_tools == ("ip",)
    assert state.links == ()
    assert state.nics[0].netdev is None


def test_a_failing_ip_is_not_an_empty_network() -> None:
    case = load(CASES[0].parent / "cx6dx-switchdev-2vfs.json")
    key = next(key for key in case["commands"] if key.startswith("ip "))
    case["commands"][key] = {"status": 1, "stdout": "[]", "stderr": "Cannot open netlink socket"}
    with pytest.raises(CommandFailed, match="Cannot open netlink socket"):
        observe(RecordedHost(case))


def test_a_pf_that_vanishes_while_it_is_read() -> None:
    case = load(CASES[0].parent / "cx6dx-legacy-4vfs.json")
    device = "/sys/bus/pci/devices/0000:07:00.0"
    case["directories"][device] = None
    assert observe(RecordedHost(case)).nics == ()
    with pytest.raises(NotFound):
        RecordedHost(case).list(device)


@pytest.mark.parametrize("printed", ["", "[]\n[]\n[]\n"])
def test_a_machine_without_interfaces_is_none(printed: str) -> None:
    with pytest.raises(HostError, match="no interfaces"):
        parse_network(printed)
