"""Makes the host what the spec wants: observe, plan, run what can run, and again.

Names of VFs and representors exist only after the steps that make them, so steps run in rounds:
all that are ready, then a new look. The same look reads back what the round did: a step that the
new plan still wants did not happen, whatever its tool said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from eswitch.errors import EswitchError, NotConfirmed, NotEffective, Refused, Unsupported
from eswitch.files import paths
from eswitch.host import Host
from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Blocker, Pending, Plan
from eswitch.model.question import Question, Topic
from eswitch.model.step import Step
from eswitch.model.unknown import Unknown
from eswitch.observe import answer
from eswitch.stages import LASTING, make_plan, unattended_harm

from .batch import operations, undo_operations
from .execute import StepFailed, execute, execute_all
from .explain import not_effective
from .journal import Journal, JournalFailed
from .look import look

LOCK = paths.LOCK

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
    """What an apply did: the steps that ran, in order, and its journal (None: no change).

    `pending` is what waits for a reboot, `later` the steps that come after it, as far as they can
    be foreseen. `plan` is the last one: empty, unless a reboot is due.
    """

    steps: tuple[Step, ...] = ()
    plan: Plan = field(default_factory=Plan)
    journal: str | None = None
    pending: tuple[Pending, ...] = ()
    later: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Reboot:
    """That this apply may end in a reboot, and what the one before it was for.

    `agreed` are the keys of steps that somebody has agreed to be disturbed by, before the reboot,
    `unattended` whether nobody is to be asked about rebooting again.
    """

    expected: tuple[Pending, ...] = ()
    agreed: frozenset[tuple[str, str]] = frozenset()
    sessions: tuple[str, ...] = ()
    unattended: bool = False


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
    reboot: Reboot | None = None,
) -> Outcome:
    """Bring the host to `desired`. `spec` is the file's name, for the journal.

    With `reboot` the caller is going to reboot if the outcome has something pending.

    Raises Unsupported or Refused (nothing touched), NotConfirmed (nothing touched), Locked,
    JournalFailed, StepFailed or NotEffective (stopped there; the journal knows what ran, and the
    next apply goes on from what it then observes).
    """
    with host.lock(LOCK):
        observed = look(host, desired)
        if reboot is not None and reboot.sessions:
            # Who began this before the reboot may come back the same way.
            mine = (*observed.session_addresses, *reboot.sessions)
            observed = replace(observed, session_addresses=mine)
        plan = make_plan(desired, observed)
        (events or Events()).planned(plan)
        if reboot is not None:
            _not_brought(plan, reboot.expected)
        if plan.blockers:
            raise blocked(plan.blockers)
        if reboot is not None and plan.reboots:
            if harm := unattended_harm(plan, observed):
                raise blocked(harm)
            refuse_guests(host, observed)
        agreed = reboot.agreed if reboot is not None else frozenset()
        noticed = plan.steps + plan.later if reboot is not None and plan.reboots else plan.steps
        asked = [step for step in noticed if step.disturbs and step.key not in agreed]
        restarts = reboot is not None and not reboot.unattended and plan.reboots
        if (asked or restarts) and not consent(plan):
            steps = "\n".join(f"  {s}: {'; '.join(s.disturbs)}" for s in asked)
            message = f"somebody will notice this, and nobody agreed to it:\n{steps}"
            if not asked:
                message = "this host would reboot, and nobody agreed to it; nothing was touched"
            raise NotConfirmed(message, hint="add --yes to agree")
        if not plan.steps:
            return Outcome(plan=plan, pending=plan.pending, later=plan.later)
        run = _Apply(host, desired, spec, observed, events or Events())
        run.may_reboot = reboot is None or plan.reboots
        return run.go(plan)


def refuse_guests(host: Host, observed: ObservedState) -> None:
    """Raises Refused if guests run that an unattended reboot would take down."""
    asked = Question(Topic.GUESTS)
    guests = answer(host, observed, [asked]).guests
    if isinstance(guests, Unknown):
        message = f"whether guests run here is unknown ({guests.reason}): it is not rebooted"
        raise Refused(message, hint="apply without --reboot, and reboot when it suits you")
    if guests:
        raise Refused(
            f"guests run here, and a reboot would take them down: {', '.join(guests)}",
            hint="shut them down first, or apply without --reboot and reboot when it suits you",
        )


def _not_brought(plan: Plan, expected: Sequence[Pending]) -> None:
    """Raises NotEffective if this boot was to bring something and did not: never try again and
    again (a reboot loop is what users of other tools fear most: peers.md c.15, c.16)."""
    still = {step.key for step in plan.steps} | {each.key for each in plan.pending}
    missing = [each for each in expected if each.key in still]
    if missing:
        lines = "\n".join(f"  {each}" for each in missing)
        raise NotEffective(
            f"the reboot did not bring what it was for:\n{lines}",
            hint="a machine that keeps its slots powered needs to be switched off and on; "
            "`eswitch plan` shows what is left",
        )


class _Apply:
    """One apply that has begun."""

    def __init__(
        self, host: Host, desired: DesiredState, spec: str, before: ObservedState, events: Events
    ) -> None:
        self.host = host
        self.desired = desired
        self.events = events
        self.journal = Journal.begin(host, spec, before)
        self.seen = before
        self.ran: list[Step] = []
        self.half: Step | None = None
        """The step that has begun and has not ended, or that has failed."""
        self.may_reboot = True
        """False where the caller would reboot, and nobody was asked about that."""

    def go(self, plan: Plan) -> Outcome:
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
                    message = f"{surprise[0]}: {'; '.join(surprise[0].disturbs)}"
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
        """What is to run in this boot. What a reboot loses waits, also where nobody can see any
        more that one is due (a new driver beside a loaded one of the same kind)."""
        if not any(step.reboot for step in self.ran):
            return plan.steps
        return tuple(step for step in plan.steps if step.stage in LASTING)

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
        made = [ran.subject for ran in self.ran if ran.attribute == "VFs"]
        # Open vSwitch takes a representor that comes back into the bridge that it remembers.
        ports = {
            f"port {vf.representor}" for pf in self.seen.nics if pf.pci in made for vf in pf.vfs
        }
        vfs = any(step.subject.startswith(f"{pf} VF ") for pf in made)
        return vfs or step.subject in ports

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
            self.seen = look(self.host, self.desired)
            plan = make_plan(self.desired, self.seen)
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
                raise not_effective(step.subject, step.attribute, step.new, step.old)
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
        where=step.subject,
        hint="`dmesg` and `devlink port show` may say why; then apply again",
    )
