"""Over a reboot: what is written down before it, and how the same apply goes on after it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from eswitch.engine import resume
from eswitch.engine.converge import Reboot
from eswitch.errors import REBOOT_NEEDED, EswitchError, TimedOut
from eswitch.observe import read_session

from .specfile import DEFAULT, digest, load
from .watched import WatchedApply

if TYPE_CHECKING:
    from eswitch.engine import Outcome
    from eswitch.model.plan import Plan

    from .session import Session


@dataclass
class Resumption:
    """One apply that may end in a reboot. `record` is what the boot after it will find."""

    session: Session
    record: resume.Resume

    @classmethod
    def before(cls, session: Session, spec: str | None, name: str) -> Self:
        """For an apply that a person has typed. Raises Refused for a spec that will be gone."""
        path = DEFAULT if spec is None else name if spec == "-" else os.path.abspath(name)
        if spec == "-" or session.host is session.here:  # a simulated machine is not where it is
            resume.refuse_fleeting(path)
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

    def reboot_for(self, outcome: Outcome, plan: Plan | None) -> None:
        """Write down how to go on, and reboot. Raises HostError if the host does not; then nothing
        stays behind."""
        host = self.session.host
        record = resume.again(host, self.record, outcome.pending)
        if plan is not None:
            steps = (*plan.steps, *plan.later)
            agreed = tuple(step.key for step in steps if step.disturbs)
            record = replace(record, agreed=tuple(dict.fromkeys((*record.agreed, *agreed))))
        try:
            resume.arm(host, record)
            resume.reboot(host)
        except TimedOut:
            raise  # it may yet come, and then somebody has to go on
        except EswitchError:
            resume.disarm(host)
            raise
        self.session.err.say("rebooting; `journalctl -u eswitch-resume` tells how it went on")


def go_on(session: Session) -> int:
    """`eswitch apply --resume`, as the unit runs it: once, with what was agreed to."""
    record = resume.armed(session.host)
    if record is None:
        session.err.say("nothing was left to be done after a reboot")
        return 0
    try:
        record = resume.begin(session.host, record, digest(session, record.spec))
        desired, name = load(session, None if record.spec == DEFAULT else record.spec)
        resumption = Resumption(session, record)
        code = WatchedApply(session, name, yes=False, resumption=resumption).go(desired)
    except Exception:
        resume.disarm(session.host)
        raise
    if code != REBOOT_NEEDED:  # else it is on its way down
        resume.disarm(session.host)
    return code


def _program() -> tuple[str, ...]:
    """The words that start this very program, also from another directory."""
    started = os.path.abspath(sys.argv[0])
    if started.endswith("/__main__.py"):
        return (sys.executable, "-m", "eswitch")
    return (started,)
