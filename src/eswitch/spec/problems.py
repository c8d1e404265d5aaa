"""What is wrong with a spec: where, why, and what to write instead.

All problems of a file are collected and raised once, as `SpecInvalid`; its text is complete, with
the line of the file and a caret under the place.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from eswitch.errors import SpecError

SHOWN = 25
"""Problems printed in full; a file with more is mostly one mistake, made many times."""

_WIDTH = 96  # columns of the source line that are printed around the place
_VALUE = 60  # characters of a value that a message quotes


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `line` and `column` count from 1, in characters; `line_text` is that line."""

    file: str
    line: int
    column: int
    message: str
    hint: str
    line_text: str = ""

    @property
    def where(self) -> str:
        """The place as compilers print it: `file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        number = str(self.line)
        text, indent = _excerpt(self.line_text, self.column - 1)
        return "\n".join(
            (
                f"{printable(self.where)}: {self.message}",
                f"  {number} | {text}".rstrip(),
                f"  {' ' * len(number)} | {indent}^",
                f"  hint: {self.hint}",
            )
        )


class SpecInvalid(SpecError):
    """The spec is wrong; `problems` has every one of them, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        first = self.problems[0]
        super().__init__(first.message, hint=first.hint, where=first.where)

    def __str__(self) -> str:
        blocks = [str(problem) for problem in self.problems[:SHOWN]]
        count = len(self.problems)
        if count > SHOWN:
            blocks.append(f"... and {count - SHOWN} more problems")
        total = "1 problem" if count == 1 else f"{count} problems"
        blocks.append(f"{total} in {printable(self.problems[0].file)}; nothing was touched")
        return "\n\n".join(blocks)


def printable(text: str) -> str:
    """The text with everything that could steer a terminal replaced, tabs included."""
    return "".join(char if char.isprintable() else "�" for char in text)


def quoted(value: object) -> str:
    """A value for a message: escaped like a Python literal, and clipped when long."""
    text = repr(value)
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}...{text[0]}"


def _excerpt(line: str, column: int) -> tuple[str, str]:
    """The part of a line around a column (from 0), and the blanks that go before the caret."""
    start = max(0, column - _WIDTH // 2) if len(line) > _WIDTH else 0
    part = printable(line[start : start + _WIDTH])
    before = part[: column - start]
    if start:
        part, before = f"...{part}", f"...{before}"
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in before)
    return part, " " * (len(before) + wide)
