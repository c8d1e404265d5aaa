"""Tables, wrapped text and words for numbers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypeVar

from .screen import Line, Span, Style, line

Cell = str | Span
Item = TypeVar("Item")


def table(
    head: Sequence[str], rows: Sequence[Sequence[Cell]], *, indent: int = 2, right: str = ""
) -> list[Line]:
    """Rows under their headings. Columns that say nothing are left out; `right` lists, separated
    by blanks, the headings of columns that are aligned to the right. The last column may be long:
    it is not padded, and a terminal that is too narrow folds it."""
    used = [i for i in range(len(head)) if any(_text(row[i]) not in ("", "-") for row in rows)]
    flush = set(right.split())
    widths = {i: max(len(head[i]), *(len(_text(row[i])) for row in rows)) for i in used}
    top: Sequence[Cell] = [Span(text.upper(), Style.FAINT) for text in head]
    return [
        _row(each, used, widths, [head[i] in flush for i in used], indent) for each in (top, *rows)
    ]


def _row(
    cells: Sequence[Cell], used: list[int], widths: dict[int, int], flush: list[bool], indent: int
) -> Line:
    parts: list[Cell] = [" " * indent]
    start = 0
    for place, i in enumerate(used):
        text = _text(cells[i])
        cell = cells[i]
        style = cell.style if isinstance(cell, Span) else Style.PLAIN
        gap = " " * (widths[i] - len(text))
        last = place == len(used) - 1
        start = sum(len(_text(part)) for part in parts)
        if flush[place]:
            parts.append(gap)
        parts.append(Span(text, style))
        if not last:
            parts.append("  " if flush[place] else gap + "  ")
    return replace(line(*parts), hang=start, row=True)


def _text(cell: Cell) -> str:
    return cell.text if isinstance(cell, Span) else cell


def paragraph(
    text: str, *, indent: int = 0, style: Style = Style.PLAIN, first: str | Span = ""
) -> list[Line]:
    """Running text, its first line after `first`, whatever follows below the text."""
    lead = first if isinstance(first, Span) else Span(first, style)
    hang = indent + len(lead.text)
    head, *others = text.split("\n")
    lines = [line(" " * indent, lead, Span(head, style), hang=hang)]
    return lines + [line(" " * hang, Span(other, style), hang=hang) for other in others]


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


def cut(
    items: Sequence[Item], kind: Callable[[Item], object], *, few: int | None
) -> list[tuple[Item, tuple[Item, ...]]]:
    """What to list, and what each listed item stands for besides: runs of one kind longer than
    `few` are cut to their first. With `few` None everything is listed."""
    shown: list[tuple[Item, tuple[Item, ...]]] = []
    for _, run in groupby(items, key=kind):
        same = tuple(run)
        if few is not None and len(same) > few:
            shown.append((same[0], same[1:]))
        else:
            shown += [(item, ()) for item in same]
    return shown


def seconds(value: float) -> str:
    """A duration for people: `0.04 s`, `2.3 s`, `75 s`."""
    if value < 0.1:
        return f"{value:.2f} s"
    return f"{value:.1f} s" if value < 60 else f"{value:.0f} s"


def octets(number: int) -> str:
    """Bytes in powers of 1000, three digits: `982`, `70.1k`, `1.25G`."""
    if number < 1000:
        return str(number)
    value, unit = number / 1000, "k"
    for larger in "MGT":
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g}{unit}"
