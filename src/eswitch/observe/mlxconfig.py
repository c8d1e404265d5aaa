"""What `mstconfig` and `mlxconfig` print about a NIC's firmware (facts 2.1).

Both print the same, but each version in columns of another width, and 4.21 without a blank after
a value that fills its column, or a name that does. So rows are split at blanks, and what was glued
together by that is cut where the column must end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from eswitch.model.firmware import FirmwareState, FirmwareWay, Parameter

from .records import documents, record, text, truth

_NARROWEST_NAME = 36
_VALUE_WIDTHS = (16, 20)  # 4.21; later ones put a blank after each

_HEADER = re.compile(r"Configurations:\s*(.*)")
_ROW = re.compile(r"(?:\*|\s)\s*(?:RO\s+)?(?P<name>[A-Z]\S*)\s*(?P<rest>.*)")
_READ_ONLY = re.compile(r"[*\s]\s*RO\s")
_NAME = re.compile(r"[A-Z][A-Za-z0-9_]*(?:\[\d+(?:\.\.\d+)?\])?")
# What a value looks like, where it has to be told from its neighbours.
_VALUE = re.compile(r"0x[0-9a-fA-F]+|\d+|\w*\((?:0x[0-9a-fA-F]+|\d+)\)|Array\[\d+\.\.\d+\]|N/A")
_WITHOUT_CURRENT = "does not support reading default and current"


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which values a row has, in their order: `default`, `current`, `next`."""

    names: tuple[str, ...]

    def parameter(self, values: Sequence[str], *, read_only: bool) -> Parameter:
        by_name = dict(zip(self.names, values, strict=True))
        return Parameter(
            # The oldest versions have one column only, whatever they call it.
            next=by_name.get("next", values[-1]),
            current=by_name.get("current") if "next" in by_name else None,
            default=by_name.get("default"),
            read_only=read_only,
        )


def parse_query(printed: str, way: FirmwareWay) -> FirmwareState:
    """The parameters in what `-d BDF -e q` printed, with or without `-e`; never raises.

    A row that cannot be told apart for certain is left out: no value is better than a wrong one.
    """
    device = ""
    columns: _Columns | None = None
    parameters: dict[str, Parameter] = {}
    next_only = _WITHOUT_CURRENT in printed
    for line in printed.splitlines():
        header = _HEADER.match(line.strip())
        if header:
            columns = _Columns(_column_names(header[1]))
        elif columns:
            row = _row(line, columns, next_only=next_only)
            if row:
                parameters[row[0]] = row[1]
        elif line.startswith("Device type:"):
            device = line.partition(":")[2].strip()
    return FirmwareState(way, parameters, device)


def _column_names(header: str) -> tuple[str, ...]:
    """`Default Current Next Boot` as the names of a Parameter's fields."""
    names = header.lower().replace("next boot", "next").split()
    known = tuple(name for name in names if name in ("default", "current", "next"))
    return known if known and len(known) == len(names) else ("next",)


def _row(line: str, columns: _Columns, *, next_only: bool) -> tuple[str, Parameter] | None:
    found = _ROW.fullmatch(line.rstrip())
    if not found:
        return None
    words = [found["name"], *found["rest"].split()]
    read_only = _READ_ONLY.match(line) is not None
    if next_only and len(words) == 2 and _NAME.fullmatch(words[0]):
        return words[0], Parameter(words[1], read_only=read_only)
    cells = _cells(words, 1 + len(columns.names))
    if not cells:
        return None
    return cells[0], columns.parameter(cells[1:], read_only=read_only)


def _cells(words: Sequence[str], count: int) -> Sequence[str] | None:
    """A name and its values, cut where columns ran together; None where that stays unclear."""
    name_is_whole = _NAME.fullmatch(words[0]) is not None
    if name_is_whole and len(words) == count:
        return words
    if name_is_whole and len(words) > count:
        return [words[0], *words[1 - count :]]  # a value with blanks in it: the last ones count
    for width in _VALUE_WIDTHS if name_is_whole else ():
        ways = list(islice(_cut(words[1:], count - 1, width), 2))
        if len(ways) == 1:
            return [words[0], *ways[0]]
    return _cut_after_name(words, count)


def _cut(words: Sequence[str], count: int, width: int) -> Iterator[list[str]]:
    """All ways to make `count` values of fewer words, each glued one as wide as its column."""
    if not words:
        if count == 0:
            yield []
        return
    first, rest = words[0], words[1:]
    if _VALUE.fullmatch(first):
        for others in _cut(rest, count - 1, width):
            yield [first, *others]
    if len(first) > width and count > 1 and _VALUE.fullmatch(first[:width]):
        for others in _cut([first[width:], *rest], count - 1, width):
            yield [first[:width], *others]


def _cut_after_name(words: Sequence[str], count: int) -> Sequence[str] | None:
    """The same for a name that fills its column, with its first value right after it.

    Nothing marks the end of such a name but a value that comes again in the row.
    """
    first, rest = words[0], words[1:]
    for place in range(_NARROWEST_NAME, len(first)):
        if _NAME.fullmatch(first[:place]):
            for width in _VALUE_WIDTHS:
                for values in _cut([first[place:], *rest], count - 1, width):
                    if values[0] in values[1:]:
                        return [first[:place], *values]
    return None


def parse_json(content: str, way: FirmwareWay) -> FirmwareState:
    """The same from the file that `-j FILE` makes (4.31 on); raises HostError for no JSON."""
    device = ""
    parameters: dict[str, Parameter] = {}
    for document in documents(content, way.value):
        for entry in record(document).values():
            device = device or text(record(entry), "device_type") or ""
            for name, said in record(record(entry).get("tlv_configuration")).items():
                values = record(said)
                upcoming = _value(values.get("next_value"))
                if upcoming is not None:
                    parameters[name] = Parameter(
                        upcoming,
                        _value(values.get("current_value")),
                        _value(values.get("default_value")),
                        read_only=truth(values, "read_only") or False,
                    )
    return FirmwareState(way, parameters, device)


def _value(said: object) -> str | None:
    """Numbers are JSON numbers, all else is text in the tool's own words."""
    if isinstance(said, bool):
        return "True(1)" if said else "False(0)"
    if isinstance(said, (str, int, float)):
        return str(said) or None
    return None
