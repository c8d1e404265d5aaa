"""What an action says of itself decides how it is carried out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fake_host import FakeHost

from eswitch.engine.batch import Operation
from eswitch.engine.execute import StepFailed, execute, execute_all
from eswitch.errors import HostError
from eswitch.host import Result
from eswitch.model.action import Program, Remember, SetVfCount, Write, by_hand
from eswitch.model.identifiers import PciAddress

PF = PciAddress("0000:07:00.0")
NUMVFS = f"/sys/bus/pci/devices/{PF}/sriov_numvfs"
NOTE = "/var/lib/eswitch/boot-refreshed"


def one(action: Program | Remember | SetVfCount | Write) -> Operation:
    return Operation((action,), (0,))


@pytest.mark.parametrize("whole", [False, True])
def test_the_plan_says_what_may_be_cut_short(monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    host, told = FakeHost(), []

    def run(argv: Sequence[str], **keys: object) -> Result:
        told.append((*argv, keys["whole"]))
        return Result(0, "", "")

    monkeypatch.setattr(host, "run", run)
    execute(one(Program(("update-grub",), whole=whole)), host)
    assert told == [("update-grub", whole)]


def test_making_vfs_is_typed_as_ever() -> None:
    assert str(SetVfCount(PF, 4, timeout=60.0)) == f"echo 4 > {NUMVFS}"


def test_a_plain_write_to_the_same_place_is_a_plain_write() -> None:
    """Nobody looks at how a path ends."""
    host = FakeHost()
    host.fail = lambda effect: HostError("busy", errno=16) if "numvfs" in effect else None
    with pytest.raises(StepFailed) as plain:
        execute(one(Write(NUMVFS, "4")), host)
    assert plain.value.message == "busy"
    with pytest.raises(StepFailed, match="writing 4 to sriov_numvfs failed: busy"):
        execute(one(SetVfCount(PF, 4, timeout=60.0)), host)


def test_what_eswitch_remembers_is_done_and_not_to_be_typed() -> None:
    action = Remember("/etc/kernel/cmdline", NOTE)
    host = FakeHost(files={"/etc/kernel/cmdline": b"root=x\xff quiet\n"})
    execute(one(action), host)
    assert host.files[NOTE] == b"root=x\xff quiet\n"
    assert by_hand((action, Write(NUMVFS, "4"))) == (Write(NUMVFS, "4"),)
    host.files.pop("/etc/kernel/cmdline")
    with pytest.raises(StepFailed):
        execute(one(action), host)


def test_a_program_that_came_with_what_it_undoes_may_be_gone() -> None:
    host = FakeHost()
    host.fail = lambda effect: HostError(f"{effect}: No such file or directory")
    tool = ("env", "-C", "/x", "./uninstall.sh")
    assert execute_all(one(Program(tool, brought=True)), host) == (
        "env -C /x ./uninstall.sh: it does not exist",
    )
    (said,) = execute_all(one(Program(tool)), host)
    assert "No such file" in said
