"""What goes into an apply beside the spec, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from eswitch.errors import EswitchError, Refused, Unsupported
from eswitch.model.plan import Blocker, Pending, Plan
from eswitch.model.step import Key, Step

Consent = Callable[[Plan], bool]
"""Asked once if somebody will notice the change; False stops before anything is touched."""


@dataclass
class Events:
    """What an apply reports while it runs; the command line draws it. All are optional."""

    planned: Callable[[Plan], None] = lambda plan: None
    started: Callable[[Sequence[Step]], None] = lambda steps: None
    finished: Callable[[Sequence[Step], float], None] = lambda steps, seconds: None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an apply did: the steps that ran, in order, and its journal (None: no change).

    `pending` is what waits for a reboot, `later` the steps that come after it, as far as they can
    be foreseen. `plan` is the last one: empty, unless a reboot is due.
    """

    steps: tuple[Step, ...] = ()
    plan: Plan = field(default_factory=Plan)
    journal: str | None = None
    pending: tuple[Pending, ...] = ()
    later: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Reboot:
    """That this apply may end in a reboot, and what the one before it was for.

    `agreed` are the keys of steps that somebody has agreed to be disturbed by, before the reboot,
    `unattended` whether nobody is to be asked about rebooting again.
    """

    expected: tuple[Pending, ...] = ()
    agreed: frozenset[Key] = frozenset()
    sessions: tuple[str, ...] = ()
    unattended: bool = False


def blocked(blockers: Sequence[Blocker]) -> EswitchError:
    """One error for all that stands in the way: Refused if it is only harm, else Unsupported."""
    kind = Refused if all(blocker.kind.hurts for blocker in blockers) else Unsupported
    first, *others = blockers
    where = str(first.source or first.subject)
    message = first.message
    for other in others:
        message += f"\n{other.source or other.subject}: {other.message}\n  hint: {other.hint}"
    return kind(message, hint=first.hint, where=where)
