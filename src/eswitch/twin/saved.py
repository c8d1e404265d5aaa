"""A machine as plain data and back: for the file of `--twin-state`, and for fresh copies."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, NoReturn

from eswitch.errors import HostError
from eswitch.model.typed import Unfit, from_plain, short

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
    state = from_plain(State, document["state"])
    if not 0 <= state.clock <= _LONGEST:
        raise Unfit(f"no machine is {state.clock:g} s old", path=["clock"])
    return state


def _no_number(text: str) -> NoReturn:
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
