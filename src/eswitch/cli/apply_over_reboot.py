"""An apply over reboots: does what the table of engine/over_reboot.py says, and tells it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eswitch.engine import over_reboot, resume
from eswitch.engine.converge import LOCK, refuse_guests
from eswitch.engine.outcome import Reboot
from eswitch.engine.over_reboot import REST, Deed, Event, Place, State
from eswitch.errors import EswitchError, Locked, NotConfirmed, Refused, TimedOut
from eswitch.observe import observe, read_session

from .apply_run import ApplyRun, Ended
from .signals import during_change
from .specfile import DEFAULT, digest, load

if TYPE_CHECKING:
    from eswitch.host import Host
    from eswitch.model.desired import DesiredState
    from eswitch.model.observed import ObservedState
    from eswitch.model.plan import Plan

    from .session import Session

_PATIENCE = 300.0
"""Seconds for which another eswitch may be at work when it is to go on."""

_INTERRUPTED = {
    State.LEAVING: "interrupted before the reboot, which was called off; what was set counts from "
    "the next boot on: `eswitch apply` goes on from there",
    State.ORDERING: "interrupted; the reboot was ordered before, and it goes on after it",
}
_MEANWHILE = "somebody else has done it, or has called it off, meanwhile"
_TOLD = {
    Event.STARTS: "nothing was left to be done after a reboot",
    Event.CALLED_OFF: _MEANWHILE,
    Event.REPLACED: _MEANWHILE,
}
"""What is said where the way ends with that and no error."""


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a deed; `error` is to be told at the end of the way, unless it was told."""

    event: Event
    error: BaseException | None = None


class ApplyOverReboot:
    """One process on the way, from rest to rest. What it knows grows on the way: the record and the
    spec, which one that goes on after a boot finds on the disk, and how its apply ended."""

    record: resume.Resume
    desired: DesiredState
    name: str
    ended: Ended

    def __init__(self, session: Session) -> None:
        self.session = session
        self.host: Host = session.host
        self.place = Place(State.IDLE)
        self.code = 0
        self._deeds: dict[Deed, Callable[[], Came]] = {
            Deed.LOOK: self._look,
            Deed.COUNT: self._count,
            Deed.WAIT: self._wait,
            Deed.APPLY: self._apply,
            Deed.ARM: self._arm,
            Deed.ORDER: self._order,
        }

    def by_hand(
        self, record: resume.Resume, desired: DesiredState, name: str, *, yes: bool
    ) -> None:
        """An apply that somebody has typed, and, once it is at its end, the reboot."""
        self.record, self.desired, self.name = record, desired, name
        run = ApplyRun(self.session, name, yes=yes, reboot=_reboot(record))
        came = self._came_of(run.go(desired))
        if self.ended.outcome is not None:  # else nothing is due, and what was armed stays so
            with run.interrupts_told():
                self._travel(came)

    def go_on(self) -> None:
        """What systemd starts after a boot."""
        self._travel(Came(Event.STARTS))

    # ---- from turn to turn

    def _travel(self, came: Came) -> None:
        """Raises what stopped it, once the table's deed for that is done."""
        self.place = Place(over_reboot.at_rest(record=resume.is_armed(self.host)))
        error: BaseException | None = None
        while True:
            if over_reboot.too_often(self.place, came.event):
                came = Came(Event.TOO_OFTEN, self._too_often())
            error = came.error or error
            self.place, turn = over_reboot.follow(self.place, came.event)
            if self.place.state in REST:
                break
            came = self._do(turn.deed)
        if turn.deed is Deed.DISARM:
            resume.disarm(self.host)
        if error is not None:
            raise error
        if came.event in _TOLD:
            self.session.err.say(_TOLD[came.event])

    def _do(self, deed: Deed) -> Came:
        try:
            return self._deeds[deed]()
        except KeyboardInterrupt as stop:
            said = str(stop) or _INTERRUPTED.get(self.place.state, "")
            return Came(Event.INTERRUPTED, KeyboardInterrupt(*[said] if said else []))
        except Locked as error:
            return Came(Event.LOCKED, error)
        except TimedOut as error:
            asked = self.place.state is State.ORDERING
            return Came(Event.UNANSWERED if asked else Event.FAILED, error)
        except Exception as error:  # noqa: BLE001 (raised once nothing is armed any more)
            return Came(Event.FAILED, error)

    def _too_often(self) -> EswitchError:
        if self.place.state is State.STARTED:
            return resume.begun_too_often()
        return resume.rebooted_too_often(self.ended.pending)

    # ---- what is done after a boot

    def _look(self) -> Came:
        record = resume.armed(self.host)
        if record is None:
            return Came(Event.CALLED_OFF)
        self.record = record
        self.place = replace(self.place, reboots=record.reboots, starts=record.starts)
        if record.boot == resume.boot_id(self.host):
            return Came(Event.SAME_BOOT, resume.not_rebooted())
        return Came(Event.REBOOTED)

    def _count(self) -> Came:
        self.record = replace(self.record, starts=self.place.starts)
        resume.write(self.host, self.record)
        path = self.record.spec
        if error := resume.other_spec(self.record, digest(self.session, path)):
            return Came(Event.SPEC_CHANGED, error)
        self.desired, self.name = load(self.session, None if path == DEFAULT else path)
        return Came(Event.SPEC_SAME)

    def _wait(self) -> Came:
        _wait_for_the_lock(self.host)
        found = resume.armed(self.host)
        if found is None:
            return Came(Event.CALLED_OFF)
        if found != self.record:
            return Came(Event.REPLACED)
        observed = resume.wait_for_cards(self.host, self.desired)
        if error := resume.other_card(self.record, self.desired, observed):
            return Came(Event.OTHER_CARD, error)
        return Came(Event.READY)

    def _apply(self) -> Came:
        run = ApplyRun(self.session, self.name, yes=False, reboot=_reboot(self.record))
        return self._came_of(run.go(self.desired))

    def _came_of(self, ended: Ended) -> Came:
        """An apply has told its own errors."""
        self.ended, self.code = ended, ended.code
        if ended.outcome is None:
            return Came(Event.LOCKED if isinstance(ended.error, Locked) else Event.FAILED)
        if not ended.pending:
            return Came(Event.DONE)
        if ended.plan is not None and ended.plan.reboots:
            return Came(Event.DUE)
        unforeseen = NotConfirmed(
            "a reboot is due that the plan did not foresee, so nobody has agreed to it",
            hint="reboot when it suits you, then apply again",
        )
        return Came(Event.UNAGREED, unforeseen)

    # ---- what is done before a reboot

    def _arm(self) -> Came:
        observed = observe(self.host)
        refuse_guests(self.host, observed)  # what was set may have taken an hour
        resume.arm(self.host, self._next_record(observed))
        return Came(Event.WRITTEN)

    def _next_record(self, observed: ObservedState) -> resume.Resume:
        """What the boot that comes will find."""
        plan = self.ended.plan
        steps = (*plan.steps, *plan.later) if plan else ()
        agreed = (*self.record.agreed, *(step.key for step in steps if step.disturbs))
        return replace(
            self.record,
            boot=resume.boot_id(self.host),
            expected=self.ended.pending,
            agreed=tuple(dict.fromkeys(agreed)),
            cards=resume.cards(self.desired, observed),
            reboots=self.place.reboots,
            starts=self.place.starts,
        )

    def _order(self) -> Came:
        resume.reboot(self.host)
        with suppress(Exception):  # whatever becomes of the line, the reboot is ordered
            self.session.err.say("rebooting; `journalctl -u eswitch-resume` tells how it went on")
        return Came(Event.ACCEPTED)


