"""One line for each thing that an apply does, with the time that it took."""

from __future__ import annotations

from collections.abc import Sequence

from eswitch.model.action import by_hand
from eswitch.model.step import Key, Step

from .layout import seconds
from .screen import Screen, bad, faint, line
from .status_line import StatusLine
from .summary import brief


class Progress:
    """Draws on standard error.

    On a terminal the line of what runs now is there at once and gets its time when it is over;
    elsewhere a line is printed when it is over. Operations of the same steps (a write, then waiting
    for udev) are one line, and so are neighbours of one kind (a driver bound to VF after VF).
    A line that is over has no check mark: what counts is that it is read back afterwards.
    """

    def __init__(self, screen: Screen, *, commands: bool = False) -> None:
        self._screen = screen
        self._commands = commands
        self._steps: dict[Key, Step] = {}
        self._seconds = 0.0
        self._now = StatusLine(screen)

    def started(self, steps: Sequence[Step]) -> None:
        """Something runs now."""
        if not self._goes_on(steps):
            self.end()
        self._steps |= {step.key: step for step in steps}
        if self._now.live:
            self._now.show(brief(tuple(self._steps.values())))

    def finished(self, steps: Sequence[Step], took: float) -> None:
        """It is over; its line stays open for more of the same."""
        del steps
        self._seconds += took

    def end(self, *, failed: bool = False) -> None:
        """Close the line that is open."""
        if not self._steps:
            return
        steps = tuple(self._steps.values())
        marks = self._screen.marks
        self._now.erase()
        if failed:
            text = line(bad(marks.bad), f" {brief(steps)}", hang=2)
        else:
            took = faint(seconds(self._seconds))
            text = line(f"{marks.over} {brief(steps)}  ", took, hang=2)
        self._screen.show([text])
        if self._commands:
            actions = [str(action) for step in steps for action in by_hand(step.actions)]
            self._screen.show(line(faint(f"    $ {text}")) for text in dict.fromkeys(actions))
        self._steps, self._seconds = {}, 0.0

    def _goes_on(self, steps: Sequence[Step]) -> bool:
        """The same steps again, or a single one of the kind that the open line is about."""
        if not self._steps:
            return False
        if all(step.key in self._steps for step in steps):
            return True
        open_kinds = {(step.stage, step.attribute, step.why) for step in self._steps.values()}
        kinds = {(step.stage, step.attribute, step.why) for step in steps}
        return len(open_kinds) == 1 and kinds == open_kinds
