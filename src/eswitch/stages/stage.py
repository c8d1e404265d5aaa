"""What a stage is: one heading of the recipe, as a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.plan import StagePlan
from eswitch.model.question import Question
from eswitch.model.step import Phase

Planned = tuple[StagePlan, ObservedState]
"""What a stage wants done, and what will be left of the host once that is done: the next stage
plans on it."""


def nothing_to_ask(desired: DesiredState, observed: ObservedState) -> frozenset[Question]:
    """For a stage that the first look at a host tells enough."""
    del desired, observed
    return frozenset()


@dataclass(frozen=True, slots=True)
class Stage:
    """`title` is what pages print above its steps, `phase` when they have their turn. `wants` and
    `asks` are pure; `asks` is what has to be found out before `wants` can tell."""

    name: str
    title: str
    phase: Phase
    wants: Callable[[DesiredState, ObservedState], Planned]
    asks: Callable[[DesiredState, ObservedState], frozenset[Question]] = nothing_to_ask

    def plan(self, desired: DesiredState, observed: ObservedState) -> Planned:
        """Its plan; each step knows whose it is."""
        part, left = self.wants(desired, observed)
        mine = tuple(replace(step, stage=self.name, phase=self.phase) for step in part.steps)
        return replace(part, steps=mine), left
