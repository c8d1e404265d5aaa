"""A plan: ordered steps, what stands in the way, and what the user should know."""

from __future__ import annotations

from dataclasses import dataclass

from .desired import Source
from .step import Step


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why nothing may be applied. `harm` is True if it could be done but would hurt somebody."""

    subject: str
    message: str
    hint: str
    harm: bool = False
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something true that the user should know; it stops nothing."""

    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What one stage contributes."""

    steps: tuple[Step, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they run; empty when the host is as wanted.

    Steps that are not `ready` are a forecast: they get their names once the steps before have run.
    A plan with blockers is not applied at all.
    """

    steps: tuple[Step, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def disturbing(self) -> tuple[Step, ...]:
        """The steps that somebody may notice; they need consent (`--yes`)."""
        return tuple(step for step in self.steps if step.disturbs)
