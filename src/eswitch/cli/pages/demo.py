"""What `demo` tells between the verbs that it types, and the load of a day as columns of text."""

from __future__ import annotations

from eswitch.cli.layout import paragraph
from eswitch.cli.screen import Line, Span, Style, faint, fold, good, line, strong, warn
from eswitch.demo.chart import axis
from eswitch.demo.day import Day
from eswitch.demo.load import ASSUMPTIONS, PRICES, Comparison, highest, mean, switched
from eswitch.demo.page import amount

READABLE = 78
"""Columns of what is told."""
_HIGH = 8
"""Lines of the chart at least."""


def told(text: str, width: int) -> list[Line]:
    """Paragraphs, folded here: they are for reading, not for grep."""
    lines: list[Line] = []
    for part in text.split("\n\n"):
        for each in paragraph(part.replace("`", "")):
            lines += fold(each, min(width, READABLE))
        lines.append(line())
    return lines


def heading(number: int, title: str, width: int) -> list[Line]:
    """A chapter begins; the rule is as wide as what is told."""
    text = f"{number}. {title} "
    rule = "-" * max(0, min(width, READABLE) - len(text))
    return [line(strong(text), faint(rule)), line()]


def prompt(typed: str) -> Line:
    """What is typed now."""
    return line(faint("$ "), strong(typed))


def ended(code: int) -> Line:
    """An exit code that says something."""
    return line(faint(f"(exit code {code})"))


def comparison(
    compared: Comparison, days: tuple[Day, Day], width: int, *, unicode: bool
) -> list[Line]:
    """The chart, what it says in numbers, and where the numbers come from."""
    title = strong("busy cores of the host, hour by hour (simulated)")
    lines = [line(title, hang=0), line()]
    lines += chart(compared, width, unicode=unicode)
    lines += [line(), *legend(compared, days, unicode=unicode), line()]
    lines += told(verdict(compared), width)
    return [*lines[:-1], *model(width)]


def verdict(compared: Comparison) -> str:
    """The comparison in words, and what it is worth."""
    soft, hard = switched(compared.software), switched(compared.eswitch)
    share = round(compared.saved * 100)
    change = f"falls by {share} %" if share > 0 else "does not fall"
    return (
        f"Switching takes {soft:.2f} busy cores on the software bridge and {hard:.2g} in the "
        "e-switch. With the guests' own work, which is the same on both, the load of the host "
        f"{change}. These numbers are simulated: the twin counts the packets, and a model says "
        "what each costs. That it is about half is no prediction: the guests' work is fitted to "
        "what the recipe's author measured."
    )


def chart(compared: Comparison, width: int, *, unicode: bool) -> list[Line]:
    """Columns, one or two characters an hour; what the e-switch saves stands on top."""
    step, ticks = axis(compared.peak)
    top = step * ticks
    hours = len(compared.software)
    label = len(f"{top:g}") + 1
    wide = 2 if width >= label + 3 + 2 * hours else 1
    high = ticks * -(-_HIGH // ticks)
    labels = {high * tick // ticks: f"{step * tick:g}" for tick in range(ticks + 1)}
    lines = []
    for row in range(high, 0, -1):
        left = f" {labels.get(row, '').rjust(label)} "
        parts = [Span(left, Style.FAINT)]
        for soft, hard in zip(compared.software, compared.eswitch, strict=True):
            levels = (hard.total / top * high, max(soft.total, hard.total) / top * high)
            text, style = _cell(row, *levels, unicode=unicode)
            parts.append(Span(text * wide, style))
        lines.append(line(*parts))
    ground = ("─" if unicode else "-") * (hours * wide)
    lines.append(line(faint(f" {'0'.rjust(label)} {ground}")))
    return [*lines, line(faint(" " * (label + 2) + _clock(hours, wide)))]


def _cell(row: int, hard: float, whole: float, *, unicode: bool) -> tuple[str, Style]:
    """One character: the e-switch's part is full, what it saves is shaded."""
    if hard >= row - 0.5:
        return ("█" if unicode else "#"), Style.GOOD
    if whole >= row:
        return ("▒" if unicode else ":"), Style.WARN
    rest = whole - (row - 1)
    if rest < 0.5:
        return " ", Style.PLAIN
    return ("▒" if unicode else ":"), Style.WARN


def _clock(hours: int, wide: int) -> str:
    text = ""
    for hour in range(0, hours, 6):
        text = text.ljust(hour * wide) + f"{hour:02}h"
    return text


def legend(compared: Comparison, days: tuple[Day, Day], *, unicode: bool) -> list[Line]:
    """Both machines with their numbers, and where their flows ran."""
    rows = (
        (warn("▒" if unicode else ":"), "software bridge", compared.software, days[0]),
        (good("█" if unicode else "#"), "e-switch", compared.eswitch, days[1]),
    )
    lines = []
    for key, name, hours, day in rows:
        text = f"average {mean(hours):.2f}, peak {highest(hours):.2f} cores"
        where = f"{day.hardware} of {day.hardware + day.software} flows in the NIC"
        lines += [line(" ", key, " ", strong(name)), line(f"   {text}"), line(f"   {where}")]
    return lines


def model(width: int) -> list[Line]:
    """The prices, each with its origin."""
    lines = [line(), line(strong("The model"))]
    for text in ASSUMPTIONS:
        for each in paragraph(text, first="  - "):
            lines += fold(each, min(width, READABLE))
    for price in PRICES:
        first = f"  {amount(price).rjust(8)}  "
        said = f"{price.about}: {price.origin}"
        for each in paragraph(said, first=first):
            lines += fold(each, min(width, READABLE))
    return lines


def closing(program: str, machine: str, page: str | None) -> list[Line]:
    """What to do next; commands on lines of their own, to be pasted. `program` is how the demo was
    called."""
    if page is None:
        first = ("With pictures, as a page:", f"{program} demo --html demo.html")
    else:
        first = ("The page with pictures:", page)
    rows = (
        first,
        (
            "Your turn, on the same machine:",
            f"{program} --twin {machine} --twin-state box.json show",
        ),
        ("On a real kernel, in a virtual machine:", "make lab-demo"),
    )
    lines = [line(), line(strong("What now"))]
    for what, command in rows:
        lines += [line(f"  {what}"), line("    ", strong(command))]
    return lines
