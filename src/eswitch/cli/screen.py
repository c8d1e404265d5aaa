"""Lines with styles, and the streams that they go to.

Pages build `Line` values and never see a terminal; a `Screen` knows what its stream can show. What
a host says (interface names, error texts) may hold control characters; none reaches the terminal.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from eswitch.errors import HostError

WIDTH = 80
"""Columns of a terminal that does not tell."""
WIDEST = 100
"""Running text is folded here at the latest: longer lines are hard to read."""


class Style(StrEnum):
    """What a text means; the value is its ANSI code (ECMA-48 SGR)."""

    PLAIN = ""
    STRONG = "1"
    FAINT = "2"
    GOOD = "32"
    WARN = "33"
    BAD = "31"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text of one style."""

    text: str
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page.

    With `hang` it is running text: a terminal folds it between words, and the lines after the first
    begin in that column (from 0). Elsewhere it stays whole, so that grep finds what it looks for. A
    `row` of a table is folded only where the terminal is too narrow for it.
    """

    spans: tuple[Span, ...] = ()
    hang: int | None = None
    row: bool = False

    @property
    def text(self) -> str:
        """Without styles."""
        return "".join(span.text for span in self.spans)


_ROW = 4
"""Where a folded row goes on, if its last column begins too far to the right."""
_WORDS = re.compile(r"\s*\S+\s*|\s+")
Look = Callable[[str], str | None]
"""Reads one variable of the user's environment."""


def line(*parts: str | Span, hang: int | None = None) -> Line:
    """A line from texts and spans."""
    return Line(tuple(Span(part) if isinstance(part, str) else part for part in parts), hang)


def strong(text: str) -> Span:
    """A name that the eye looks for."""
    return Span(text, Style.STRONG)


def faint(text: str) -> Span:
    """What is there for those who want to know more."""
    return Span(text, Style.FAINT)


def good(text: str) -> Span:
    """As it should be."""
    return Span(text, Style.GOOD)


def warn(text: str) -> Span:
    """Somebody should look at this."""
    return Span(text, Style.WARN)


def bad(text: str) -> Span:
    """Wrong."""
    return Span(text, Style.BAD)


def plain(text: str) -> str:
    """The text with everything that could steer a terminal replaced."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def draw(of: Line, *, colour: bool) -> str:
    """One line as text, without its newline."""
    if not colour:
        return plain(of.text).rstrip()
    return "".join(
        f"\x1b[{span.style}m{plain(span.text)}\x1b[0m" if span.style else plain(span.text)
        for span in of.spans
    )


def fold(of: Line, width: int) -> list[Line]:
    """Running text in lines of at most `width` columns. A word that is longer (a path, a command)
    is never broken: it may have to be pasted."""
    if of.hang is None or len(of.text) <= width:
        return [of]
    hang = of.hang if of.hang <= width // 2 or not of.row else _ROW
    lines: list[list[Span]] = [[]]
    column = 0
    for span in of.spans:
        for word in _WORDS.findall(span.text):
            full = column + len(word.rstrip()) > width and column > hang
            if full and word.strip():
                lines.append([Span(" " * hang)])
                column = hang
            lines[-1].append(Span(word, span.style))
            column += len(word)
    return [Line(_without_end(spans)) for spans in lines]


def _without_end(spans: list[Span]) -> tuple[Span, ...]:
    """Without the blank that the line was folded at: it may not fit any more."""
    if not spans:
        return ()
    *others, last = spans
    return (*others, Span(last.text.rstrip(), last.style))


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs for verdicts and steps."""

    good: str
    bad: str
    unknown: str
    running: str
    over: str


PRETTY = Marks("✓", "✗", "?", "…", "•")
ASCII = Marks("+", "x", "?", ".", "-")


class Screen:
    """One output stream, and what it can show.

    Python has no stream where it was closed from the start (`>&-`): nobody reads, as when a reader
    has left.
    """

    def __init__(self, stream: TextIO | None, look: Look, *, no_colour: bool = False) -> None:
        self._gone = stream is None
        self._stream = stream = io.StringIO() if stream is None else stream
        terminal = look("TERM") or ""
        self.is_terminal = _is_terminal(stream)
        self.live = self.is_terminal and terminal not in ("", "dumb")
        forced = bool(look("FORCE_COLOR"))
        self.colour = (self.live or forced) and not no_colour and not look("NO_COLOR")
        self.width = _columns(stream) if self.is_terminal else WIDTH
        # The Linux console's fonts have no check marks.
        unicode = (stream.encoding or "").lower().replace("-", "") == "utf8"
        self.marks = PRETTY if unicode and terminal != "linux" else ASCII

    def show(self, lines: Iterable[Line]) -> None:
        """Print lines."""
        folded = (part for each in lines for part in self._folded(each))
        self._put("".join(draw(each, colour=self.colour) + "\n" for each in folded))

    def _folded(self, of: Line) -> list[Line]:
        if not self.is_terminal:
            return [of]
        return fold(of, self.width if of.row else min(self.width, WIDEST))

    def say(self, *parts: str | Span) -> None:
        """Print one line."""
        self.show([line(*parts)])

    def passing(self, text: str) -> None:
        """Draw what will be erased again: on terminals only, and no part of what was shown."""
        self._put(text)

    @property
    def gone(self) -> bool:
        """Whether the reader has left: nobody sees what comes now."""
        return self._gone

    def write(self, text: str) -> None:
        """Write and flush. A reader that has gone is no error: what was asked for still happens,
        above all an apply in the middle of its steps. Raises HostError if the disk is full."""
        self._put(text)

    def _put(self, text: str) -> None:
        if self._gone or not text:
            return
        encoding = self._stream.encoding or "utf-8"
        safe = text.encode(encoding, "replace").decode(encoding)
        try:
            self._stream.write(safe)
            self._stream.flush()
        except BrokenPipeError:
            self._leave()
        except OSError as refusal:
            self._leave()
            if self._stream is not sys.stderr:
                said = os.strerror(refusal.errno or 0)
                raise HostError(f"cannot write the output: {said}") from None

    def _leave(self) -> None:
        """Never touch the stream again: Python would flush it at exit, and complain."""
        self._gone = True
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or WIDTH
    except (OSError, ValueError):
        return WIDTH