def apply_by_hand(session: Session, spec: str | None, *, yes: bool) -> int:
    """`eswitch apply --reboot`, as a person types it."""
    desired, name = load(session, spec)
    record = _first_record(session, spec, name)
    way = ApplyOverReboot(session)
    with during_change():
        way.by_hand(record, desired, name, yes=yes)
    return way.code


def go_on(session: Session) -> int:
    """`eswitch apply --resume`, as the unit runs it: once, with what was agreed to."""
    way = ApplyOverReboot(session)
    with during_change():
        way.go_on()
    return way.code


def refusals(session: Session, spec: str | None, name: str, plan: Plan) -> list[EswitchError]:
    """Why `apply --reboot` would not do it; for a dry run."""
    found: list[EswitchError] = []
    try:
        _first_record(session, spec, name)
    except Refused as refused:
        found.append(refused)
    if plan.reboots and not plan.blockers:
        try:
            refuse_guests(session.host, observe(session.host))
        except Refused as refused:
            found.append(refused)
    return found


def _first_record(session: Session, spec: str | None, name: str) -> resume.Resume:
    """For an apply that a person has typed. Raises Refused for a spec or a program that will not be
    there after a reboot, and where nothing could go on."""
    path = DEFAULT if spec is None else name if spec == "-" else os.path.abspath(name)
    if spec == "-" or session.host is session.here:  # a simulated machine is not where it is
        resume.refuse_fleeting(session.here, path)
    resume.refuse_without_systemd(session.host)
    if not session.is_simulated:  # there is no such program there
        resume.refuse_program(session.host, _program())
    return resume.Resume(
        spec=path,
        sha256=digest(session, path) or "",
        boot=resume.boot_id(session.host),
        program=_program(),
        sessions=read_session(session.host),
    )


def _reboot(record: resume.Resume) -> Reboot:
    """What the engine has to know of the reboot before."""
    agreed = frozenset(record.agreed)
    unattended = record.reboots > 0
    return Reboot(record.expected, agreed, record.sessions, unattended=unattended)


def _wait_for_the_lock(host: Host) -> None:
    """Raises Locked if somebody holds it all the time."""
    deadline = host.monotonic() + _PATIENCE
    while True:
        try:
            with host.lock(LOCK):
                return
        except Locked:
            if host.monotonic() >= deadline:
                raise
        host.sleep(2.0)


def _program() -> tuple[str, ...]:
    """The words that start this very program, also from another directory."""
    started = os.path.abspath(sys.argv[0])
    if started.endswith("/__main__.py"):
        return (sys.executable, "-m", "eswitch")
    return (started,)
