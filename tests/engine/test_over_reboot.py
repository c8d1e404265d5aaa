"""The way over a reboot: every pair of state and event, every walk, and the picture of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eswitch.engine.over_reboot import (
    ELSEWHERE,
    MOST_REBOOTS,
    MOST_STARTS,
    REST,
    TABLE,
    Count,
    Deed,
    Event,
    Impossible,
    Place,
    State,
    at_rest,
    follow,
)

ROOT = Path(__file__).parent.parent.parent

WAY = """
              idle     leaving   ordering  armed     started  counted  waiting   going on
DUE           leaving  -         -         leaving   -        -        -         leaving
UNAGREED      idle     -         -         armed     -        -        -         x
DONE          idle     -         -         x         -        -        -         x
ROLLED_BACK   idle     -         -         x         -        -        -         -
STARTS        idle     -         -         started   -        -        -         -
WRITTEN       -        ordering  -         -         -        -        -         -
ACCEPTED      -        -         armed     -         -        -        -         -
UNANSWERED    -        -         armed     -         -        -        -         -
SAME_BOOT     -        -         -         -         x        -        -         -
REBOOTED      -        -         -         -         counted  -        -         -
SPEC_SAME     -        -         -         -         -        waiting  -         -
SPEC_CHANGED  -        -         -         -         -        x        -         -
READY         -        -         -         -         -        -        going_on  -
CALLED_OFF    -        -         -         -         idle     -        idle      -
REPLACED      -        -         -         -         -        -        armed     -
OTHER_CARD    -        -         -         -         -        -        x         -
LOCKED        -        -         -         -         -        -        armed     armed
TOO_OFTEN     -        -         -         -         x        -        -         x
FAILED        -        x         x         -         x        x        x         x
INTERRUPTED   -        x         armed     -         armed    armed    armed     armed
"""
"""Where each event leads from each state, said once more by a person: `x` is idle, with record and
unit removed, `-` cannot be."""

PAIRS = list(product(State, Event))
TURNS = [(state, event) for state, turns in TABLE.items() for event in turns]


def said(state: State, event: Event) -> str:
    rows = {line.split()[0]: line.split()[1:] for line in WAY.strip().splitlines()[1:]}
    return rows[event.name][list(State).index(state)].replace("_", " ")


@pytest.mark.parametrize(("state", "event"), PAIRS, ids=lambda word: word.name)
def test_every_pair(state: State, event: Event) -> None:
    expected = said(state, event)
    if expected == "-":
        with pytest.raises(Impossible, match=ELSEWHERE[event]):
            follow(Place(state), event)
        return
    place, turn = follow(Place(state), event)
    disarmed = turn.deed is Deed.DISARM
    assert ("x" if disarmed else place.state) == expected
    assert place.state is turn.to
    assert not disarmed or turn.to is State.IDLE
    assert turn.why


@pytest.mark.parametrize(("state", "event"), TURNS, ids=lambda word: word.name)
def test_work_is_what_makes_a_state_and_rest_has_none(state: State, event: Event) -> None:
    """`travel` does what leads into a state, and stops at rest."""
    turn = TABLE[state][event]
    at_work = turn.deed not in (Deed.NOTHING, Deed.DISARM)
    assert at_work is (turn.to not in REST)
    same = {TABLE[s][e].deed for s, e in TURNS if TABLE[s][e].to is turn.to}
    assert not at_work or same == {turn.deed}


def test_whoever_is_at_work_can_fail_and_be_interrupted() -> None:
    for state in set(State) - REST:
        assert {Event.FAILED, Event.INTERRUPTED} <= set(TABLE[state])


def test_what_counts_can_be_too_often() -> None:
    """Whatever was agreed to just now is the first."""
    for state, event in TURNS:
        if TABLE[state][event].counts in (Count.REBOOT, Count.START):
            assert Event.TOO_OFTEN in TABLE[state]


@pytest.mark.parametrize("starts", range(MOST_STARTS + 2))
def test_so_many_starts_and_no_more(starts: int) -> None:
    place, turn = follow(Place(State.STARTED, 1, starts), Event.REBOOTED)
    if starts < MOST_STARTS:
        assert place == Place(State.COUNTED, 1, starts + 1)
    else:
        assert (place, turn.deed) == (Place(State.IDLE, 1, starts), Deed.DISARM)


@pytest.mark.parametrize("reboots", range(MOST_REBOOTS + 2))
def test_so_many_reboots_and_no_more(reboots: int) -> None:
    place, turn = follow(Place(State.GOING_ON, reboots, 1), Event.DUE)
    if reboots < MOST_REBOOTS:
        assert place == Place(State.LEAVING, reboots + 1, 1)
    else:
        assert (place, turn.deed) == (Place(State.IDLE, reboots, 1), Deed.DISARM)


@pytest.mark.parametrize("state", sorted(REST))
def test_whoever_agrees_anew_begins_to_count_anew(state: State) -> None:
    used_up = Place(state, MOST_REBOOTS, MOST_STARTS)
    assert follow(used_up, Event.DUE)[0] == Place(State.LEAVING, 1, 0)


def test_an_event_that_cannot_be_changes_nothing() -> None:
    place = Place(State.IDLE, 1, 2)
    with pytest.raises(Impossible):
        follow(place, Event.ACCEPTED)
    assert place == Place(State.IDLE, 1, 2)


# ---- walks

BY_PEOPLE = {Event.DUE, Event.UNAGREED, Event.DONE, Event.ROLLED_BACK}
"""At rest these come from an apply or a rollback that somebody has typed."""


@dataclass
class Machine:
    """A disk, and a process that does on it what the turns say. `ordered` and `begun` count what
    came of one agreement."""

    record: Place | None = None
    place: Place = field(default_factory=lambda: Place(State.IDLE))
    ordered: int = 0
    begun: int = 0

    def new_process(self) -> None:
        self.place = Place(at_rest(record=self.record is not None))

    def happens(self, event: Event) -> None:
        before = self.place
        if before.state is State.ARMED and event is Event.STARTS:
            assert self.record is not None
            self.place = replace(self.record, state=State.ARMED)  # what it finds
        if before.state is State.LEAVING and event is Event.WRITTEN:
            self.record = before
        if event is Event.CALLED_OFF:
            self.record = None  # that is what somebody did
        if event is Event.REPLACED:
            self.record, self.ordered, self.begun = Place(State.ARMED, 1, 0), 1, 0
        self.place, turn = follow(self.place, event)
        if turn.deed is Deed.ARM and before.state in REST:  # somebody has agreed to it just now
            self.ordered = self.begun = 0
        self.ordered += turn.deed is Deed.ORDER
        self.begun += turn.deed is Deed.COUNT
        if turn.deed is Deed.COUNT:
            self.record = self.place
        if turn.deed is Deed.DISARM:
            self.record = None
        self.check()

    def check(self) -> None:
        assert self.ordered <= MOST_REBOOTS
        assert self.begun <= MOST_STARTS
        assert self.place.state is not State.IDLE or self.record is None
        assert self.place.state is not State.ARMED or self.record is not None


def possible(machine: Machine, *, people: bool = True) -> list[Event]:
    events = list(TABLE[machine.place.state])
    if machine.place.state in REST and not people:
        return [event for event in events if event not in BY_PEOPLE]
    return events


@given(st.data())
def test_no_walk_reboots_too_often_and_every_one_that_ends_leaves_nothing_armed(
    data: st.DataObject,
) -> None:
    """Power cuts, people and whatever fails: anything that the table has, at any time."""
    machine = Machine()
    for _ in range(data.draw(st.integers(1, 60))):
        if data.draw(st.integers(0, 9)) == 0:
            if machine.place.state is State.LEAVING and data.draw(st.booleans()):
                machine.record = machine.place  # it was just written
            machine.new_process()
        elif machine.place.state in REST:
            machine.new_process()
        machine.happens(data.draw(st.sampled_from(possible(machine))))


@given(st.data())
def test_left_alone_every_walk_ends(data: st.DataObject) -> None:
    """With a boot after each rest, and nobody who agrees to anything: three starts are the most."""
    machine = Machine()
    machine.happens(Event.DUE)
    boots = 0
    for _ in range(100):
        if machine.place.state in REST:
            boots += machine.place.state is State.ARMED
            machine.new_process()
        if machine.place.state is State.IDLE:
            break
        event = data.draw(st.sampled_from(possible(machine, people=False)))
        assume(event is not Event.REPLACED)  # another agreement, with counts of its own
        # Who is stopped before a start is counted is no loop of ours: it reboots nobody.
        assume((machine.place.state, event) != (State.STARTED, Event.INTERRUPTED))
        machine.happens(event)
    assert machine.place.state is State.IDLE
    assert machine.record is None
    assert boots <= MOST_STARTS + 1


# ---- the picture


def test_the_picture_in_the_manual_is_drawn_from_the_table() -> None:
    """`tools/reboot_picture.py --write` draws it anew."""
    tool = ROOT / "tools" / "reboot_picture.py"
    drawn = subprocess.run(
        [sys.executable, tool], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    page = (ROOT / "docs" / "reboots.md").read_text()
    _, begin, rest = page.partition("--write -->\n```text\n")
    picture, end, _ = rest.partition("```\n<!-- end of the drawing -->\n")
    assert begin
    assert end
    assert picture == drawn
    for state, event in TURNS:
        assert event in picture or event is Event.TOO_OFTEN, (state, event)
