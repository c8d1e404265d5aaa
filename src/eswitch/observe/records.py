"""Read other programs' JSON without trusting its shape.

Keys come and go between versions of iproute2 and Open vSwitch: a missing key, or one of another
type, is absent; only text that is no JSON at all is an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from eswitch.errors import HostError

Record = Mapping[str, object]

_DECODER = json.JSONDecoder()
_BETWEEN = " \t\r\n,"


def documents(text: str, program: str) -> tuple[object, ...]:
    """All JSON documents in `text`, in order; raises HostError if something else is in it.

    In batch mode `ip` prints one document after the other and `devlink` puts commas between them.
    """
    found: list[object] = []
    place = 0
    while (place := _skip(text, place)) < len(text):
        try:
            document, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError) as wrong:
            raise HostError(f"`{program}` printed no valid JSON: {wrong}") from None
        found.append(document)
    return tuple(found)


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in _BETWEEN:
        place += 1
    return place


def record(value: object) -> Record:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def records(value: object) -> tuple[Record, ...]:
    """The objects in a list; everything else in it is left out."""
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, dict))


def text(source: Record, key: str) -> str | None:
    """A string that is not empty, or None."""
    value = source.get(key)
    return value if isinstance(value, str) and value else None


def number(source: Record, key: str) -> int | None:
    """An integer (not a truth value), or None."""
    value = source.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def truth(source: Record, key: str) -> bool | None:
    """A truth value, or None."""
    value = source.get(key)
    return value if isinstance(value, bool) else None
