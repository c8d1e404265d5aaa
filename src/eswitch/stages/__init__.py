"""From what is wanted and what is there to the steps between. Pure: no I/O, no clock, no globals.

Each stage is one heading of the recipe and one module with one function `plan(desired, observed)`
that returns its StagePlan and what will be left of the host once its steps have run (`remaining`):
the next stage plans on that. A new stage is a new module and a line in STAGES.
"""

from __future__ import annotations

from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Plan

from . import bridge, eswitch, tools

STAGES = (tools, eswitch, bridge)


def make_plan(desired: DesiredState, observed: ObservedState) -> Plan:
    """All steps in the order in which they run; equal inputs give equal plans."""
    parts = []
    for stage in STAGES:
        part, observed = stage.plan(desired, observed)
        parts.append(part)
    return Plan(
        steps=tuple(step for part in parts for step in part.steps),
        blockers=tuple(blocker for part in parts for blocker in part.blockers),
        notes=tuple(note for part in parts for note in part.notes),
    )


__all__ = ["STAGES", "make_plan"]
