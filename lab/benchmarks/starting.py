"""How long the program takes to start, against Python itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from statistics import median

from host import run

from .series import Ratio, duration, table, timed

COMMANDS = {
    "python": ("python3", "-c", "pass"),
    "version": ("eswitch", "--version"),
    "help": ("eswitch", "--help"),
}


@dataclass
class Starts:
    """Seconds of each command, one value per round."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in COMMANDS})

    @property
    def ratio(self) -> Ratio:
        return Ratio.of(self.seconds["version"], self.seconds["python"])


def measure(rounds: int = 50) -> Starts:
    """In turns; the first round only warms the page cache."""
    starts = Starts()
    for number in range(rounds + 1):
        for name, argv in COMMANDS.items():
            seconds = timed(partial(run, *argv))
            if number:
                starts.seconds[name].append(seconds)
    return starts


def report(starts: Starts) -> str:
    rows = [
        [
            " ".join(COMMANDS[name]),
            duration(median(values)),
            str(Ratio.of(values, starts.seconds["python"])),
            f"{Ratio.of(values, starts.seconds['python']).best:.2f}",
        ]
        for name, values in starts.seconds.items()
    ]
    return table(["start", "median", "ratio", "best"], rows)
