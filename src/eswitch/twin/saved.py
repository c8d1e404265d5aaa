"""A machine as plain data and back: for the file of `--twin-state`, and for fresh copies."""

from __future__ import annotations

import json
import reprlib
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any

from eswitch.errors import HostError

from .state import State

SCHEMA = "eswitch.twin/v1"
_LONGEST = 1e10
"""Seconds that a machine may be old: in 300 years its calendar still has four digits."""
Json = Any
"""What the json module reads and writes."""


def to_json(state: State) -> str:
    """The whole state as one JSON document, with its last newline."""
    return json.dumps({"schema": SCHEMA, "state": _plain(state)}, indent=1) + "\n"


def from_json(text: str, where: str) -> State:
    """The state from `to_json`. Raises HostError for anything else; `where` names the file."""
    try:
        return _state(text)
    except Unfit as wrong:
        path = ".".join(map(str, wrong.path))
        why = f"{path}: {wrong}" if path else str(wrong)
    except RecursionError:
        why = "it is nested too deeply"
    except ValueError as wrong:
        why = f"it is no JSON: {wrong}"
    raise no_state(why, where)


def no_state(why: str, where: str) -> HostError:
    """The error for a file that is something else."""
    hint = "name another file: this one is not overwritten"
    return HostError(f"it is no state of a twin: {why}", where=where, hint=hint)


def _state(text: str) -> State:
    if not text.strip():
        raise Unfit("it is empty")
    document = json.loads(text, parse_constant=_no_number)
    if not isinstance(document, dict) or "schema" not in document:
        raise Unfit("it names no schema")
    if document["schema"] != SCHEMA:
        raise Unfit(f"its schema is {short(document['schema'])}, not {SCHEMA!r}")
    if "state" not in document:
        raise Unfit("it holds no `state`")
    state = typing.cast("State", build(State, document["state"]))
    if not 0 <= state.clock <= _LONGEST:
        raise Unfit(f"no machine is {state.clock:g} s old", path=["clock"])
    return state


def _no_number(text: str) -> typing.NoReturn:
    raise Unfit(f"{text} is no number")


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


class Unfit(ValueError):
    """Plain data that is no value of a type: why, the keys that lead there, and a way out."""

    def __init__(self, why: str, *, path: list[str | int] | None = None, hint: str = "") -> None:
        super().__init__(why)
        self.path = path or []
        self.hint = hint


_WORDS = {str: "a text", int: "a whole number", bool: "true or false", float: "a number"}


def short(data: object) -> str:
    """What stands there, in a few words."""
    return reprlib.repr(data)


def build(kind: Any, data: Json) -> Json:  # noqa: ANN401 (a type form, and what JSON holds)
    """Plain data as a value of an annotated type; missing fields take their defaults.

    Raises Unfit for a key that the type does not have, for one it needs and does not get, and for
    every value of another type.
    """
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        inner = next(each for each in typing.get_args(kind) if each is not types.NoneType)
        return None if data is None else build(inner, data)
    if origin is list:
        _insist(isinstance(data, list), data, "a list")
        return [_at(n, typing.get_args(kind)[0], item) for n, item in enumerate(data)]
    if origin is dict:
        _insist(isinstance(data, dict), data, "a mapping of keys to values")
        key, inner = typing.get_args(kind)
        return {_key(key, name): _at(name, inner, item) for name, item in data.items()}
    if is_dataclass(kind) and isinstance(kind, type):
        _insist(isinstance(data, dict), data, "a mapping of keys to values")
        return _object(kind, data)
    if kind is float and type(data) is int:
        return float(data)
    if type(data) is not kind:
        quoted = kind is str and isinstance(data, int | float) and not isinstance(data, bool)
        hint = f'in quotes it is a text: "{data}"' if quoted else ""
        raise Unfit(f"{short(data)} is not {_WORDS[kind]}", hint=hint)
    if kind is str:
        _insist_on_text(data)
    return data


def _at(key: Any, kind: Any, data: Json) -> Json:  # noqa: ANN401
    try:
        return build(kind, data)
    except Unfit as wrong:
        wrong.path.insert(0, key if isinstance(key, int) else str(key))
        raise


def _key(kind: type, name: object) -> Json:
    try:
        found = kind(name)
    except ValueError:
        raise Unfit(f"{short(name)} is not {_WORDS[kind]}") from None
    if kind is str:
        _insist_on_text(found)
    return found


def _insist(fits: bool, data: Json, what: str) -> None:  # noqa: FBT001
    if not fits:
        raise Unfit("there is nothing" if data is None else f"{short(data)} is not {what}")


def _insist_on_text(data: str) -> None:
    """Bytes that are no UTF-8 stand in it as U+DC80 to U+DCFF: a file of any content is fine."""
    try:
        data.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Unfit(f"{short(data)} has half a character in it") from None


def _object(kind: type, data: dict[str, Json]) -> Json:
    hints = _hints(kind)
    unknown = sorted(set(map(str, data)) - set(hints))
    if unknown:
        known = f"there are {', '.join(hints)}"
        raise Unfit(f"there is no key `{unknown[0]}`", path=[unknown[0]], hint=known)
    for field in fields(kind):
        needed = field.default is MISSING and field.default_factory is MISSING
        if needed and field.name not in data:
            raise Unfit(f"it lacks `{field.name}`")
    return kind(**{name: _at(name, hints[name], item) for name, item in data.items()})
