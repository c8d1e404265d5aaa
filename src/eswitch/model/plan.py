"""A plan: ordered steps, what stands in the way, and what the user should know."""

from __future__ import annotations

from dataclasses import dataclass

from .desired import Source
from .step import Step


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why nothing may be applied. `harm` is True if it could be done but would hurt somebody,
    `human` if only a person can change it (in the BIOS, in a file that somebody else wrote)."""

    subject: str
    message: str
    hint: str
    harm: bool = False
    source: Source | None = None
    human: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """Something that is set and counts from the next boot on: `what` is `SRIOV_EN True(1)`."""

    subject: str
    attribute: str
    what: str

    @property
    def key(self) -> tuple[str, str]:
        """That of the step that set it."""
        return (self.subject, self.attribute)

    def __str__(self) -> str:
        return f"{self.subject}: {self.attribute}: {self.what}"


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
    pending: tuple[Pending, ...] = ()

    def __add__(self, other: StagePlan) -> StagePlan:
        """Both, one after the other."""
        return StagePlan(
            self.steps + other.steps,
            self.blockers + other.blockers,
            self.notes + other.notes,
            self.pending + other.pending,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they run; empty when the host is as wanted.

    Steps that are not `ready` are a forecast: they get their names once the steps before have run.
    So are those that come `later`: after the reboot for which `pending` and steps with `reboot`
    wait. A plan with blockers is not applied at all.
    """

    steps: tuple[Step, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    notes: tuple[Note, ...] = ()
    pending: tuple[Pending, ...] = ()
    later: tuple[Step, ...] = ()

    @property
    def reboots(self) -> bool:
        """Whether a reboot is needed on the way."""
        return bool(self.pending) or any(step.reboot for step in self.steps)

    @property
    def done(self) -> bool:
        """Nothing is left to do, now or after a reboot."""
        return not (self.steps or self.pending or self.later)

    @property
    def disturbing(self) -> tuple[Step, ...]:
        """The steps that somebody may notice; they need consent (`--yes`)."""
        return tuple(step for step in self.steps if step.disturbs)
