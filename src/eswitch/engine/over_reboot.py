"""The way of an apply over a reboot, as data. Pure: all that decides where it leads is here.

A process that has to do with it is at one place: a state, and how often it has rebooted and begun.
What happens to it is an event; the table says for each state and event where it leads, and what is
done. A process that ends by itself ends in one of the two states of rest. One that is killed, or
whose machine loses power, takes no way through the table: the next one finds `at_rest` what the
disk says, and begins there.

Nothing here can loop: for what was agreed to once, eswitch orders two reboots and begins three
times after a boot, each counted on the disk before anything else is done. Once that is used up,
what would be counted is TOO_OFTEN instead (facts 9.1).

docs/reboots.md has the picture of it, which tools/reboot_picture.py draws from this table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

MOST_REBOOTS = 2
MOST_STARTS = MOST_REBOOTS + 1


class State(StrEnum):
    """In the order in which they come if all goes well: IDLE once more is the end."""

    IDLE = "idle"
    """At rest: no record, no unit."""
    LEAVING = "leaving"
    """All is set that needs a reboot; it is written down how to go on."""
    ORDERING = "ordering"
    """Record and unit are on the disk, and systemd is asked for the reboot."""
    ARMED = "armed"
    """At rest: the next boot goes on."""
    STARTED = "started"
    """The unit runs, and has touched nothing."""
    COUNTED = "counted"
    """This start is counted on the disk."""
    WAITING = "waiting"
    """For the lock, for udev and for the NICs."""
    GOING_ON = "going on"
    """The apply runs that was agreed to before the reboot."""


REST = frozenset({State.IDLE, State.ARMED})


class Event(StrEnum):
    """What can happen, in the words of the picture."""

    DUE = "a reboot is due that was agreed to"
    UNAGREED = "a reboot is due that nobody has agreed to"
    DONE = "nothing is left to be done"
    ROLLED_BACK = "a rollback begins"
    STARTS = "systemd starts the unit"
    WRITTEN = "it is written down"
    ACCEPTED = "systemd takes the order"
    UNANSWERED = "systemd does not answer in time"
    SAME_BOOT = "nobody has rebooted"
    REBOOTED = "this is another boot"
    SPEC_SAME = "the spec is the one that was agreed to"
    SPEC_CHANGED = "the spec is another one, or gone"
    READY = "the lock is free, and the NICs are there"
    CALLED_OFF = "somebody has done it, or called it off"
    REPLACED = "somebody has armed another apply"
    OTHER_CARD = "a NIC is another card than before"
    LOCKED = "another eswitch holds the lock"
    TOO_OFTEN = "that was too often"
    FAILED = "something fails"
    INTERRUPTED = "Ctrl-C, SIGTERM"


class Deed(StrEnum):
    """What is done on the way to the next state; what comes of it is the next event."""

    NOTHING = "nothing"
    ARM = "look for guests, write record and unit"
    ORDER = "ask systemd for the reboot"
    DISARM = "remove record and unit"
    LOOK = "read the record, and which boot this is"
    COUNT = "write down the start, compare the spec"
    WAIT = "wait for another eswitch, udev and the NICs"
    APPLY = "apply, with what was agreed to"


class Count(StrEnum):
    """What a turn counts."""

    NOTHING = "nothing"
    FIRST_REBOOT = "a reboot that somebody has agreed to just now: the first"
    REBOOT = "a reboot more"
    START = "a start more"


@dataclass(frozen=True, slots=True)
class Turn:
    """Where one event leads from one state, what is done on the way, and why it is so."""

    to: State
    deed: Deed
    why: str
    counts: Count = Count.NOTHING


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process is, and what is counted for what was agreed to: reboots that were ordered,
    and starts after a boot."""

    state: State
    reboots: int = 0
    starts: int = 0


class Impossible(Exception):
    """An event that cannot come in that state: a defect of eswitch."""


def _stop(why: str) -> Turn:
    return Turn(State.IDLE, Deed.DISARM, why)


def _rest(state: State, why: str) -> Turn:
    return Turn(state, Deed.NOTHING, why)


_NEXT_BOOT = "no harm was done: the next boot tries it again"

