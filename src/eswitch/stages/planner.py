"""One plan of all stages, for a host of which a reboot may lose what some of them do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Plan, StagePlan
from eswitch.model.question import Question, Topic
from eswitch.model.step import Phase

from .passing import passing
from .recipe import STAGES
from .remaining import after_reboot, of_reboot
from .stage import Stage


def questions(
    desired: DesiredState, observed: ObservedState, stages: Sequence[Stage] = STAGES
) -> frozenset[Question]:
    """What has to be found out before `make_plan` can tell; ask again once that is answered."""
    asked = frozenset[Question]().union(*(stage.asks(desired, observed) for stage in stages))
    if not asked and observed.boot is None and _reboots(desired, observed, stages):
        return frozenset({Question(Topic.BOOT)})
    return asked


def _reboots(desired: DesiredState, observed: ObservedState, stages: Sequence[Stage]) -> bool:
    """Whether what has to be there before a reboot needs one."""
    part = StagePlan()
    for stage in stages:
        if stage.phase is Phase.LASTING:
            more, observed = stage.plan(desired, observed)
            part += more
    return part.reboots


def make_plan(
    desired: DesiredState, observed: ObservedState, stages: Sequence[Stage] = STAGES
) -> Plan:
    """All steps in the order in which they run; equal inputs give equal plans."""
    if any(nic.firmware_reset for nic in desired.nics) and _reboots(desired, observed, stages):
        # The reboot does it as well, and takes nobody's links down twice.
        gentle = tuple(replace(nic, firmware_reset=False) for nic in desired.nics)
        desired = replace(desired, nics=gentle)
    now, later = StagePlan(), StagePlan()
    reboots = False
    here = observed
    release, boot = observed.kernel.release, observed.boot
    for stage in stages:
        if stage.phase is not Phase.LASTING and not reboots and now.reboots:
            reboots = True
            observed = after_reboot(observed)
        before = observed
        part, observed = stage.plan(desired, before)
        if before != here:
            part = passing(part, stage.plan(desired, here)[0].steps)
        if reboots:
            later += part
        else:
            now += part
    return Plan(
        steps=now.steps,
        blockers=now.blockers + later.blockers,
        notes=now.notes + later.notes + (of_reboot(boot, release) if reboots else ()),
        pending=now.pending,
        later=later.steps,
    )
