"""Tables, wrapped text and words for numbers. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from .screen import WIDTH, Line, Span, Style, faint, line

Cell = str | Span


def table(
    head: Sequence[str], rows: Sequence[Sequence[Cell]], *, indent: int = 2, right: str = ""
) -> list[Line]:
    """Rows under their headings. Columns without any text are left out; `right` lists, separated
    by blanks, the headings of columns that are aligned to the right. The last column may be long:
    it is not padded."""
    used = [i for i in range(len(head)) if any(_text(row[i]) for row in rows)]
    flush = set(right.split())
    widths = {i: max(len(head[i]), *(len(_text(row[i])) for row in rows)) for i in used}
    top: list[Cell] = [Span(text.upper(), Style.FAINT) for text in head]
    return [_row(each, used, widths, [head[i] in flush for i in used], indent) for each in (top, *rows)]


def _row(
    cells: Sequence[Cell], used: list[int], widths: dict[int, int], flush: list[bool], indent: int
) -> Line:
    parts: list[Cell] = [" " * indent]
    for place, i in enumerate(used):
        text = _text(cells[i])
        style = cells[i].style if isinstance(cells[i], Span) else Style.PLAIN
        gap = " " * (widths[i] - len(text))
        last = place == len(used) - 1
        if flush[place]:
            parts.append(gap)
        parts.append(Span(text, style))
        if not last:
            parts.append("  " if flush[place] else gap + "  ")
    return line(*parts)


def _text(cell: Cell) -> str:
    return cell.text if isinstance(cell, Span) else cell


def paragraph(text: str, *, indent: int = 0, style: Style = Style.PLAIN, first: str = "") -> list[Line]:
    """Text wrapped to the screen, its first line after `first`, the others below the text."""
    blank = " " * (indent + len(first))
    lines = []
    for part in text.split("\n"):
        # Paths, commands and addresses are pasted: they are never broken apart.
        lines += textwrap.wrap(
            part,
            WIDTH - 1,
            initial_indent=blank,
            subsequent_indent=blank,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    lead = " " * indent + first
    return [
        line(Span((lead if i == 0 else blank) + each[len(blank) :], style))
        for i, each in enumerate(lines)
    ]


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 step`, `2 steps`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def ranges(numbers: Iterable[int]) -> str:
    """`0-3, 5, 9-11`."""
    parts: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if parts and number == parts[-1][1] + 1:
            parts[-1] = (parts[-1][0], number)
        else:
            parts.append((number, number))
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def seconds(value: float) -> str:
    """A duration for people: `0.04 s`, `2.3 s`, `75 s`."""
    if value < 0.1:
        return f"{value:.2f} s"
    return f"{value:.1f} s" if value < 60 else f"{value:.0f} s"


def octets(number: int) -> str:
    """Bytes in powers of 1000, three digits: `982`, `70.1k`, `1.25G`."""
    if number < 1000:
        return str(number)
    value = float(number)
    unit = ""
    for unit in "kMGT":
        value /= 1000
        if value < 999.5:
            break
    return f"{value:.3g}{unit}"


def titled(text: str, rest: str = "") -> Line:
    """The heading of a part of a page."""
    return line(Span(text, Style.STRONG), faint(f"  {rest}") if rest else "")
