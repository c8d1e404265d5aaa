"""The story as one page: no script, nothing from elsewhere, and every text escaped. Pure.

It is XML as well as HTML, so that any XML parser can check it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from .load import PRICES, Comparison, Load, Price, highest, mean, switched
from .story import FOREWORD, TITLE
from .style import STYLE
from .svg import Markup, element


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a terminal: texts with the names of their styles. With `hang` it is running text,
    and what does not fit goes on below from that column."""

    parts: tuple[tuple[str, str], ...] = ()
    hang: int | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, and all that came."""

    command: str
    rows: tuple[Row, ...]
    code: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with what is to be seen in it."""

    picture: Markup
    caption: str
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """A chapter as it went."""

    title: str
    told: str
    shown: tuple[Typed | Figure, ...]
    notes: tuple[Markup, ...] = ()


FLOWS = (("hard", "flows in the NIC"), ("soft", "flows on the CPU"), ("slow", "the way to the CPU"))
LOADS = (("hard", "with the e-switch"), ("gone", "more with the software bridge"))


_END = Markup("\n")
"""For those who copy: a row is a block of its own anyway."""


def page(scenes: Sequence[Scene], version: str, machine: str) -> str:
    """The whole page."""
    head = element(
        "head",
        Markup('<meta charset="utf-8"/>'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1"/>'),
        Markup('<meta name="color-scheme" content="light dark"/>'),
        element("title", f"eswitch: {TITLE.lower()}"),
        element("style", Markup(STYLE)),
    )
    badge = f"simulated machine {machine}, eswitch {version}"
    header = element(
        "header",
        element("p", "eswitch demo", class_="brand"),
        element("h1", TITLE),
        *_paragraphs(FOREWORD),
        element("p", badge, class_="badge"),
    )
    chapters = [_chapter(number, scene) for number, scene in enumerate(scenes, 1)]
    own = (
        "Play it yourself: `eswitch twin list` names the machines, and "
        f"`eswitch --twin {machine} --twin-state box.json show` begins. `make lab-demo` tells the "
        "same story on a real kernel, in a virtual machine."
    )
    footer = element("footer", *_paragraphs(own))
    body = element("body", element("main", header, *chapters, footer))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _chapter(number: int, scene: Scene) -> Markup:
    parts = [element("h2", element("span", f"{number}", class_="number"), f" {scene.title}")]
    parts += _paragraphs(scene.told)
    for figure, run in groupby(scene.shown, key=lambda each: isinstance(each, Figure)):
        if figure:
            parts += [_figure(each) for each in run if isinstance(each, Figure)]
        else:
            parts.append(_terminal([each for each in run if isinstance(each, Typed)]))
    return element("section", *parts, *scene.notes)


def _paragraphs(text: str) -> list[Markup]:
    """Running text; what stands between backquotes is code."""
    return [
        element(
            "p",
            *(element("code", each) if i % 2 else each for i, each in enumerate(part.split("`"))),
        )
        for part in text.split("\n\n")
    ]


def _terminal(session: Iterable[Typed]) -> Markup:
    """What was typed one after the other, in one window."""
    rows: list[Markup] = []
    silent = True
    for typed in session:
        if rows and not (silent and not typed.rows):
            rows.append(element("span", _END, class_="row"))
        silent = not typed.rows
        prompt = element("span", "$ ", class_="faint")
        command = element("b", typed.command)
        rows.append(element("span", prompt, command, _END, class_="row", style=_hang(2)))
        rows += [_row(row) for row in typed.rows]
        if typed.code:
            said = f"(exit code {typed.code})"
            rows.append(element("span", said, _END, class_="row faint"))
    return element("pre", *rows, tabindex="0")


def _row(row: Row) -> Markup:
    spans = [
        element("span", text, class_=kind) if kind else text for text, kind in row.parts if text
    ]
    if row.hang is None:
        return element("span", *spans, _END, class_="row whole")
    return element("span", *spans, _END, class_="row", style=_hang(row.hang))


def _hang(columns: int) -> str:
    return f"padding-left:{columns}ch;text-indent:-{columns}ch"


def _figure(figure: Figure) -> Markup:
    keys = [
        element("span", element("i", class_=f"key {kind}"), text, class_="entry")
        for kind, text in figure.legend
        if f' {kind}"' in figure.picture  # only what is to be seen needs a word
    ]
    legend = [element("p", *keys, class_="legend")] if keys else []
    return element("figure", figure.picture, *legend, element("figcaption", figure.caption))


def numbers(compared: Comparison) -> Markup:
    """Average and peak of both machines."""
    head = _table_row("th", ("busy cores", "average", "for switching", "busiest hour"))
    rows = [
        _table_row("td", _numbers(name, hours))
        for name, hours in (
            ("software bridge", compared.software),
            ("e-switch", compared.eswitch),
        )
    ]
    return element("table", element("thead", head), element("tbody", *rows))


def _numbers(name: str, hours: Sequence[Load]) -> tuple[str, ...]:
    switching = f"{switched(hours):.2g}"
    return name, f"{mean(hours):.2f}", switching, f"{highest(hours):.2f}"


def model(assumptions: Iterable[str]) -> Markup:
    """What the numbers come from."""
    head = _table_row("th", ("price", "of", "from"))
    rows = [_table_row("td", (amount(p), p.about, p.origin)) for p in PRICES]
    table = element("table", element("thead", head), element("tbody", *rows))
    told = [element("li", text) for text in assumptions]
    summary = element("summary", "The model behind the numbers")
    return element("details", summary, element("ul", *told), table, open="open")


def amount(price: Price) -> str:
    """`0.53 µs`, `2 /s`."""
    if price.unit == "s":
        return f"{price.value * 1e6:.3g} µs"
    return f"{price.value:g} {price.unit}"


def _table_row(kind: str, cells: Iterable[str]) -> Markup:
    return element("tr", *(element(kind, cell) for cell in cells))
