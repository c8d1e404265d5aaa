"""A point in time by which something has to have happened."""

from __future__ import annotations

import time
from collections.abc import Callable


class Deadline:
    """``seconds`` from now by the monotonic clock: setting the wall clock changes nothing."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - self._clock())

    def passed(self) -> bool:
        return self.remaining() == 0.0

    def sooner(self, seconds: float) -> Deadline:
        """A deadline ``seconds`` from now, or this one's end if that comes first."""
        return Deadline(min(seconds, self.remaining()), self._clock)
