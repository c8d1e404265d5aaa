"""A line that says what goes on now, and leaves no trace."""

from __future__ import annotations

from .screen import Screen, draw, faint, line, plain


class StatusLine:
    """Drawn on terminals only; whoever prints on the same screen erases it before."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._drawn = False

    @property
    def live(self) -> bool:
        """Whether anybody would see it."""
        return self._screen.live

    def show(self, text: str) -> None:
        """Replace what is there; cut to the terminal, so that erasing one line is enough."""
        if not self._screen.live:
            return
        self.erase()
        shown = f"{self._screen.marks.running} {plain(text)}"[: self._screen.width - 1]
        self._screen.passing(draw(line(faint(shown)), colour=self._screen.colour))
        self._drawn = True

    def erase(self) -> None:
        """Leave no trace."""
        if self._drawn:
            self._screen.passing("\r\x1b[K")
            self._drawn = False
