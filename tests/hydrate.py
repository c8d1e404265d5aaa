"""Plain data to dataclasses, for case files: the inverse of eswitch.model.plain.to_plain."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

from eswitch.model.observed import ObservedState

Value = TypeVar("Value")

# What a case says nothing about: a VM could be given a VF.
_USUAL = {
    "iommu": {"units": ["dmar0"], "table": "DMAR", "vendor": "intel"},
    "vfio_loaded": True,
}


def host_of(case: dict[str, Any]) -> ObservedState:
    """The host of a plan case."""
    return hydrate(ObservedState, {**_USUAL, **case["observed"]})


def hydrate(kind: type[Value], data: object) -> Value:
    """Build a value of the dataclass; missing fields take their defaults."""
    value = _value(kind, data)
    assert isinstance(value, kind)
    return value


def _value(kind: object, data: object) -> object:
    """One of the annotated type."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _one_of(typing.get_args(kind), data)
    if origin is tuple:
        inner = typing.get_args(kind)[0]
        assert isinstance(data, Iterable)
        return tuple(_value(inner, item) for item in data)
    if origin is dict:
        inner = typing.get_args(kind)[1]
        assert isinstance(data, Mapping)
        items = data.items()
        return {str(key): str(it) if inner is str else _value(inner, it) for key, it in items}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        names = {field.name for field in fields(kind)}
        assert isinstance(data, dict), f"{kind.__name__} from {data!r}"
        unknown = set(data) - names
        assert not unknown, f"{kind.__name__} has no {unknown}"
        return kind(**{key: _value(hints[key], value) for key, value in data.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    return data


def _one_of(kinds: tuple[object, ...], data: object) -> object:
    if data is None:
        return None
    for kind in sorted(kinds, key=lambda kind: not is_dataclass(kind)):
        if is_dataclass(kind) and isinstance(kind, type) and isinstance(data, dict):
            if set(data) <= {field.name for field in fields(kind)}:
                return _value(kind, data)
        elif kind is not types.NoneType and not is_dataclass(kind):
            return _value(kind, data)
    raise AssertionError(f"{data!r} is none of {kinds}")
