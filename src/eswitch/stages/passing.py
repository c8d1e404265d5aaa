"""Which steps are only on the way: what they bring back is there now, and is lost by others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from eswitch.model.plan import StagePlan
from eswitch.model.step import Step


def passing(part: StagePlan, missing: Iterable[Step]) -> StagePlan:
    """The same plan, its steps marked that are not among those for what is missing now."""
    keys = {step.key for step in missing}
    steps = tuple(step if step.key in keys else replace(step, passing=True) for step in part.steps)
    return replace(part, steps=steps)
