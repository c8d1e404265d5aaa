"""Plain data to dataclasses, for case files: the inverse of eswitch.model.plain.to_plain."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from enum import Enum

from eswitch.model.observed import ObservedState

# What a case says nothing about: a VM could be given a VF.
_USUAL = {
    "iommu": {"units": ["dmar0"], "table": "DMAR", "vendor": "intel"},
    "vfio_loaded": True,
}


def host_of(case: dict[str, object]) -> ObservedState:
    """The host of a plan case."""
    observed = hydrate(ObservedState, {**_USUAL, **case["observed"]})  # type: ignore[dict-item]
    assert isinstance(observed, ObservedState)
    return observed


def hydrate(kind: object, data: object) -> object:
    """Build a value of the annotated type; missing fields take their defaults."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _one_of(typing.get_args(kind), data)
    if origin is tuple:
        inner = typing.get_args(kind)[0]
        return tuple(hydrate(inner, item) for item in data)  # type: ignore[attr-defined]
    if origin is dict:
        inner = typing.get_args(kind)[1]
        items = data.items()  # type: ignore[attr-defined]
        return {str(key): str(it) if inner is str else hydrate(inner, it) for key, it in items}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        names = {field.name for field in fields(kind)}
        assert isinstance(data, dict), f"{kind.__name__} from {data!r}"
        unknown = set(data) - names
        assert not unknown, f"{kind.__name__} has no {unknown}"
        return kind(**{key: hydrate(hints[key], value) for key, value in data.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    return data


def _one_of(kinds: tuple[object, ...], data: object) -> object:
    if data is None:
        return None
    for kind in sorted(kinds, key=lambda kind: not is_dataclass(kind)):
        if is_dataclass(kind) and isinstance(kind, type) and isinstance(data, dict):
            if set(data) <= {field.name for field in fields(kind)}:
                return hydrate(kind, data)
        elif kind is not types.NoneType and not is_dataclass(kind):
            return hydrate(kind, data)
    raise AssertionError(f"{data!r} is none of {kinds}")
