"""Whatever goes wrong with an operation, it goes wrong in the same way each time."""

from __future__ import annotations

import pytest
from twin.faults import Fault, FaultyTwin, Kind, Plan, PowerLoss

from eswitch.engine import apply, prepare, rollback
from eswitch.errors import CommandFailed, EswitchError, HostError, NotEffective, TimedOut
from eswitch.observe import observe
from eswitch.spec import load
from eswitch.stages import make_plan
from eswitch.twin import Twin, open_machine

PF = "/sys/bus/pci/devices/0000:01:00.0"
UP = ("ip", "link", "set", "enp1s0np0", "up")


def lab(*faults: Fault) -> FaultyTwin:
    return FaultyTwin(open_machine("lab"), faults)


def is_up(twin: Twin) -> bool:
    link = twin.state.link("enp1s0np0")
    return link is not None and link.up


def test_a_failure_changes_nothing() -> None:
    twin = lab(Fault(Kind.FAIL))
    with pytest.raises(CommandFailed, match="Input/output error"):
        twin.run(UP)
    assert not is_up(twin)
    twin.run(UP)
    assert is_up(twin)


def test_a_hang_costs_its_time() -> None:
    twin = lab(Fault(Kind.HANG))
    with pytest.raises(TimedOut):
        twin.run(UP, timeout=7.0)
    assert twin.monotonic() == pytest.approx(7.0)
    assert not is_up(twin)


def test_late_is_done_all_the_same() -> None:
    twin = lab(Fault(Kind.LATE))
    with pytest.raises(TimedOut):
        twin.run(UP)
    assert is_up(twin)


def test_a_lie_is_believed_only_until_one_looks() -> None:
    twin = lab(Fault(Kind.LIE))
    assert twin.run(UP).status == 0
    assert not is_up(twin)


def test_half_of_a_batch() -> None:
    twin = lab(Fault(Kind.HALF))
    lines = "link set enp1s0np0 up\nlink set wire0 up\n"
    with pytest.raises(CommandFailed, match="Command failed -:2"):
        twin.run(["ip", "-b", "-"], input=lines)
    assert is_up(twin)
    wire = twin.state.link("wire0")
    assert wire is not None
    assert not wire.up


def test_half_of_the_vfs_is_reported_as_success() -> None:
    twin = lab(Fault(Kind.HALF, matching="sriov_numvfs"))
    twin.write_attribute(f"{PF}/sriov_numvfs", "5", 60)
    assert twin.read(f"{PF}/sriov_numvfs") == "3"
    assert "5 VFs requested; only 3 enabled" in twin.run(["dmesg"]).stdout


def test_power_goes_and_everything_with_it() -> None:
    twin = lab(Fault(Kind.POWER, after=1))
    twin.write_attribute(f"{PF}/sriov_numvfs", "2", 60)
    with pytest.raises(PowerLoss):
        twin.run(UP)
    with pytest.raises(PowerLoss):
        twin.read(f"{PF}/sriov_numvfs")
    twin.reboot()
    assert twin.read(f"{PF}/sriov_numvfs") == "0"
    assert not is_up(twin)


def test_a_line_of_a_journal_may_be_cut_off() -> None:
    twin = lab(Fault(Kind.POWER))
    with pytest.raises(PowerLoss):
        twin.append_lines("/var/lib/eswitch/journal/000001.jsonl", ['{"schema": "x"}'])
    twin.reboot()
    assert twin.read("/var/lib/eswitch/journal/000001.jsonl") == '{"schema'


def test_reading_fails_only_when_asked_to() -> None:
    twin = lab(Fault(Kind.FAIL, changes=False, matching="read /proc"))
    with pytest.raises(HostError, match="Input/output error"):
        twin.read("/proc/sys/kernel/osrelease")
    assert twin.read("/proc/sys/kernel/osrelease")


SPEC = """\
version: 1
nics: {nic: {match: {mac: "08:c0:eb:32:98:11"}, vfs: [{driver: host}, {driver: none}]}}
bridges: {vmbr2: {ports: [nic], address: 10.1.0.1/24}}
"""


def changes() -> int:
    """How many operations an apply of SPEC makes that change something."""
    twin = lab()
    apply(twin, load(SPEC.encode(), "spec"), "spec", consent=lambda plan: True)
    return sum(text.startswith(("write", "append", "run")) for text in twin.operations)


@pytest.mark.parametrize("kind", Kind)
def test_wherever_it_stops_the_next_apply_goes_on_from_there(kind: Kind) -> None:
    """Each change of a whole apply goes wrong once, in each of the ways."""
    desired = load(SPEC.encode(), "spec")
    for after in range(changes()):
        twin = lab(Fault(kind, after=after))
        try:
            apply(twin, desired, "spec", consent=lambda plan: True)
        except PowerLoss:
            twin.reboot()
        except EswitchError:
            pass  # any of ours, and none of Python's
        twin.faults = Plan()
        apply(twin, desired, "spec", consent=lambda plan: True)
        assert make_plan(desired, observe(twin)).steps == ()
        assert twin.state.incidents == []


def test_a_lie_about_the_mode_is_found_out() -> None:
    twin = lab(Fault(Kind.LIE, matching="mode switchdev"))
    with pytest.raises(NotEffective, match="mode was set to switchdev, but reads back as legacy"):
        apply(twin, load(SPEC.encode(), "spec"), "spec", consent=lambda plan: True)


def test_a_vf_that_a_vm_holds_blocks_the_kernel() -> None:
    twin = FaultyTwin(open_machine("pve8-cx6dx-ready"))
    desired = load(twin.read_bytes("/etc/eswitch/eswitch.yaml", 9999), "spec")
    apply(twin, desired, "spec", consent=lambda plan: True)
    twin.start_guest("vm/101")
    with pytest.raises(TimedOut, match="still busy"):
        twin.write_attribute("/sys/bus/pci/devices/0000:07:00.0/sriov_numvfs", "0", 30.0)
    assert "Relaying device request to user" in twin.run(["dmesg"]).stdout
    twin.stop_guest("vm/101")
    undo = prepare(twin)
    assert undo is not None
    rollback(twin, undo)
    assert twin.state.incidents == []


@pytest.mark.parametrize("kind", [Kind.LIE, Kind.HALF])
def test_a_wrong_number_of_vfs_stops_at_once(kind: Kind) -> None:
    """What follows in the same round counts on it: no mode changes while there are VFs."""
    twin = lab()
    twin.write_attribute(f"{PF}/sriov_drivers_autoprobe", "0", 10)
    if kind is Kind.LIE:
        twin.write_attribute(f"{PF}/sriov_numvfs", "3", 60)
    twin.faults = Plan([Fault(kind, matching="sriov_numvfs")])
    with pytest.raises(HostError, match="but reads back as"):
        apply(twin, load(SPEC.encode(), "spec"), "spec", consent=lambda plan: True)
    assert twin.state.incidents == []
    assert not any("mode switchdev" in text for text in twin.operations) or kind is Kind.HALF
