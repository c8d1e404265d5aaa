"""Measured values and their ratios.

The machine is noisy, so values that are to be compared are taken in turns. What counts is the
ratio within each round: its median, with the smallest and the largest. Beside it stands the ratio
of the best values: noise only ever adds, so with many rounds those two saw least of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Ratio:
    """How much more the one took than the other: median and range of the rounds, best of all."""

    middle: float
    least: float
    most: float
    best: float

    @classmethod
    def of(cls, these: Sequence[float], those: Sequence[float]) -> Ratio:
        """Pair the rounds; a series that ran fewer rounds is compared with the first ones."""
        rounds = [this / that for this, that in zip(these, those, strict=False)]
        return cls(median(rounds), min(rounds), max(rounds), min(these) / min(those))

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.least:.2f}-{self.most:.2f})"

    @property
    def in_full(self) -> str:
        return f"{self} in the rounds, {self.best:.2f} between the best"


def timed(action: Callable[[], object]) -> float:
    """Seconds that it took."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def duration(seconds: float) -> str:
    """Three digits are more than the machine deserves."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns: the first to the left, the others to the right."""
    every = [head, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(head))]
    lines = []
    for row in every:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * len(max(lines, key=len)))
    return "\n".join(lines)
