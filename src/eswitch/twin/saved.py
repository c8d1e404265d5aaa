"""A machine as plain data and back: for the file of `--twin-state`, and for fresh copies."""

from __future__ import annotations

import json
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any

from eswitch.errors import HostError

from .state import State

SCHEMA = "eswitch.twin/v1"
Json = Any
"""What the json module reads and writes."""


def to_json(state: State) -> str:
    """The whole state as one JSON document, with its last newline."""
    return json.dumps({"schema": SCHEMA, "state": _plain(state)}, indent=1) + "\n"


def from_json(text: str, where: str) -> State:
    """The state from `to_json`. Raises HostError for anything else; `where` names the file."""
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise HostError(f"unknown schema {document['schema']!r}", where=where)
        state = build(State, document["state"])
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        hint = "name another file; this one is not overwritten"
        raise HostError(f"it holds no machine: {wrong}", where=where, hint=hint) from None
    return typing.cast("State", state)


def _plain(value: object) -> Json:
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in fields(value)
            if not _is_default(value, field.name, field.default)
        }
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _is_default(owner: object, name: str, default: object) -> bool:
    value = getattr(owner, name)
    return default is not MISSING and type(value) is type(default) and bool(value == default)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def build(kind: Any, data: Json) -> Json:  # noqa: ANN401 (a type form, and what JSON holds)
    """Plain data as a value of an annotated type; missing fields take their defaults.

    Raises TypeError for a key that the type does not have, and for one it needs and does not get.
    """
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        inner = next(each for each in typing.get_args(kind) if each is not types.NoneType)
        return None if data is None else build(inner, data)
    if origin is list:
        return [build(typing.get_args(kind)[0], item) for item in data]
    if origin is dict:
        key, inner = typing.get_args(kind)
        return {key(name): build(inner, item) for name, item in data.items()}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        unknown = set(data) - set(hints)
        if unknown:
            raise TypeError(f"{kind.__name__} has no {', '.join(sorted(map(str, unknown)))}")
        return kind(**{name: build(hints[name], item) for name, item in data.items()})
    if kind is float and isinstance(data, int):
        return float(data)
    if isinstance(kind, type) and (not isinstance(data, kind) or type(data) is not kind):
        raise TypeError(f"{data!r} is no {kind.__name__}")
    return data
