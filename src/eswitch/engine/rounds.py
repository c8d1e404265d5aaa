"""Runs the steps that can run, looks again, and goes on until no step is left.

Names of VFs and representors exist only after the steps that make them: hence rounds. The look
that ends a round reads back what it did, and tells whether it is what was agreed to.
"""

from __future__ import annotations

from itertools import takewhile

from eswitch.errors import EswitchError, NotConfirmed, NotEffective
from eswitch.host import Host
from eswitch.model.action import SetVfCount
from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Pending, Plan
from eswitch.model.step import Phase, Step
from eswitch.model.subject import Port, vf_of

from .batch import operations, undo_operations
from .execute import StepFailed, execute, execute_all
from .explain import not_effective
from .journal import Journal, JournalFailed
from .look import Planner
from .outcome import Events, Outcome, blocked

_NAMES = 120.0
"""Seconds until VFs and representors must have their names: 125 VFs took 65 s (facts 9.2)."""


class Rounds:
    """One apply that has begun."""

    def __init__(
        self,
        host: Host,
        desired: DesiredState,
        journal: Journal,
        *,
        events: Events,
        planner: Planner,
        seen: ObservedState,
    ) -> None:
        self.host = host
        self.desired = desired
        self.events = events
        self.planner = planner
        self.journal = journal
        self.seen = seen
        self.ran: list[Step] = []
        self.half: Step | None = None
        """The step that has begun and has not ended, or that has failed."""
        self.may_reboot = True
        """False where the caller would reboot, and nobody was asked about that."""

    def go(self, plan: Plan) -> Outcome:
        """Until nothing is left that this boot can do. Raises what `converge.apply` says."""
        agreed = {step.key for step in (*plan.steps, *plan.later) if step.disturbs}
        later = plan.later
        try:
            while steps := self._due(plan):
                ready = tuple(takewhile(lambda step: step.ready, steps))
                if not ready:
                    raise _no_name(steps[0])
                self._round(ready)
                plan = self._read_back(ready)
                later = plan.later or later
                if plan.reboots and not self.may_reboot:
                    raise _unforeseen(plan)
                surprise = [step for step in self._due(plan) if step.disturbs]
                surprise = [step for step in surprise if step.key not in agreed]
                surprise = [step for step in surprise if not self._is_made(step)]
                if surprise:
                    message = f"{surprise[0]}: {'; '.join(map(str, surprise[0].disturbs))}"
                    raise NotConfirmed(message, hint="apply again to see the new plan")
        except EswitchError as error:
            error.message += self._put_back()
            self.journal.stop("failed", error)
            raise
        except KeyboardInterrupt as stop:
            stop.args = (self._put_back().strip(),)
            self.journal.stop("interrupted", stop)
            raise
        try:
            self.journal.end("applied")
        except JournalFailed as error:
            error.message = f"everything was applied, but {error.message}"
            raise
        pending = self._pending(plan)
        return Outcome(tuple(self.ran), plan, self.journal.path, pending, later if pending else ())

    def _due(self, plan: Plan) -> tuple[Step, ...]:
        """What is to run in this boot, and now. What a reboot loses waits, also where nobody can
        see any more that one is due (a new driver beside a loaded one of the same kind); what makes
        things permanent waits until they were read back."""
        if any(step.reboot for step in self.ran):
            return tuple(step for step in plan.steps if step.phase is Phase.LASTING)
        unproven = tuple(step for step in plan.steps if step.phase is not Phase.SEALING)
        return unproven or plan.steps

    def _pending(self, plan: Plan) -> tuple[Pending, ...]:
        seen = {each.key for each in plan.pending}
        unseen = [step for step in self.ran if step.reboot and step.key not in seen]
        more = (Pending(step.subject, step.attribute, step.new) for step in unseen)
        return (*plan.pending, *more)

    def _put_back(self) -> str:
        """Undo the step that stopped half way if it must not stay so; how that went, if it did."""
        step = self.half
        if step is None or not step.put_back or not step.inverse:
            return ""
        refused: list[str] = []
        try:
            for operation in undo_operations([step.inverse]):
                refused += execute_all(operation, self.host)
        except EswitchError as error:
            refused.append(error.message)
        except KeyboardInterrupt:
            refused.append("interrupted")
        how = "\n".join(("putting it back failed too:", *refused)) if refused else "was put back"
        return f"\n{step.subject}: {step.attribute} {how}"

    def _is_made(self, step: Step) -> bool:
        """Whether it is about a VF that this apply has made: nobody can be using that yet."""
        made = {
            action.pf
            for ran in self.ran
            for action in ran.actions
            if isinstance(action, SetVfCount) and action.count
        }
        # Open vSwitch takes a representor that comes back into the bridge that it remembers.
        ports = {
            Port(vf.representor)
            for pf in self.seen.nics
            if pf.pci in made
            for vf in pf.vfs
            if vf.representor
        }
        vf = vf_of(step.subject)
        return step.subject in ports if vf is None else vf.pf in made

    def _round(self, steps: tuple[Step, ...]) -> None:
        todo = operations(steps)
        for number, operation in enumerate(todo):
            indexes = sorted(set(operation.steps))
            concerned = [steps[i] for i in indexes]
            fresh = [step for step in concerned if step not in self.ran]
            self.journal.intend(fresh)
            self.ran += fresh
            self.events.started(concerned)
            begin = self.host.monotonic()
            self.half = concerned[-1]
            try:
                execute(operation, self.host)
            except StepFailed as error:
                self.half = steps[error.step]
                raise
            if not any(indexes[-1] in after.steps for after in todo[number + 1 :]):
                self.half = None
            self.events.finished(concerned, self.host.monotonic() - begin)

    def _read_back(self, steps: tuple[Step, ...]) -> Plan:
        """Look until every step of the round shows its effect and the next ones have names."""
        wanted = {step.key for step in steps}
        begin = self.host.monotonic()
        patience = max(step.timeout for step in steps)
        pause = 0.05
        while True:
            self.seen = self.planner.look(self.host, self.desired)
            plan = self.planner.plan(self.desired, self.seen)
            if plan.blockers:
                raise blocked(plan.blockers)
            undone = [step for step in plan.steps if step.key in wanted]
            due = self._due(plan)
            unnamed = due and not due[0].ready
            if not undone and not unnamed:
                return plan
            waited = self.host.monotonic() - begin
            if undone and waited >= patience:
                step = undone[0]
                # The one that has run: the new plan's would be undone by nothing, or by another.
                self.half = next(ran for ran in steps if ran.key == step.key)
                raise not_effective(str(step.subject), step.attribute, step.new, step.old)
            if not undone and waited >= _NAMES:
                raise _no_name(due[0])
            self.host.sleep(pause)
            pause = min(pause * 2, 1.0)


def _unforeseen(plan: Plan) -> NotConfirmed:
    what = [str(each) for each in (*plan.pending, *(step for step in plan.steps if step.reboot))]
    lines = "\n".join(f"  {each}" for each in what)
    return NotConfirmed(
        f"a reboot is needed that the plan did not foresee, so nobody has agreed to it:\n{lines}",
        hint="apply again to see the new plan",
    )


def _no_name(step: Step) -> NotEffective:
    missing = next((str(action) for action in step.actions if action.unnamed), str(step))
    return NotEffective(
        f"it did not appear in time: {missing}",
        where=str(step.subject),
        hint="`dmesg` and `devlink port show` may say why; then apply again",
    )
