"""What can go wrong with an operation, by plan and always the same way."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How an operation goes wrong."""

    FAIL = "fail"  # refused, nothing happened
    HANG = "hang"  # no answer in time, nothing happened
    LATE = "late"  # no answer in time, but it happened
    HALF = "half"  # half of it happened, and it is reported as failed (VFs: as done)
    LIE = "lie"  # reported as done, nothing happened
    POWER = "power"  # it happened, and then the machine lost power


class PowerLoss(BaseException):
    """The machine has no power: nothing can be asked of it until it boots.

    A BaseException, like KeyboardInterrupt: the program under test is gone, so none of its handlers
    for errors of its own may catch it.
    """


@dataclass(frozen=True, slots=True)
class Fault:
    """Goes off at the `after`-th operation (from 0) among those whose text contains `matching`.

    With `changes` only operations that change something are counted. `times` is for how many of
    them in a row; `errno` what the kernel says, where it says something.
    """

    kind: Kind
    after: int = 0
    matching: str = ""
    changes: bool = True
    times: int = 1
    errno: int = errno.EIO


class Plan:
    """Faults that are still to come, each with the operations that it has seen."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._seen = [(fault, 0) for fault in faults]

    def next(self, operation: str, *, change: bool) -> Fault | None:
        """The fault for this operation; the first one planned if there are several."""
        found = None
        seen = []
        for fault, count in self._seen:
            counted = fault.matching in operation and (change or not fault.changes)
            due = counted and fault.after <= count < fault.after + fault.times
            if due and found is None:
                found = fault
            seen.append((fault, count + counted))
        self._seen = seen
        return found
