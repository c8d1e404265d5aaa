"""A plan: ordered steps, what stands in the way, and what the user should know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .desired import Source
from .step import Key, Step
from .subject import Subject


class Obstacle(StrEnum):
    """What kind of thing stands in the way."""

    IMPOSSIBLE = "impossible"  # it cannot be done here as things are
    MISSING = "missing"  # a program or a service that is needed is not there
    BY_HAND = "by hand"  # only a person can change it: in the BIOS, in a file of somebody else's
    SESSION = "session"  # it would cut the session that asks for it
    IN_USE = "in use"  # somebody who uses it would lose it
    FOREIGN = "foreign"  # it is somebody else's, and not ours to change
    ISOLATION = "isolation"  # the hardware cannot keep things apart; only a person can mend that

    @property
    def hurts(self) -> bool:
        """Whether it could be done, and somebody would come to harm."""
        return self in _HURTS

    @property
    def by_hand(self) -> bool:
        """Whether only a person can take it away."""
        return self in (Obstacle.BY_HAND, Obstacle.ISOLATION)


_HURTS = {Obstacle.SESSION, Obstacle.IN_USE, Obstacle.FOREIGN, Obstacle.ISOLATION}


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why nothing may be applied, and what to do about it."""

    subject: Subject
    message: str
    hint: str
    kind: Obstacle = Obstacle.IMPOSSIBLE
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """Something that is set and counts from the next boot on: `what` is `SRIOV_EN True(1)`."""

    subject: Subject
    attribute: str
    what: str

    @property
    def key(self) -> Key:
        """That of the step that set it."""
        return (self.subject, self.attribute)

    def __str__(self) -> str:
        return f"{self.subject}: {self.attribute}: {self.what}"


@dataclass(frozen=True, slots=True)
class Note:
    """Something true that the user should know; it stops nothing."""

    subject: Subject
    message: str


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What one stage contributes."""

    steps: tuple[Step, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    notes: tuple[Note, ...] = ()
    pending: tuple[Pending, ...] = ()

    @property
    def reboots(self) -> bool:
        """Whether a reboot is needed for it to be in force."""
        return bool(self.pending) or any(step.reboot for step in self.steps)

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
