"""A screen that remembers what it showed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from .screen import Line, Look, Screen, line


class Recorder(Screen):
    """Shows everything, and keeps it as lines. What was only drawn in passing is not kept."""

    def __init__(self, stream: TextIO | None, look: Look, *, no_colour: bool = False) -> None:
        super().__init__(stream, look, no_colour=no_colour)
        self._lines: list[Line] = []

    def show(self, lines: Iterable[Line]) -> None:
        """Print lines."""
        found = list(lines)
        self._lines += found
        super().show(found)

    def write(self, text: str) -> None:
        """Print text."""
        self._lines += [line(each) for each in text.splitlines()]
        super().write(text)

    def taken(self) -> tuple[Line, ...]:
        """All lines since the last time that this was asked."""
        lines, self._lines = tuple(self._lines), []
        return lines
