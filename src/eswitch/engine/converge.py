"""Makes the host what the spec wants: observe, plan, run what can run, and again.

Names of VFs and representors exist only after the steps that make them, so steps run in rounds:
all that are ready, then a new look. The same look reads back what the round did: a step that the
new plan still wants did not happen, whatever its tool said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from eswitch.errors import EswitchError, NotConfirmed, NotEffective, Refused, Unsupported
from eswitch.host import Host
from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Blocker, Plan
from eswitch.model.step import Step
from eswitch.observe import observe
from eswitch.stages import make_plan

from .batch import operations
from .explain import not_effective
from .journal import Journal, JournalFailed
from .run import run

LOCK = "/run/eswitch/lock"

_NAMES = 120.0
"""Seconds until VFs and representors must have their names: 125 VFs took 65 s (peers.md e)."""

Consent = Callable[[Plan], bool]
"""Asked once if somebody will notice the change; False stops before anything is touched."""


@dataclass
class Events:
    """What an apply reports while it runs; the command line draws it. All are optional."""

    planned: Callable[[Plan], None] = lambda plan: None
    started: Callable[[Sequence[Step]], None] = lambda steps: None
    finished: Callable[[Sequence[Step], float], None] = lambda steps, seconds: None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an apply did: the steps that ran, in order, and its journal (None: no change)."""

    steps: tuple[Step, ...] = ()
    plan: Plan = field(default_factory=Plan)
    journal: str | None = None


def blocked(blockers: Sequence[Blocker]) -> EswitchError:
    """One error for all that stands in the way: Refused if it is only harm, else Unsupported."""
    kind = Refused if all(blocker.harm for blocker in blockers) else Unsupported
    first, *others = blockers
    where = str(first.source) if first.source else first.subject
    message = first.message
    for other in others:
        place = str(other.source) if other.source else other.subject
        message += f"\n{place}: {other.message}\n  hint: {other.hint}"
    return kind(message, hint=first.hint, where=where)


def apply(
    host: Host,
    desired: DesiredState,
    spec: str,
    *,
    consent: Consent,
    events: Events | None = None,
) -> Outcome:
    """Bring the host to `desired`. `spec` is the file's name, for the journal.

    Raises Unsupported or Refused (nothing touched), NotConfirmed (nothing touched), Locked,
    JournalFailed, StepFailed or NotEffective (stopped there; the journal knows what ran, and the
    next apply goes on from what it then observes).
    """
    with host.lock(LOCK):
        observed = observe(host)
        plan = make_plan(desired, observed)
        (events or Events()).planned(plan)
        if plan.blockers:
            raise blocked(plan.blockers)
        if not plan.steps:
            return Outcome(plan=plan)
        if plan.disturbing and not consent(plan):
            steps = "\n".join(f"  {s}: {'; '.join(s.disturbs)}" for s in plan.disturbing)
            message = f"somebody will notice this, and nobody agreed to it:\n{steps}"
            raise NotConfirmed(message, hint="add --yes to agree")
        return _Run(host, desired, spec, observed, events or Events()).go(plan)


class _Run:
    """One apply that has begun."""

    def __init__(
        self, host: Host, desired: DesiredState, spec: str, before: ObservedState, events: Events
    ) -> None:
        self.host = host
        self.desired = desired
        self.events = events
        self.journal = Journal.begin(host, spec, before)
        self.ran: list[Step] = []

    def go(self, plan: Plan) -> Outcome:
        agreed = {step.key for step in plan.disturbing}
        try:
            while plan.steps:
                ready = tuple(takewhile(lambda step: step.ready, plan.steps))
                if not ready:
                    raise _no_name(plan.steps[0])
                self._round(ready)
                plan = self._read_back(ready)
                surprise = [step for step in plan.disturbing if step.key not in agreed]
                surprise = [step for step in surprise if not self._is_made(step)]
                if surprise:
                    message = f"{surprise[0]}: {'; '.join(surprise[0].disturbs)}"
                    raise NotConfirmed(message, hint="apply again to see the new plan")
        except EswitchError as error:
            self.journal.stop("failed", error)
            raise
        except KeyboardInterrupt as stop:
            self.journal.stop("interrupted", stop)
            raise
        try:
            self.journal.end("applied")
        except JournalFailed as error:
            error.message = f"everything was applied, but {error.message}"
            raise
        return Outcome(tuple(self.ran), plan, self.journal.path)

    def _is_made(self, step: Step) -> bool:
        """Whether it is about a VF that this apply has made: nobody can be using that yet."""
        made = [ran.subject for ran in self.ran if ran.attribute == "VFs"]
        return any(step.subject.startswith(f"{pf} VF ") for pf in made)

    def _round(self, steps: tuple[Step, ...]) -> None:
        for operation in operations(steps):
            indexes = sorted(set(operation.steps))
            concerned = [steps[i] for i in indexes]
            fresh = [step for step in concerned if step not in self.ran]
            self.journal.intend(fresh)
            self.ran += fresh
            self.events.started(concerned)
            begin = self.host.monotonic()
            run(operation, self.host)
            self.events.finished(concerned, self.host.monotonic() - begin)

    def _read_back(self, steps: tuple[Step, ...]) -> Plan:
        """Look until every step of the round shows its effect and the next ones have names."""
        wanted = {step.key for step in steps}
        begin = self.host.monotonic()
        patience = max(step.timeout for step in steps)
        pause = 0.05
        while True:
            plan = make_plan(self.desired, observe(self.host))
            if plan.blockers:
                raise blocked(plan.blockers)
            undone = [step for step in plan.steps if step.key in wanted]
            unnamed = plan.steps and not plan.steps[0].ready
            if not undone and not unnamed:
                return plan
            waited = self.host.monotonic() - begin
            if undone and waited >= patience:
                step = undone[0]
                raise not_effective(step.subject, step.attribute, step.new, step.old)
            if not undone and waited >= _NAMES:
                raise _no_name(plan.steps[0])
            self.host.sleep(pause)
            pause = min(pause * 2, 1.0)


def _no_name(step: Step) -> NotEffective:
    missing = next((str(action) for action in step.actions if action.unnamed), str(step))
    return NotEffective(
        f"it did not appear in time: {missing}",
        where=step.subject,
        hint="`dmesg` and `devlink port show` may say why; then apply again",
    )