TABLE: dict[State, dict[Event, Turn]] = {
    State.IDLE: {
        Event.DUE: Turn(
            State.LEAVING, Deed.ARM, "guests may have started meanwhile", Count.FIRST_REBOOT
        ),
        Event.UNAGREED: _rest(State.IDLE, "a person reboots when it suits"),
        Event.DONE: _rest(State.IDLE, "no reboot was needed"),
        Event.ROLLED_BACK: _rest(State.IDLE, "nothing is armed"),
        Event.STARTS: _rest(State.IDLE, "a unit without a record does nothing"),
    },
    State.LEAVING: {
        Event.WRITTEN: Turn(State.ORDERING, Deed.ORDER, "whoever goes on is ready for it"),
        Event.FAILED: _stop("guests run, or it could not be written: this host stays up"),
        Event.INTERRUPTED: _stop("the reboot is not ordered yet, so it is called off"),
    },
    State.ORDERING: {
        Event.ACCEPTED: _rest(State.ARMED, "the host goes down"),
        Event.UNANSWERED: _rest(State.ARMED, "it may yet come, and then somebody has to go on"),
        Event.INTERRUPTED: _rest(State.ARMED, "it may be the reboot itself that stops us"),
        Event.FAILED: _stop("somebody forbids it (an upgrade), and a later boot is not ours"),
    },
    State.ARMED: {
        Event.STARTS: Turn(State.STARTED, Deed.LOOK, "that is what it was written for"),
        Event.DUE: Turn(
            State.LEAVING, Deed.ARM, "agreed anew: it takes the old one's place", Count.FIRST_REBOOT
        ),
        Event.UNAGREED: _rest(State.ARMED, "the next boot goes on as before"),
        Event.DONE: _stop("an apply by hand has done it all"),
        Event.ROLLED_BACK: _stop("it would bring back all that is undone"),
    },
    State.STARTED: {
        Event.REBOOTED: Turn(
            State.COUNTED, Deed.COUNT, "counted first: what comes may cut the power", Count.START
        ),
        Event.SAME_BOOT: _stop("what the reboot was for cannot be there"),
        Event.TOO_OFTEN: _stop("three starts did not bring it to its end"),
        Event.CALLED_OFF: _rest(State.IDLE, "the record went away under our eyes"),
        Event.FAILED: _stop("the record cannot be read"),
        Event.INTERRUPTED: _rest(State.ARMED, _NEXT_BOOT),
    },
    State.COUNTED: {
        Event.SPEC_SAME: Turn(State.WAITING, Deed.WAIT, "what is slow at a boot comes in time"),
        Event.SPEC_CHANGED: _stop("what was agreed to was another one"),
        Event.FAILED: _stop("the spec cannot be used"),
        Event.INTERRUPTED: _rest(State.ARMED, _NEXT_BOOT),
    },
    State.WAITING: {
        Event.READY: Turn(State.GOING_ON, Deed.APPLY, "all that it needs is there"),
        Event.LOCKED: _rest(State.ARMED, _NEXT_BOOT),
        Event.CALLED_OFF: _rest(State.IDLE, "whoever held the lock has done it, or rolled back"),
        Event.REPLACED: _rest(State.ARMED, "it is the other one that goes on"),
        Event.OTHER_CARD: _stop("a BIOS may number buses anew: it was agreed to for another card"),
        Event.FAILED: _stop("this host cannot be read"),
        Event.INTERRUPTED: _rest(State.ARMED, _NEXT_BOOT),
    },
    State.GOING_ON: {
        Event.DONE: _stop("that is the end"),
        Event.DUE: Turn(
            State.LEAVING,
            Deed.ARM,
            "the boot brought what it was for, and more is due",
            Count.REBOOT,
        ),
        Event.TOO_OFTEN: _stop("two reboots were not enough: a person should look"),
        Event.UNAGREED: _stop("nobody is here to be asked"),
        Event.FAILED: _stop("a person should look; what a boot did not bring is not tried again"),
        Event.LOCKED: _rest(State.ARMED, _NEXT_BOOT),
        Event.INTERRUPTED: _rest(State.ARMED, _NEXT_BOOT),
    },
}

ELSEWHERE: dict[Event, str] = {
    Event.DUE: "only an apply that has come to its end knows it",
    Event.UNAGREED: "only an apply that has come to its end knows it",
    Event.DONE: "only an apply that has come to its end knows it",
    Event.ROLLED_BACK: "a rollback is a process of its own, and begins at rest",
    Event.STARTS: "the unit is a process of its own, and begins at rest",
    Event.WRITTEN: "it is written down while leaving",
    Event.ACCEPTED: "systemd is asked while ordering",
    Event.UNANSWERED: "systemd is asked while ordering; elsewhere a time-out is a failure",
    Event.SAME_BOOT: "the boot is looked at once, when the unit has started",
    Event.REBOOTED: "the boot is looked at once, when the unit has started",
    Event.SPEC_SAME: "the spec is compared once, when the start is counted",
    Event.SPEC_CHANGED: "the spec is compared once, when the start is counted",
    Event.READY: "only who waits can be ready",
    Event.CALLED_OFF: "the record is looked at when the unit has started, and under the lock",
    Event.REPLACED: "the record is compared under the lock",
    Event.OTHER_CARD: "cards are compared once they are waited for",
    Event.LOCKED: "the lock is taken to wait, and to apply",
    Event.TOO_OFTEN: "only a start, and a reboot more, are counted",
    Event.FAILED: "nothing is at work at rest; an apply by hand that fails changes nothing here",
    Event.INTERRUPTED: "nothing is at work at rest; an apply by hand changes nothing here",
}
"""Why an event cannot come in the states that have no turn for it."""


def at_rest(*, record: bool) -> State:
    """Where a new process begins: with a record on the disk, or without."""
    return State.ARMED if record else State.IDLE


def too_often(place: Place, event: Event) -> bool:
    """Whether it would be counted, and the counts are used up."""
    counted = _counted(place, _turn(place.state, event).counts)
    return counted.reboots > MOST_REBOOTS or counted.starts > MOST_STARTS


def follow(place: Place, event: Event) -> tuple[Place, Turn]:
    """Where the event leads, and the turn by which: that of TOO_OFTEN if the counts are used up.
    Raises Impossible for a pair that the table has not."""
    turn = _turn(place.state, Event.TOO_OFTEN if too_often(place, event) else event)
    return replace(_counted(place, turn.counts), state=turn.to), turn


def _turn(state: State, event: Event) -> Turn:
    try:
        return TABLE[state][event]
    except KeyError:
        raise Impossible(f"{state}: {event}, but {ELSEWHERE[event]}") from None


def _counted(place: Place, what: Count) -> Place:
    match what:
        case Count.FIRST_REBOOT:
            return replace(place, reboots=1, starts=0)
        case Count.REBOOT:
            return replace(place, reboots=place.reboots + 1)
        case Count.START:
            return replace(place, starts=place.starts + 1)
        case Count.NOTHING:
            return place
