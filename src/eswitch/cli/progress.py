"""One line for each thing that an apply does, with the time that it took."""

from __future__ import annotations

from collections.abc import Sequence

from eswitch.model.step import Step

from .layout import seconds
from .screen import Screen, bad, draw, faint, good, line, plain
from .summary import brief


class Progress:
    """Draws on standard error.

    On a terminal the line of what runs now is there at once and gets its time when it is over;
    elsewhere a line is printed when it is over. Operations of the same steps (a write, then waiting
    for udev) are one line, and so are neighbours of one kind (a driver bound to VF after VF).
    """

    def __init__(self, screen: Screen, *, commands: bool = False) -> None:
        self._screen = screen
        self._commands = commands
        self._steps: list[Step] = []
        self._seconds = 0.0
        self._drawn = False

    def started(self, steps: Sequence[Step]) -> None:
        """Something runs now."""
        if not self._goes_on(steps):
            self.end()
        self._steps += [step for step in steps if step not in self._steps]
        self._draw()

    def finished(self, steps: Sequence[Step], took: float) -> None:
        """It is over; its line stays open for more of the same."""
        del steps
        self._seconds += took

    def end(self, *, failed: bool = False) -> None:
        """Close the line that is open."""
        if not self._steps:
            return
        marks = self._screen.marks
        mark = bad(marks.bad) if failed else good(marks.good)
        self._erase()
        self._screen.say(mark, f" {brief(self._steps)}  ", faint(seconds(self._seconds)))
        if self._commands:
            for step in self._steps:
                for action in step.actions:
                    self._screen.say(faint(f"    $ {action}"))
        self._steps, self._seconds = [], 0.0

    def _goes_on(self, steps: Sequence[Step]) -> bool:
        """The same steps again, or a single one of the kind that the open line is about."""
        if not self._steps:
            return False
        if all(step in self._steps for step in steps):
            return True
        open_kinds = {(step.stage, step.attribute, step.why) for step in self._steps}
        kinds = {(step.stage, step.attribute, step.why) for step in steps}
        return len(open_kinds) == 1 and kinds == open_kinds

    def _draw(self) -> None:
        if not self._screen.live:
            return
        text = f"{self._screen.marks.running} {plain(brief(self._steps))}"
        text = text[: self._screen.width - 1]
        self._erase()
        self._screen.write(draw(line(faint(text)), colour=self._screen.colour))
        self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            self._screen.write("\r\x1b[K")
            self._drawn = False

