"""How long configuring takes: the kernel's own time, eswitch, the recipe; and a second apply."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from statistics import median

from host import run
from nic import Nic

from . import contenders
from .contenders import SPEC, WAYS, Task
from .machine import progress
from .series import Ratio, duration, table, timed

QUIET = {
    "second apply": ("eswitch", "apply", str(SPEC)),
    "show": ("eswitch", "show"),
    "plan": ("eswitch", "plan", str(SPEC)),
}
"""What changes nothing on a host that is as the spec wants it."""


@dataclass
class Times:
    """Seconds for one number of VFs, one value per round."""

    vfs: int
    ways: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    quiet: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in QUIET})

    def to_plain(self) -> dict[str, object]:
        return {"vfs": self.vfs, "seconds": {**self.ways, **self.quiet}}


def rounds(vfs: int, repeat: int | None) -> tuple[int, int]:
    """(of the bare writes and eswitch, of the recipe): fewer where one round costs minutes."""
    if repeat is not None:
        return repeat, repeat
    if vfs >= 50:
        return (4, 1) if vfs >= 100 else (4, 2)
    return (7, 5) if vfs < 10 else (5, 3)


def measure(nic: Nic, sizes: list[int], repeat: int | None) -> list[Times]:
    """All ways in turns, for each number of VFs."""
    prefix = contenders.prefix_of_representors(nic)
    uplink = nic.uplink
    # The first time of everything (page cache, bytecode, Open vSwitch's probing of TC) is not
    # what is compared.
    warm = Task(nic, 1, uplink, prefix)
    for way in WAYS:
        one(warm, way)
        contenders.undo(warm)
    return [measure_size(Task(nic, vfs, uplink, prefix), repeat) for vfs in sizes]


def measure_size(task: Task, repeat: int | None) -> Times:
    times = Times(task.vfs)
    most, of_recipe = rounds(task.vfs, repeat)
    for number in range(most):
        for way in turns(number):
            if way == "recipe" and number >= of_recipe:
                continue
            seconds = one(task, way)
            times.ways[way].append(seconds)
            progress(f"{task.vfs} VFs, round {number + 1}: {way} {duration(seconds)}")
            if way == "apply":
                quiet(times)
            contenders.undo(task)
    return times


def turns(number: int) -> list[str]:
    """Each way comes first in its turn: what a predecessor leaves behind hits all alike."""
    names = list(WAYS)
    shift = number % len(names)
    return names[shift:] + names[:shift]


def one(task: Task, way: str) -> float:
    """Seconds of one way from the start to the end state. Raises WrongState."""
    SPEC.write_text(task.spec)
    seconds = timed(lambda: WAYS[way](task))
    contenders.check(task, way)
    return seconds


def quiet(times: Times) -> None:
    """What there is nothing to do for. `plan` says so with its status, `apply` in words."""
    for name, argv in QUIET.items():
        times.quiet[name].append(timed(partial(run, *argv)))


def report(found: list[Times]) -> str:
    """The tables, medians of all rounds."""
    head = ["configure, and its ratios", *(f"{times.vfs} VFs" for times in found)]
    labels = {
        "bare": "the kernel's own (bare writes)",
        "settled": "the same with udevadm settle",
        "apply": "eswitch apply",
        "recipe": "the recipe, line by line",
    }
    rows = [
        [label, *(duration(median(times.ways[way])) for times in found)]
        for way, label in labels.items()
    ]
    for this, that, label in (
        ("apply", "bare", "eswitch / kernel's own"),
        ("apply", "settled", "eswitch / with udevadm settle"),
        ("recipe", "bare", "recipe / kernel's own"),
        ("recipe", "apply", "recipe / eswitch"),
    ):
        ratios = [Ratio.of(times.ways[this], times.ways[that]) for times in found]
        rows.append([label, *map(str, ratios)])
        rows.append(["  between the best", *(f"{ratio.best:.2f}" for ratio in ratios)])
    again = [[name, *(duration(median(times.quiet[name])) for times in found)] for name in QUIET]
    head_again = ["with nothing to do", *(f"{times.vfs} VFs" for times in found)]
    return f"{table(head, rows)}\n\n{table(head_again, again)}"
