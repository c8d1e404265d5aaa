"""Steps: what one change is, why it is made, how it is made, undone and checked.

A step is a value. Nothing here runs; `engine/` runs, and reads back afterwards by planning again:
a step that is still wanted did not happen, whatever the tool's exit status said.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .action import Action
from .desired import Source
from .disturbance import Disturbance
from .subject import Subject


class Phase(StrEnum):
    """When the steps of a stage have their turn."""

    LASTING = "lasting"  # they outlive a reboot, and must be there before it
    RUNNING = "running"  # a reboot loses them, so they wait for one that is due
    SEALING = "sealing"  # they make what was read back outlive every reboot, so they come last


Key = tuple[Subject, str]
"""What is changed: whose, and which attribute."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one attribute of one object.

    `subject` is an identity, never a name that may change; `touches` is who else is taken hold of
    by making or undoing it (a port's step touches its bridge). `why` is the fact or spec line
    behind it, `disturbs` what somebody may notice while it runs (empty: nobody), `timeout` the
    seconds until its effect must be visible. A step with `reboot` counts from the next boot on:
    then it is `Pending`. One with `put_back` is undone at once if it fails: it must not stay half
    done. It is `passing` if it only makes way, or brings back what is as wanted now and is lost on
    the way: nothing that the spec wants is missing on its account. `stage` and `phase` are those of
    the stage that wants it: the planner writes them in.
    """

    subject: Subject
    attribute: str
    old: str
    new: str
    why: str
    actions: tuple[Action, ...]
    inverse: tuple[Action, ...] = ()
    disturbs: tuple[Disturbance, ...] = ()
    touches: tuple[Subject, ...] = ()
    timeout: float = 10.0
    source: Source | None = None
    passing: bool = False
    reboot: bool = False
    put_back: bool = False
    stage: str = ""
    phase: Phase = Phase.RUNNING

    @property
    def key(self) -> Key:
        """Two steps of one key change the same thing."""
        return (self.subject, self.attribute)

    @property
    def ready(self) -> bool:
        """False while it concerns something that has no name yet."""
        return not any(action.unnamed for action in self.actions)

    def __str__(self) -> str:
        return f"{self.subject}: {self.attribute} {self.old} -> {self.new}"
