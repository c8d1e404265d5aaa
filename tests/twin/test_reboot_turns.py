"""Every turn of the way over a reboot, taken by the program itself on a simulated machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256

import pytest
from twin.box import SPEC, Box
from twin.faults import Fault, Kind, Plan
from twin.test_bare_box import GO, rebooting
from twin.test_reboots import ctrl_c, due, meddle

from eswitch.cli.apply_run import ApplyRun, Ended
from eswitch.engine import Outcome, over_reboot, resume
from eswitch.engine.over_reboot import REST, TABLE, Deed, Event, Place, State, Turn
from eswitch.engine.resume import RECORD
from eswitch.errors import Locked
from eswitch.model.identifiers import PciAddress
from eswitch.model.plan import Pending
from eswitch.model.plan import Plan as StepPlan
from eswitch.model.subject import Nic

Scenario = Callable[[Box, pytest.MonkeyPatch], object]
SCENARIOS: dict[tuple[State, Event], Scenario] = {}


def scenario(state: State, event: Event) -> Callable[[Scenario], Scenario]:
    def keep(act: Scenario) -> Scenario:
        SCENARIOS[state, event] = act
        return act

    return keep


def edit_record(box: Box, **changes: object) -> None:
    box.put(RECORD, json.dumps({**json.loads(box.state.files[RECORD]), **changes}))


def back_up(box: Box) -> None:
    """It was armed, and is up again; systemd has not started the unit (it was masked, say)."""
    rebooting(box)
    up(box)


def up(box: Box) -> None:
    box.twin.reboot()
    box.twin.to_start()
    box.twin.end_boot()


def once(
    patch: pytest.MonkeyPatch, box: Box, what: str, act: Callable[[], None], path: str = ""
) -> None:
    """Something happens right before the door is first used like that."""
    real = getattr(box.twin, what)
    done: list[bool] = []

    def use(where: str, *rest: object, **keys: object) -> object:
        if not done and path in where:
            done.append(True)
            act()
        return real(where, *rest, **keys)

    patch.setattr(box.twin, what, use)


# ---- before a reboot


@scenario(State.IDLE, Event.DUE)
@scenario(State.LEAVING, Event.WRITTEN)
@scenario(State.ORDERING, Event.ACCEPTED)
@scenario(State.ARMED, Event.STARTS)
@scenario(State.STARTED, Event.REBOOTED)
@scenario(State.COUNTED, Event.SPEC_SAME)
@scenario(State.WAITING, Event.READY)
@scenario(State.GOING_ON, Event.DONE)
def all_goes_well(box: Box, patch: pytest.MonkeyPatch) -> None:
    assert box.eswitch(GO) == 0


@scenario(State.IDLE, Event.UNAGREED)
def a_person_reboots(box: Box, patch: pytest.MonkeyPatch) -> None:
    assert box.eswitch("apply --yes") == 8


@scenario(State.IDLE, Event.DONE)
def once_more(box: Box, patch: pytest.MonkeyPatch) -> None:
    box.eswitch(GO)
    assert box.eswitch("apply") == 0


@scenario(State.IDLE, Event.ROLLED_BACK)
def back(box: Box, patch: pytest.MonkeyPatch) -> None:
    box.eswitch("apply --yes")
    assert box.eswitch("rollback --yes") == 8


@scenario(State.IDLE, Event.STARTS)
def typed(box: Box, patch: pytest.MonkeyPatch) -> None:
    assert box.eswitch("apply --resume") == 0
    assert "nothing was left to be done after a reboot" in box.told


@scenario(State.LEAVING, Event.FAILED)
def guests(box: Box, patch: pytest.MonkeyPatch) -> None:
    box.twin.run(["ovs-vsctl", "add-br", "vmbr2"])
    meddle(patch, box, "update-grub", lambda: box.twin.start_guest("vm/102"))
    assert box.eswitch(GO) == 4


@scenario(State.LEAVING, Event.INTERRUPTED)
def stopped_while_it_is_written(box: Box, patch: pytest.MonkeyPatch) -> None:
    meddle(patch, box, "systemctl enable", ctrl_c, after=True)
    assert box.eswitch(GO) == 130


@scenario(State.ORDERING, Event.FAILED)
def forbidden(box: Box, patch: pytest.MonkeyPatch) -> None:
    box.state.inhibitors = ['"apt" (PID 812 "apt", user root), reason is "dpkg running"']
    assert box.eswitch(GO) == 1


@scenario(State.ORDERING, Event.UNANSWERED)
def silent(box: Box, patch: pytest.MonkeyPatch) -> None:
    box.twin.faults = Plan([Fault(Kind.HANG, matching="systemctl reboot")])
    assert box.eswitch(GO) == 1


@scenario(State.ORDERING, Event.INTERRUPTED)
def stopped_by_the_reboot(box: Box, patch: pytest.MonkeyPatch) -> None:
    meddle(patch, box, "systemctl reboot", ctrl_c)
    assert box.eswitch(GO) == 130


# ---- armed, and somebody comes first


@scenario(State.ARMED, Event.DUE)
def agreed_anew(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    due(box)
    edit_record(box, reboots=2, starts=3)
    up(box)
    assert box.eswitch(GO) == 0, box.told


@scenario(State.ARMED, Event.UNAGREED)
def by_hand_without_a_reboot(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    due(box)
    up(box)
    assert box.eswitch("apply --yes") == 8, box.told


@scenario(State.ARMED, Event.DONE)
def by_hand(box: Box, patch: pytest.MonkeyPatch) -> None:
    back_up(box)
    assert box.eswitch("apply --yes") == 0, box.told


@scenario(State.ARMED, Event.ROLLED_BACK)
def called_off(box: Box, patch: pytest.MonkeyPatch) -> None:
    back_up(box)
    assert box.eswitch("rollback --yes") == 8, box.told


# ---- after the boot


@scenario(State.STARTED, Event.SAME_BOOT)
def too_early(box: Box, patch: pytest.MonkeyPatch) -> None:
    silent(box, patch)
    box.twin.faults = Plan()
    assert box.eswitch("apply --resume") == 1
    assert "this host has not been rebooted since" in box.told


@scenario(State.STARTED, Event.TOO_OFTEN)
def three_starts(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    edit_record(box, starts=3)
    assert box.boot() == 1
    assert "it was begun 3 times already" in box.told


@scenario(State.STARTED, Event.CALLED_OFF)
def gone_while_it_is_read(box: Box, patch: pytest.MonkeyPatch) -> None:
    back_up(box)
    real = box.twin.read

    def read(path: str) -> str:
        text = real(path)
        if path == RECORD and RECORD in box.state.files:
            resume.disarm(box.twin)
        return text

    patch.setattr(box.twin, "read", read)
    assert box.eswitch("apply --resume") == 0
    assert "somebody else has done it, or has called it off, meanwhile" in box.told


@scenario(State.STARTED, Event.FAILED)
def damaged(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    box.put(RECORD, box.state.files[RECORD][:40])
    assert box.boot() == 1


@scenario(State.STARTED, Event.INTERRUPTED)
def stopped_at_once(box: Box, patch: pytest.MonkeyPatch) -> None:
    back_up(box)
    once(patch, box, "read", ctrl_c, "boot_id")
    assert box.eswitch("apply --resume") == 130
    assert json.loads(box.state.files[RECORD])["starts"] == 0


@scenario(State.COUNTED, Event.SPEC_CHANGED)
def another_spec(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    box.change(SPEC, "192.168.100.101/24", "192.168.100.102/24")
    assert box.boot() == 1


@scenario(State.COUNTED, Event.FAILED)
def a_spec_of_another_eswitch(box: Box, patch: pytest.MonkeyPatch) -> None:
    """A program that was brought up to date meanwhile does not take it any more."""
    rebooting(box)
    box.put(SPEC, "version: 9\n")
    edit_record(box, sha256=sha256(b"version: 9\n").hexdigest())
    assert box.boot() == 3


@scenario(State.COUNTED, Event.INTERRUPTED)
def stopped_while_it_is_counted(box: Box, patch: pytest.MonkeyPatch) -> None:
    back_up(box)
    once(patch, box, "replace_file", ctrl_c, RECORD)
    assert box.eswitch("apply --resume") == 130


@scenario(State.WAITING, Event.LOCKED)
def locked_all_the_time(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)

    def lock(path: str) -> None:
        raise Locked("another eswitch process is changing this host")

    patch.setattr(box.twin, "lock", lock)
    assert box.boot() == 7


@scenario(State.WAITING, Event.CALLED_OFF)
def rolled_back_meanwhile(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    once(patch, box, "lock", lambda: resume.disarm(box.twin))
    box.twin.operations.clear()
    assert box.boot() == 0
    assert not [text for text in box.twin.operations if text.startswith("write ")]


@scenario(State.WAITING, Event.REPLACED)
def armed_by_another_meanwhile(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    once(patch, box, "lock", lambda: edit_record(box, sha256="another"))
    assert box.boot() == 0
    assert json.loads(box.state.files[RECORD])["sha256"] == "another"


@scenario(State.WAITING, Event.OTHER_CARD)
def another_card(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    ((name, pci, _),) = json.loads(box.state.files[RECORD])["cards"]
    edit_record(box, cards=[(name, pci, "02:00:00:00:00:99")])
    assert box.boot() == 1
    assert "another card, so nothing is done by itself" in box.told


@scenario(State.WAITING, Event.FAILED)
def damaged_meanwhile(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    once(patch, box, "lock", lambda: box.put(RECORD, "{"))
    assert box.boot() == 1


@scenario(State.WAITING, Event.INTERRUPTED)
def stopped_while_it_waits(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    meddle(patch, box, "udevadm settle", ctrl_c)
    assert box.boot() == 130


@scenario(State.GOING_ON, Event.DUE)
def a_second_reboot(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    due(box)
    boots = box.state.boots
    assert box.boot() == 0, box.told
    assert box.state.boots == boots + 2


@scenario(State.GOING_ON, Event.TOO_OFTEN)
def no_third_reboot(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    due(box)
    edit_record(box, reboots=2)
    boots = box.state.boots
    assert box.boot() == 1
    assert "2 reboots were not enough" in box.told
    assert "firmware" in box.told
    assert box.state.boots == boots + 1


@scenario(State.GOING_ON, Event.UNAGREED)
def nobody_there_to_ask(box: Box, patch: pytest.MonkeyPatch) -> None:
    """The engine stops at a plan that needs a reboot all of a sudden; were it to miss one."""
    rebooting(box)
    outcome = Outcome(
        pending=(Pending(Nic(PciAddress("0000:07:00.0")), "firmware", "SRIOV_EN True(1)"),)
    )
    patch.setattr(ApplyRun, "go", lambda run, desired: Ended(8, StepPlan(), outcome))
    boots = box.state.boots
    assert box.boot() == 2
    assert "a reboot is due that the plan did not foresee" in box.told
    assert box.state.boots == boots + 1


@scenario(State.GOING_ON, Event.FAILED)
def a_step_fails(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    box.twin.faults = Plan([Fault(Kind.FAIL, matching="mode switchdev")])
    assert box.boot() == 1


@scenario(State.GOING_ON, Event.LOCKED)
def somebody_is_faster(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    real, free = box.twin.lock, [True]

    @contextmanager
    def lock(path: str) -> Iterator[None]:
        if not free:
            raise Locked("another eswitch process is changing this host")
        free.clear()
        with real(path):
            yield

    patch.setattr(box.twin, "lock", lock)
    assert box.boot() == 7


@scenario(State.GOING_ON, Event.INTERRUPTED)
def stopped_while_it_goes_on(box: Box, patch: pytest.MonkeyPatch) -> None:
    rebooting(box)
    meddle(patch, box, "add-br", ctrl_c)
    assert box.boot() == 130


def test_every_turn_has_its_scenario() -> None:
    assert set(SCENARIOS) == {(state, event) for state in State for event in TABLE[state]}


@pytest.mark.parametrize(("state", "event"), SCENARIOS, ids=lambda word: word.name)
def test_the_program_takes_it(state: State, event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes to that pair, does what the table says, and leaves what the last state says."""
    box = Box.delivered("pve8-cx6dx")
    real = over_reboot.follow
    taken: list[tuple[State, Event, Turn, bool]] = []

    def follow(place: Place, what: Event) -> tuple[Place, Turn]:
        found = real(place, what)
        taken.append((place.state, what, found[1], RECORD in box.state.files))
        return found

    for module in ("eswitch.cli.apply_over_reboot.over_reboot", "eswitch.engine.resume"):
        monkeypatch.setattr(f"{module}.follow", follow)
    SCENARIOS[state, event](box, monkeypatch)
    turns = [turn for at, what, turn, _ in taken if (at, what) == (state, event)]
    assert turns == [TABLE[state][event]] * len(turns)
    assert turns
    last = taken[-1][2]
    assert last.to in REST
    assert bool(box.left) is (last.to is State.ARMED)
    before = taken[-1][3]
    assert (RECORD in box.state.files) is (before and last.deed is not Deed.DISARM)
