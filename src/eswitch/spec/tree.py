"""YAML text -> a tree of plain values, each with its place.

Built from ruamel.yaml's events, because a spec needs less than YAML has and more than a loader
gives: the place of each key and value, every duplicate key, and no surprise. Scalars are YAML 1.2
with one restriction: numbers are decimal, and whatever other YAML versions read differently (`020`,
`0x10`, `1_000`, `on`, `10:20:30:40:50:59`) stays text, to be judged by whoever wants a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from eswitch.model.desired import Source

from .problems import Problem, SpecInvalid, quoted
from .text import SpecText

MAX_DEPTH = 16
"""Levels of nesting; a spec needs six."""
MAX_NODES = 50_000
"""Keys and values; a NIC with 256 VFs, all written out, has about 2,000."""

Path = tuple[str | int, ...]
"""Keys and list indexes from the root, as pydantic's `loc`."""

_INT = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

Plain = str | int | float | bool | None


def resolve(text: str) -> Plain:
    """The value of a scalar without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place; `key_place` is that of its key if it is a mapping's entry."""

    value: Plain | dict[str, Node] | list[Node]
    place: tuple[int, int]
    key_place: tuple[int, int] | None = None

    def plain(self) -> Any:  # noqa: ANN401 - this is what YAML is
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


class SpecTree:
    """A parsed spec: values by path, and their places."""

    def __init__(self, text: SpecText, root: Node) -> None:
        self.text = text
        self.root = root

    def node(self, path: Sequence[str | int]) -> Node:
        """The node at a path, or the nearest one above it; steps that lead nowhere are skipped.

        That fits pydantic's `loc`, which has steps of its own (`[key]`, names of unions).
        """
        node = self.root
        for step in path:
            below: Node | None = None
            if isinstance(node.value, dict) and isinstance(step, str):
                below = node.value.get(step)
            elif isinstance(node.value, list) and isinstance(step, int):
                below = node.value[step] if step < len(node.value) else None
            node = below or node
        return node

    def place(self, path: Sequence[str | int], *, key: bool = False) -> tuple[int, int]:
        """Line and column, from 1, of the value at a path, or of its key."""
        node = self.node(path)
        return (node.key_place or node.place) if key else node.place

    def source(self, path: Sequence[str | int], *, key: bool = False) -> Source:
        """The same as a value of the model."""
        return Source(self.text.file, *self.place(path, key=key))

    def problem(
        self, path: Sequence[str | int], message: str, hint: str, *, key: bool = False
    ) -> Problem:
        """A problem of the value at a path, or of its key."""
        return self.text.problem(*self.place(path, key=key), message, hint)


def parse(text: SpecText) -> tuple[SpecTree, list[Problem]]:
    """The tree of a spec and the problems that left a tree (duplicate keys).

    Raises SpecInvalid for everything that leaves none: YAML errors, an empty file, several
    documents, aliases, tags, too much nesting.
    """
    builder = _Builder(text)
    try:
        events = YAML(typ="safe", pure=True).parse(text.text)
        root = builder.document(iter(events))
    except YAMLError as error:
        raise SpecInvalid([*builder.problems, _yaml_problem(text, error)]) from None
    except (ValueError, OverflowError, AssertionError, LookupError, TypeError):
        # The pure parser lets a few of its own slips through, such as chr() of an escape
        # above U+10FFFF; a spec that reaches them is broken in any case.
        message = "this is not YAML: something behind this place cannot be read"
        problem = text.problem(*builder.reached, message, _YAML_HINT)
        raise SpecInvalid([*builder.problems, problem]) from None
    if root is None or root.value is None:
        hint = "write `version: 1`, or let `eswitch init` write a spec of this host"
        raise SpecInvalid([text.problem(1, 1, "the spec is empty", hint)])
    return SpecTree(text, root), builder.problems


