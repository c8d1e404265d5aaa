"""Over a reboot: what is written down before it, and how the same apply goes on after it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from eswitch.engine import resume
from eswitch.engine.converge import LOCK, refuse_guests
from eswitch.engine.outcome import Reboot
from eswitch.errors import REBOOT_NEEDED, Locked, NotConfirmed, Refused, TimedOut
from eswitch.observe import observe, read_session

from .specfile import DEFAULT, digest, load
from .staying import staying
from .watched import WatchedApply

if TYPE_CHECKING:
    from eswitch.engine import Outcome
    from eswitch.errors import EswitchError
    from eswitch.host import Host
    from eswitch.model.desired import DesiredState
    from eswitch.model.plan import Plan

    from .session import Session

_PATIENCE = 300.0
"""Seconds for which another eswitch may be at work when it is to go on."""


@dataclass
class Resumption:
    """One apply that may end in a reboot. `record` is what the boot after it will find, `ordered`
    whether the reboot has been asked for and not been refused: it may yet come."""

    session: Session
    record: resume.Resume
    ordered: bool = False

    @classmethod
    def before(cls, session: Session, spec: str | None, name: str) -> Self:
        """For an apply that a person has typed. Raises Refused for a spec or a program that will
        not be there, and where nothing could go on."""
        path = DEFAULT if spec is None else name if spec == "-" else os.path.abspath(name)
        if spec == "-" or session.host is session.here:  # a simulated machine is not where it is
            resume.refuse_fleeting(session.here, path)
        resume.refuse_without_systemd(session.host)
        if not session.is_simulated:  # there is no such program there
            resume.refuse_program(session.host, _program())
        record = resume.Resume(
            spec=path,
            sha256=digest(session, path) or "",
            boot=resume.boot_id(session.host),
            program=_program(),
            sessions=read_session(session.host),
        )
        return cls(session, record)

    @property
    def reboot(self) -> Reboot:
        """What the engine has to know of the reboot before."""
        record = self.record
        agreed = frozenset(record.agreed)
        unattended = record.reboots > 0
        return Reboot(record.expected, agreed, record.sessions, unattended=unattended)

    def reboot_for(self, outcome: Outcome, plan: Plan | None, desired: DesiredState) -> None:
        """Write down how to go on, and reboot. Raises HostError if the host does not, Refused for
        guests that run by now, NotConfirmed if `plan` needed no reboot; then nothing stays behind.
        """
        if plan is None or not plan.reboots:
            raise NotConfirmed(
                "a reboot is due that the plan did not foresee, so nobody has agreed to it",
                hint="reboot when it suits you, then apply again",
            )
        record = resume.again(self.session.host, self.record, outcome.pending)
        steps = (*plan.steps, *plan.later)
        agreed = tuple((str(step.subject), step.attribute) for step in steps if step.disturbs)
        record = replace(record, agreed=tuple(dict.fromkeys((*record.agreed, *agreed))))
        with staying():
            self._go_down(record, desired)
        self.session.err.say("rebooting; `journalctl -u eswitch-resume` tells how it went on")

    def _go_down(self, record: resume.Resume, desired: DesiredState) -> None:
        """Whatever stops it before the reboot is ordered, nothing is armed then."""
        host = self.session.host
        try:
            observed = observe(host)
            refuse_guests(host, observed)  # what was set may have taken an hour
            resume.arm(host, replace(record, cards=resume.cards(desired, observed)))
            self.ordered = True
            resume.reboot(host)
        except TimedOut:
            if self.ordered:
                raise  # it may yet come, and then somebody has to go on
            resume.disarm(host)
            raise
        except KeyboardInterrupt:
            if self.ordered:
                said = "interrupted; the reboot was ordered before, and it goes on after it"
            else:
                resume.disarm(host)
                said = "interrupted before the reboot, which was called off; what was set "
                said += "counts from the next boot on: `eswitch apply` goes on from there"
            raise KeyboardInterrupt(said) from None
        except BaseException:
            self.ordered = False
            resume.disarm(host)
            raise


def refusals(session: Session, spec: str | None, name: str, plan: Plan) -> list[EswitchError]:
    """Why `apply --reboot` would not do it; for a dry run."""
    found: list[EswitchError] = []
    try:
        Resumption.before(session, spec, name)
    except Refused as refused:
        found.append(refused)
    if plan.reboots and not plan.blockers:
        try:
            refuse_guests(session.host, observe(session.host))
        except Refused as refused:
            found.append(refused)
    return found


def go_on(session: Session) -> int:
    """`eswitch apply --resume`, as the unit runs it: once, with what was agreed to."""
    host = session.host
    resumption: Resumption | None = None
    try:
        record = resume.armed(host)
        if record is None:
            session.err.say("nothing was left to be done after a reboot")
            return 0
        record = resume.begin(host, record, digest(session, record.spec))
        desired, name = load(session, None if record.spec == DEFAULT else record.spec)
        _wait_for_the_lock(host)
        if resume.armed(host) != record:
            session.err.say("somebody else has done it, or has called it off, meanwhile")
            return 0
        resume.wait_for_cards(host, desired, record)
        resumption = Resumption(session, record)
        code = WatchedApply(session, name, yes=False, resumption=resumption).go(desired)
    except Locked:
        raise  # the next boot starts it again, if nobody does it by hand before
    except Exception:
        if resumption is None or not resumption.ordered:  # else the reboot may yet come
            resume.disarm(host)
        raise
    if code not in (REBOOT_NEEDED, Locked.exit_code):  # else it is on its way down, or see above
        resume.disarm(host)
    return code


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
