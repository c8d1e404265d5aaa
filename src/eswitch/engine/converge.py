"""Makes the host what the spec wants: observe, plan, run what can run, and again.

Names of VFs and representors exist only after the steps that make them, so steps run in rounds:
all that are ready, then a new look. The same look reads back what the round did: a step that the
new plan still wants did not happen, whatever its tool said.
"""

from __future__ import annotations

from collections.abc import Sequence

from eswitch.errors import NotConfirmed, NotEffective, Refused
from eswitch.files import paths
from eswitch.host import Host
from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Pending, Plan
from eswitch.model.question import Question, Topic
from eswitch.model.unknown import Unknown
from eswitch.observe import answer
from eswitch.stages import unattended_harm

from .journal import Journal
from .look import Planner
from .outcome import Consent, Events, Outcome, Reboot, blocked
from .rounds import Rounds

LOCK = paths.LOCK


def apply(
    host: Host,
    desired: DesiredState,
    spec: str,
    *,
    consent: Consent,
    events: Events | None = None,
    reboot: Reboot | None = None,
    planner: Planner = Planner(),  # noqa: B008 (a value)
) -> Outcome:
    """Bring the host to `desired`. `spec` is the file's name, for the journal.

    With `reboot` the caller is going to reboot if the outcome has something pending.

    Raises Unsupported or Refused (nothing touched), NotConfirmed (nothing touched), Locked,
    JournalFailed, StepFailed or NotEffective (stopped there; the journal knows what ran, and the
    next apply goes on from what it then observes).
    """
    with host.lock(LOCK):
        if reboot is not None and reboot.sessions:
            planner = planner.expecting(reboot.sessions)
        observed = planner.look(host, desired)
        plan = planner.plan(desired, observed)
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
            steps = "\n".join(f"  {s}: {'; '.join(map(str, s.disturbs))}" for s in asked)
            message = f"somebody will notice this, and nobody agreed to it:\n{steps}"
            if not asked:
                message = "this host would reboot, and nobody agreed to it; nothing was touched"
            raise NotConfirmed(message, hint="add --yes to agree")
        if not plan.steps:
            return Outcome(plan=plan, pending=plan.pending, later=plan.later)
        rounds = Rounds(
            host,
            desired,
            Journal.begin(host, spec, observed),
            events=events or Events(),
            planner=planner,
            seen=observed,
        )
        rounds.may_reboot = reboot is None or plan.reboots
        return rounds.go(plan)


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
    again (a reboot loop is what users of other tools fear most: facts 9.1)."""
    still = {step.key for step in plan.steps} | {each.key for each in plan.pending}
    missing = [each for each in expected if each.key in still]
    if missing:
        lines = "\n".join(f"  {each}" for each in missing)
        raise NotEffective(
            f"the reboot did not bring what it was for:\n{lines}",
            hint="a machine that keeps its slots powered needs to be switched off and on; "
            "`eswitch plan` shows what is left",
        )
