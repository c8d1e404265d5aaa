"""Apply in rounds, reading back, stopping where it must: with scripted plans on a fake host."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fake_host import FakeHost, fails, full

from eswitch.engine import apply, journal
from eswitch.engine.execute import StepFailed
from eswitch.engine.look import Planner
from eswitch.engine.outcome import Reboot
from eswitch.errors import HostError, NotConfirmed, NotEffective, Refused, TimedOut, Unsupported
from eswitch.model.action import Command, Settle, SetVfCount, Tool, Unnamed, Word
from eswitch.model.desired import DesiredState
from eswitch.model.disturbance import Disturbance, Effect
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import KernelState, ObservedState
from eswitch.model.plan import Blocker, Obstacle, Plan
from eswitch.model.step import Phase, Step
from eswitch.model.subject import Interface, Nic

KERNEL_LOG = "eswitchsim 0000:07:00.0: not enough MMIO resources for SR-IOV\n"
ENTRY = f"{journal.DIRECTORY}/000001.jsonl"
PF = PciAddress("0000:07:00.0")
NUMVFS = "/sys/bus/pci/devices/0000:07:00.0/sriov_numvfs"


def step(subject: str, *words: Word, disturbs: tuple[str, ...] = (), tool: Tool = Tool.IP) -> Step:
    command = Command(tool, words or ("link", "set", subject, "up"))
    noticed = tuple(Disturbance((Interface(subject),), Effect.LOSS, text) for text in disturbs)
    return Step(Interface(subject), "link", "down", "up", "why", (command,), (), noticed)


def vfs(count: str = "2") -> Step:
    actions = (SetVfCount(PF, int(count), timeout=60.0), Settle())
    return Step(Nic(PF), "VFs", "0", count, "why", actions, (SetVfCount(PF, 0, timeout=60.0),))


class ScriptedHost(FakeHost):
    """With the plans that are to be answered one after the other; the last one stays."""

    def __init__(self, plans: list[Plan]) -> None:
        super().__init__(cost=0, answers={"dmesg": KERNEL_LOG})
        self.plans = plans

    def planner(self) -> Planner:
        return Planner(
            look=lambda host, desired: ObservedState(KernelState("6.14")),
            plan=lambda desired, observed: (
                self.plans.pop(0) if len(self.plans) > 1 else self.plans[0]
            ),
        )


def go(host: ScriptedHost, *, consent: bool = True) -> tuple[Step, ...]:
    agree = lambda plan: consent  # noqa: E731
    planner = host.planner()
    return apply(host, DesiredState(), "x.yaml", consent=agree, planner=planner).steps


def end_of(host: FakeHost) -> str | None:
    entry = journal.read(host, ENTRY)
    return entry.end if entry else None


def test_nothing_to_do_writes_nothing() -> None:
    host = ScriptedHost([Plan()])
    assert go(host) == ()
    assert host.log == []
    assert host.files == {}


def test_steps_run_in_rounds_as_names_appear() -> None:
    later = step("vf0", "link", "set", Unnamed("representor of VF 0"), "up")
    named = step("vf0", "link", "set", "enp7s0f0r0", "up")
    host = ScriptedHost([Plan((vfs(), later)), Plan((named,)), Plan()])
    assert go(host) == (vfs(), named)
    assert host.log == [
        f"echo 2 > {NUMVFS}",
        "udevadm settle --timeout=180",
        "ip link set enp7s0f0r0 up",
    ]
    assert end_of(host) == "applied"


def test_names_are_waited_for() -> None:
    later = Plan((step("vf0", "link", "set", Unnamed("representor of VF 0"), "up"),))
    host = ScriptedHost([Plan((vfs(), *later.steps)), later, later, Plan((step("vf0"),)), Plan()])
    go(host)
    assert host.time > 0


def test_names_that_never_come() -> None:
    later = Plan((step("vf0", "link", "set", Unnamed("representor of VF 0"), "up"),))
    host = ScriptedHost([Plan((vfs(), *later.steps)), later])
    with pytest.raises(NotEffective, match="representor of VF 0"):
        go(host)
    assert end_of(host) == "failed"


def test_what_is_not_read_back_has_not_happened() -> None:
    host = ScriptedHost([Plan((vfs("8"),)), Plan((vfs("8"),))])
    with pytest.raises(NotEffective, match="VFs was set to 8, but reads back as 0"):
        go(host)
    assert host.log == [f"echo 8 > {NUMVFS}", "udevadm settle --timeout=180"], (
        "it must not try twice"
    )
    assert host.time >= 10.0
    assert end_of(host) == "failed"


@pytest.mark.parametrize("kind", Obstacle)
def test_blockers_touch_nothing(kind: Obstacle) -> None:
    error = Refused if kind.hurts else Unsupported
    blockers = (
        Blocker(Interface("a"), "first", "do a", kind),
        Blocker(Interface("b"), "second", "do b", kind),
    )
    host = ScriptedHost([Plan((vfs(),), blockers)])
    with pytest.raises(error, match="second") as caught:
        go(host)
    assert "hint: do b" in str(caught.value)
    assert host.files == {}
    assert host.log == []


def test_without_consent_nothing_is_touched() -> None:
    host = ScriptedHost([Plan((step("br0", disturbs=("br0 stops",)),))])
    with pytest.raises(NotConfirmed, match="br0 stops"):
        go(host, consent=False)
    assert host.files == {}
    assert host.log == []


def test_a_disturbance_that_nobody_agreed_to_stops_it() -> None:
    host = ScriptedHost([Plan((vfs(),)), Plan((step("br0", disturbs=("br0 stops",)),))])
    with pytest.raises(NotConfirmed, match="br0 stops"):
        go(host)
    assert not any("br0" in line for line in host.log)


def test_the_failing_line_of_a_batch_names_its_step() -> None:
    host = ScriptedHost([Plan((step("a"), step("b"), step("c")))])
    host.fail = fails("-b -", 'Cannot find device "b"\nCommand failed -:2\n')
    with pytest.raises(StepFailed, match="Cannot find device") as caught:
        go(host)
    assert str(caught.value.action) == "ip link set b up"
    assert caught.value.step == 1
    assert end_of(host) == "failed"


def test_the_kernel_log_explains_vfs_that_do_not_come() -> None:
    host = ScriptedHost([Plan((vfs(),))])
    error = HostError("Cannot allocate memory", where=NUMVFS, errno=12)
    host.fail = lambda effect: error if "numvfs" in effect else None
    with pytest.raises(StepFailed, match="not enough MMIO") as caught:
        go(host)
    assert "Above-4G" in (caught.value.hint or "")


def test_a_write_that_hangs_says_who_may_hold_it() -> None:
    host = ScriptedHost([Plan((vfs(),))])
    error = TimedOut("no answer within 60 s", where=NUMVFS)
    host.fail = lambda effect: error if "numvfs" in effect else None
    with pytest.raises(StepFailed) as caught:
        go(host)
    assert "guest" in (caught.value.hint or "")


def test_an_interrupt_is_recorded() -> None:
    host = ScriptedHost([Plan((vfs(),))])

    def interrupt(effect: str) -> HostError | None:
        if effect.startswith("append"):
            return None
        raise KeyboardInterrupt

    host.fail = interrupt
    with pytest.raises(KeyboardInterrupt):
        go(host)
    assert end_of(host) == "interrupted"


def test_the_journal_is_written_before_the_host_is_touched() -> None:
    host = ScriptedHost([Plan((vfs(),)), Plan()])
    seen: list[str] = []

    def look(effect: str) -> None:
        if effect.startswith("append"):
            return
        lines = [json.loads(line) for line in host.text(ENTRY).splitlines()]
        seen.extend(line["title"] for line in lines if "step" in line)

    host.fail = look
    go(host)
    assert seen
    assert set(seen) == {"0000:07:00.0: VFs 0 -> 2"}


@pytest.mark.parametrize("line", ['{"schema"', '{"step"'])
def test_without_a_journal_nothing_is_touched(line: str) -> None:
    host = ScriptedHost([Plan((step("a"),))])
    host.fail = full(line)
    with pytest.raises(HostError) as told:
        go(host)
    assert told.value.message == (
        "the journal could not be written: cannot write x: No space left on device; "
        "nothing was touched"
    )
    assert told.value.hint == "df -h /var/lib/eswitch"
    assert host.log == []


def test_the_journal_fails_in_the_middle() -> None:
    host = ScriptedHost([Plan((step("a"),)), Plan((step("b"),)), Plan()])
    host.fail = full('{"step":1')
    with pytest.raises(HostError, match="the journal could not be written") as told:
        go(host)
    assert "nothing was touched" not in told.value.message
    assert host.log == ["ip link set a up"]
    assert end_of(host) == "failed"


def test_the_first_error_is_told_with_the_journals() -> None:
    host = ScriptedHost([Plan((step("a"),))])
    no_end = full('{"end"')
    no_link = fails("link set a", "RTNETLINK answers: Operation not supported")
    host.fail = lambda effect: no_end(effect) or no_link(effect)
    with pytest.raises(StepFailed) as told:
        go(host)
    first, second = told.value.message.split("\n")
    assert "Operation not supported" in first
    assert second.startswith("the journal could not be written: ")
    assert told.value.action == Command(Tool.IP, ("link", "set", "a", "up"))


def test_an_interruption_stays_one() -> None:
    host = ScriptedHost([Plan((step("a"),))])
    no_end = full('{"end"')

    def fail(effect: str) -> BaseException | None:
        if effect.startswith("ip link"):
            raise KeyboardInterrupt
        return no_end(effect)

    host.fail = fail
    with pytest.raises(KeyboardInterrupt, match="the journal could not be written"):
        go(host)


def test_only_the_journals_last_line_is_missing() -> None:
    host = ScriptedHost([Plan((step("a"),)), Plan()])
    host.fail = full('{"end"')
    with pytest.raises(HostError, match="everything was applied, but the journal could not be"):
        go(host)


def test_what_makes_things_permanent_comes_after_the_rest_was_read_back() -> None:
    seal = replace(step("seal"), phase=Phase.SEALING)
    plans = [Plan((seal, step("a"))), Plan((seal, step("b"))), Plan((seal,)), Plan()]
    host = ScriptedHost(plans)
    go(host)
    assert host.log == ["ip link set a up", "ip link set b up", "ip link set seal up"]


def test_what_was_not_read_back_is_not_made_permanent() -> None:
    seal = replace(step("seal"), phase=Phase.SEALING)
    host = ScriptedHost([Plan((step("a"), seal))])
    with pytest.raises(NotEffective):
        go(host)
    assert host.log == ["ip link set a up"]


def test_who_began_it_before_a_reboot_counts_at_every_look() -> None:
    host = ScriptedHost([Plan((step("a"),)), Plan((step("b"),)), Plan()])
    planner = host.planner()
    sessions: list[tuple[str, ...]] = []

    def plan(desired: DesiredState, observed: ObservedState) -> Plan:
        sessions.append(observed.session_addresses)
        return planner.plan(desired, observed)

    apply(
        host,
        DesiredState(),
        "x.yaml",
        consent=lambda plan: True,
        reboot=Reboot(sessions=("192.168.1.101",)),
        planner=Planner(planner.look, plan),
    )
    assert sessions == [("192.168.1.101",)] * 3
