"""Plain data as a value of an annotated type: the inverse of `plain.to_plain`.

For what eswitch wrote itself, and for files in which values stand by their field names. What does
not fit is told with the keys that lead there. `Annotated[str, check]` is a text that `check` lets
pass; what the fields of a class say of each other, its `__post_init__` checks; both raise Unfit.
"""

from __future__ import annotations

import reprlib
import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any, TypeVar

from .plain import KIND

T = TypeVar("T")

_WORDS: dict[object, str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    float: "a number",
}
_FROM_TEXT = (IPv4Address, IPv6Address, IPv4Interface, IPv6Interface)


class Unfit(ValueError):
    """Plain data that is no value of a type: why, the keys that lead there, and a way out."""

    def __init__(self, why: str, *, path: list[str | int] | None = None, hint: str = "") -> None:
        super().__init__(why)
        self.path = path or []
        self.hint = hint


def short(data: object) -> str:
    """What stands there, in a few words."""
    return reprlib.repr(data)


def from_plain(kind: type[T], data: object) -> T:
    """A value of that class. Missing fields take their defaults.

    Raises Unfit for a key that a class does not have, for one that it needs and does not get, and
    for every value of another type.
    """
    return typing.cast("T", build(kind, data))


def build(kind: Any, data: Any) -> Any:  # noqa: ANN401 (a type form, and what JSON or YAML holds)
    """The same for any type form: `tuple[Step, ...] | None`."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return _checked(kind, build(kind.__origin__, data))
    if origin in (types.UnionType, typing.Union):
        return _one_of(typing.get_args(kind), data)
    if origin in _CONTAINERS:
        return _CONTAINERS[origin](typing.get_args(kind), data)
    if isinstance(kind, typing.NewType):
        return build(kind.__supertype__, data)
    if is_dataclass(kind) and isinstance(kind, type):
        _insist(isinstance(data, dict), data, "a mapping of keys to values")
        return _object(kind, data)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _member(kind, data)
    if kind in _FROM_TEXT:
        return _parsed(kind, data)
    return _scalar(kind, data)


def _checked(kind: Any, value: Any) -> Any:  # noqa: ANN401
    """A value of `Annotated[..., check]`: each check raises Unfit for what it does not like."""
    for check in kind.__metadata__:
        check(value)
    return value


def _scalar(kind: Any, data: Any) -> Any:  # noqa: ANN401
    if kind is float and type(data) is int:
        return float(data)
    if type(data) is not kind:
        quoted = kind is str and isinstance(data, int | float) and not isinstance(data, bool)
        hint = f'in quotes it is a text: "{data}"' if quoted else ""
        raise Unfit(f"{short(data)} is not {_WORDS.get(kind, kind)}", hint=hint)
    if kind is str:
        _insist_on_text(data)
    return data


def _list(args: tuple[Any, ...], data: Any) -> list[Any]:  # noqa: ANN401
    _insist(isinstance(data, list | tuple), data, "a list")
    return [_at(number, args[0], item) for number, item in enumerate(data)]


def _tuple(args: tuple[Any, ...], data: Any) -> tuple[Any, ...]:  # noqa: ANN401
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_list(args, data))
    _insist(isinstance(data, list | tuple), data, "a list")
    if len(data) != len(args):
        raise Unfit(f"{short(data)} has {len(data)} items, not {len(args)}")
    return tuple(_at(n, kind, item) for n, (kind, item) in enumerate(zip(args, data, strict=True)))


def _dict(args: tuple[Any, ...], data: Any) -> dict[Any, Any]:  # noqa: ANN401
    _insist(isinstance(data, dict), data, "a mapping of keys to values")
    key, inner = args
    return {_key(key, name): _at(name, inner, item) for name, item in data.items()}


_CONTAINERS: dict[Any, Callable[[tuple[Any, ...], Any], Any]] = {
    list: _list,
    tuple: _tuple,
    frozenset: lambda args, data: frozenset(_list(args, data)),
    dict: _dict,
}


def _at(key: object, kind: Any, data: Any) -> Any:  # noqa: ANN401
    try:
        return build(kind, data)
    except Unfit as wrong:
        wrong.path.insert(0, key if isinstance(key, int) else str(key))
        raise


def _key(kind: Any, name: object) -> Any:  # noqa: ANN401
    """A key of a mapping: JSON has only texts there."""
    if typing.get_origin(kind) is typing.Annotated:
        found = _key(kind.__origin__, name)
        try:
            return _checked(kind, found)
        except Unfit as wrong:
            wrong.path.insert(0, found)
            raise
    if isinstance(kind, typing.NewType):
        return _key(kind.__supertype__, name)
    try:
        found = kind(name)
    except ValueError:
        raise Unfit(f"{short(name)} is not {_WORDS.get(kind, kind)}") from None
    if kind is str:
        _insist_on_text(found)
    return found


def _insist(fits: bool, data: object, what: str) -> None:  # noqa: FBT001
    if not fits:
        raise Unfit("there is nothing" if data is None else f"{short(data)} is not {what}")


def _insist_on_text(data: str) -> None:
    """Bytes that are no UTF-8 stand in it as U+DC80 to U+DCFF: a file of any content is fine."""
    try:
        data.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Unfit(f"{short(data)} has half a character in it") from None


def _member(kind: type[Enum], data: object) -> Enum:
    try:
        return kind(data)
    except ValueError:
        known = ", ".join(str(each.value) for each in kind)
        raise Unfit(f"{short(data)} is none of {known}") from None


def _parsed(kind: Callable[[str], object], data: object) -> object:
    _insist(isinstance(data, str), data, "a text")
    try:
        return kind(str(data))
    except ValueError as wrong:
        raise Unfit(str(wrong)) from None


def _one_of(kinds: tuple[Any, ...], data: Any) -> Any:  # noqa: ANN401
    """The class is told by `kind`, or by the fields that are there; the rest by what it is."""
    if data is None and types.NoneType in kinds:
        return None
    classes = [kind for kind in kinds if is_dataclass(kind)]
    others = [kind for kind in kinds if not is_dataclass(kind) and kind is not types.NoneType]
    if isinstance(data, dict) and classes:
        mapping = any(typing.get_origin(kind) is dict for kind in others)
        if not mapping or any(_fits(kind, data) for kind in classes):
            return build(_class_of(classes, data), data)
    first: Unfit | None = None
    for kind in others:
        try:
            return build(kind, data)
        except Unfit as wrong:
            first = first or wrong
    if first is not None:
        raise first
    return build(classes[0], data)


def _class_of(classes: list[Any], data: dict[str, Any]) -> Any:  # noqa: ANN401
    if len(classes) == 1:
        return classes[0]
    if KIND in data:
        for kind in classes:
            if getattr(kind, "KIND", None) == data[KIND]:
                return kind
        known = ", ".join(kind.KIND for kind in classes if hasattr(kind, "KIND"))
        raise Unfit(f"{short(data[KIND])} is none of {known}", path=[KIND])
    fitting = [kind for kind in classes if _fits(kind, data)]
    if len(fitting) != 1:
        names = ", ".join(kind.__name__ for kind in fitting or classes)
        raise Unfit(f"{short(data)} is {'each' if fitting else 'none'} of {names}")
    return fitting[0]


def _fits(kind: Any, data: dict[str, Any]) -> bool:  # noqa: ANN401
    names = {field.name for field in fields(kind)}
    return _needed(kind) <= data.keys() <= names


def _needed(kind: Any) -> set[str]:  # noqa: ANN401
    return {
        field.name
        for field in fields(kind)
        if field.init and field.default is MISSING and field.default_factory is MISSING
    }


@cache
def _hints(kind: type) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    hints = typing.get_type_hints(kind, include_extras=True)
    return {name: hint for name, hint in hints.items() if name in names}


def _object(kind: type, data: dict[str, Any]) -> object:
    hints = _hints(kind)
    if hasattr(kind, "KIND") and KIND not in hints and KIND in data:
        if data[KIND] != kind.KIND:
            raise Unfit(f"{short(data[KIND])} is not {kind.KIND}", path=[KIND])
        data = {name: item for name, item in data.items() if name != KIND}
    unknown = sorted(set(map(str, data)) - set(hints))
    if unknown:
        known = f"there are {', '.join(hints)}"
        raise Unfit(f"there is no key `{unknown[0]}`", path=[unknown[0]], hint=known)
    lacking = [field.name for field in fields(kind) if field.name in _needed(kind) - data.keys()]
    if lacking:
        raise Unfit(f"it lacks `{lacking[0]}`")
    return kind(**{name: _at(name, hints[name], item) for name, item in data.items()})