class _Builder:
    """Builds nodes from events; stops with SpecInvalid where a tree would make no sense."""

    def __init__(self, text: SpecText) -> None:
        self.text = text
        self.problems: list[Problem] = []
        self.nodes = 0
        self.reached = (1, 1)

    def document(self, events: Iterator[Event]) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._stop(event, "a second YAML document", "keep one; remove the `---`")
                if event.version not in (None, (1, 2)) or event.tags:
                    raise self._stop(event, "YAML directives are not allowed", "remove the % line")
            elif isinstance(event, NodeEvent):
                root = self._node(event, events, 0)
        return root

    def _node(
        self, event: Event, events: Iterator[Event], depth: int, key: Node | None = None
    ) -> Node:
        self._admit(event, depth)
        key_place = key.place if key else None
        if isinstance(event, ScalarEvent):
            return self._scalar(event, key_place)
        if isinstance(event, MappingStartEvent):
            return Node(self._mapping(events, depth), _place(event), key_place)
        items = []
        while not isinstance(below := next(events), SequenceEndEvent):
            items.append(self._node(below, events, depth + 1))
        return Node(items, _place(event), key_place)

    def _scalar(self, event: ScalarEvent, key_place: tuple[int, int] | None) -> Node:
        text = str(event.value)
        if not event.implicit[0]:  # in quotes, or a block
            if any("\ud800" <= char <= "\udfff" for char in text):
                hint = "write the character itself"
                raise self._stop(event, "an escape that stands for no character", hint)
            return Node(text, _place(event), key_place)
        # The parser sees an empty value where the next token begins, lines later.
        place = key_place if key_place and not text else _place(event)
        return Node(resolve(text), place, key_place)

    def _mapping(self, events: Iterator[Event], depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            key = self._node(event, events, depth + 1)
            node = self._node(next(events), events, depth + 1, key)
            if not isinstance(key.value, str):
                self._refuse_key(key)
            elif first := entries.get(key.value):
                line = (first.key_place or first.place)[0]
                message = f"the key {quoted(key.value)} is there twice (first in line {line})"
                hint = "keep one of the two"
                self.problems.append(self.text.problem(*key.place, message, hint))
            else:
                entries[key.value] = node
        return entries

    def _refuse_key(self, key: Node) -> None:
        if isinstance(key.value, dict | list):
            shown = "a mapping or a list"
            hint = "keys are single words; was text in {...} meant to be in quotes?"
        else:
            shown = "an empty value" if key.value is None else str(key.value).lower()[:40]
            hint = f'put it in quotes: "{"" if key.value is None else shown}"'
        message = f"a key must be text, and {shown} is not"
        self.problems.append(self.text.problem(*key.place, message, hint))

    def _admit(self, event: Event, depth: int) -> None:
        self.nodes += 1
        self.reached = _place(event)
        if self.nodes > MAX_NODES:
            hint = "is this the right file?"
            raise self._stop(event, f"more than {MAX_NODES} keys and values", hint)
        if depth > MAX_DEPTH:
            hint = "a spec needs six levels; is a bracket not closed?"
            raise self._stop(event, f"nested more than {MAX_DEPTH} levels deep", hint)
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
            # An alias is one value in two places: which one would an error point at? And a few
            # of them, nested, are gigabytes.
            hint = "write the value out; text that begins with & or * needs quotes"
            raise self._stop(event, "YAML anchors and aliases (& and *) are not allowed", hint)
        if isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent) and event.tag:
            hint = "remove it; quotes make a text, text that begins with ! needs them"
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            raise self._stop(event, f"the YAML tag {quoted(tag)} is not allowed", hint)

    def _stop(self, event: Event, message: str, hint: str) -> SpecInvalid:
        return SpecInvalid([*self.problems, self.text.problem(*_place(event), message, hint)])


def _place(event: Event) -> tuple[int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


_YAML_HINT = "check indentation, colons and quotes of this line and its neighbours"
_YAML_HINTS = (
    ("mapping values are not allowed", "is the line before indented less, or are quotes missing?"),
    ("found character '\\t'", "use spaces: YAML allows no tabs here"),
    ("while scanning a quoted scalar", "close the quotes"),
    ("expected ',' or '}'", "close the { with a }, and separate entries with commas"),
    ("expected ',' or ']'", "close the [ with a ], and separate entries with commas"),
    ("expected <block end>", "lines of one level must begin in the same column"),
    ("could not find expected ':'", "a key needs a colon and a space behind it"),
    ("that cannot start any token", "put the text in quotes"),
)
_BEGUN = ("a quoted scalar", "a simple key", "a flow mapping", "a flow sequence")


def _yaml_problem(text: SpecText, error: YAMLError) -> Problem:
    if not isinstance(error, MarkedYAMLError):
        return text.problem(1, 1, f"this is not YAML ({error})", _YAML_HINT)
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    said = ": ".join(part for part in (error.context, error.problem) if part)
    shown = text.line(line)
    if "\t" in shown[: len(shown) - len(shown.lstrip())]:
        column = shown.index("\t") + 1
        return text.problem(line, column, "a tab indents this line", "indent with spaces")
    begun = error.context_mark
    if begun and any(part in said for part in _BEGUN) and begun.line + 1 < line:
        # What was not closed began there; the parser noticed lines later, often at the end.
        line, column = begun.line + 1, begun.column + 1
    hint = next((hint for part, hint in _YAML_HINTS if part in said), _YAML_HINT)
    return text.problem(line, column, f"this is not YAML: {said}", hint)
