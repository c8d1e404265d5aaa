"""From what is wanted and what is there to the steps between. Pure: no I/O, no clock, no globals.

Each stage is one heading of the recipe and one module with one function `plan(desired, observed)`
that returns its StagePlan and what will be left of the host once its steps have run (`remaining`):
the next stage plans on that. A new stage is a new module and a line in STAGES.
"""

from __future__ import annotations

from dataclasses import replace

from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Plan, StagePlan
from eswitch.model.question import Question, Topic
from eswitch.stages.passing import passing

from . import bridge, driver, eswitch, firmware, passthrough, tools
from .remaining import after_reboot, of_reboot
from .unattended import unattended_harm

STAGES = (tools, driver, firmware, passthrough, eswitch, bridge)
"""In the recipe's order. The settings of the first four outlive a reboot, and some need one; what
the others do is lost by it, so while a reboot is due they wait."""
_LASTING = (tools, driver, firmware, passthrough)
LASTING = frozenset({driver.NAME, firmware.NAME, passthrough.NAME})
"""Their names: what a step has in `stage`."""
_ASKING = (driver, firmware, passthrough)


def questions(desired: DesiredState, observed: ObservedState) -> frozenset[Question]:
    """What has to be found out before `make_plan` can tell; ask again once that is answered."""
    asked = frozenset().union(*(stage.questions(desired, observed) for stage in _ASKING))
    if not asked and observed.boot is None and _reboots(desired, observed):
        return frozenset({Question(Topic.BOOT)})
    return asked


def _reboots(desired: DesiredState, observed: ObservedState) -> bool:
    part = StagePlan()
    for stage in _LASTING:
        more, observed = stage.plan(desired, observed)
        part += more
    return bool(part.pending) or any(step.reboot for step in part.steps)


def make_plan(desired: DesiredState, observed: ObservedState) -> Plan:
    """All steps in the order in which they run; equal inputs give equal plans."""
    if any(nic.firmware_reset for nic in desired.nics) and _reboots(desired, observed):
        # The reboot does it as well, and takes nobody's links down twice.
        gentle = tuple(replace(nic, firmware_reset=False) for nic in desired.nics)
        desired = replace(desired, nics=gentle)
    now, later = StagePlan(), StagePlan()
    reboots = False
    here = observed
    release, boot = observed.kernel.release, observed.boot
    for stage in STAGES:
        if stage not in _LASTING and not reboots:
            reboots = bool(now.pending) or any(step.reboot for step in now.steps)
            observed = after_reboot(observed) if reboots else observed
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


__all__ = ["LASTING", "STAGES", "make_plan", "questions", "unattended_harm"]
