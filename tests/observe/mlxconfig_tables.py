"""Tables as `mstconfig` prints them, by the format strings of its versions (facts 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COLUMNS = ("Default", "Current", "Next Boot")


@dataclass(frozen=True)
class Row:
    name: str
    values: tuple[str, ...]  # default, current, next; or next alone
    read_only: bool = False

    @property
    def star(self) -> bool:
        return any(value != self.values[-1] for value in self.values)


def row_of_4_21(row: Row) -> str:
    """%-36s and %-16s, with a blank only after a value that is longer than its column."""
    cells = "".join(f"{value:<16}" + " " * (len(value) > 16) for value in row.values)
    return ("*        " if row.star else " " * 9) + f"{row.name:<36}" + cells


def row_of_4_26(row: Row, width: int = 44) -> str:
    """%-44s (4.36: %-48s) and %-20s with a blank between."""
    mark = ("*" if row.star else " ") + ("RO" if row.read_only else "  ") + " " * 5
    return mark + f"{row.name:<{width}}" + " ".join(f"{value:<20}" for value in row.values)


def row_of_4_36(row: Row) -> str:
    return row_of_4_26(row, 48)


def header_of_4_21(columns: Sequence[str]) -> str:
    return "Configurations:" + " " * 30 + "".join(f"{name:<16}" for name in columns)


def header_of_4_26(columns: Sequence[str]) -> str:
    return "Configurations:" + " " * 37 + "".join(f"{name:<21}" for name in columns).rstrip()


def header_of_4_31(columns: Sequence[str]) -> str:
    return "Configurations:  " + "".join(f"{name:>24}" for name in columns)


LAYOUTS = {
    "4.21": (header_of_4_21, row_of_4_21),
    "4.26": (header_of_4_26, row_of_4_26),
    "4.31": (header_of_4_31, row_of_4_26),
    "4.36": (header_of_4_31, row_of_4_36),
}


def table(
    version: str, rows: Sequence[Row], *, device: str, name: str, about: str, bdf: str
) -> str:
    """The whole output."""
    header, line = LAYOUTS[version]
    columns = COLUMNS if not rows or len(rows[0].values) == 3 else COLUMNS[-1:]
    label = 16 if version == "4.21" else 20
    told = (("Device type:", device), ("Name:", name), ("Description:", about), ("Device:", bdf))
    lines = ["", "Device #1:", "----------", ""]
    lines += [f"{key:<{label}}{value:<{label}}" for key, value in told]
    lines += [] if version == "4.21" else [""]
    lines += [header(columns), *(line(row) for row in rows)]
    lines.append("The '*' shows parameters with next value different from default/current value.")
    if any(row.read_only for row in rows):
        lines += ["", "The 'RO' shows parameters which are for read only and cannot be changed"]
    return "\n".join(lines) + "\n"
