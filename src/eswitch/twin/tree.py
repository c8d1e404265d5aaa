"""A file tree whose nodes are computed when somebody looks: what /sys and /proc are."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .refusal import Refusal


@dataclass(frozen=True, slots=True)
class File:
    """A file; without `write` it refuses to be opened for writing, as a read-only attribute."""

    read: Callable[[], bytes]
    write: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Symlink:
    """A symbolic link to an absolute path."""

    target: str


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory; `child` answers None for a name that is not there."""

    names: Callable[[], Iterable[str]]
    child: Callable[[str], Node | None]


Node = File | Symlink | Directory

_MOST_LINKS = 40
"""Symbolic links on one way (MAXSYMLINKS)."""


def fixed(children: Mapping[str, Node]) -> Directory:
    """A directory of these children."""
    return Directory(lambda: children, children.get)


def computed(children: Mapping[str, Callable[[], Node]]) -> Directory:
    """A directory whose children are made when somebody looks at them."""

    def child(name: str) -> Node | None:
        make = children.get(name)
        return make() if make else None

    return Directory(lambda: children, child)


def text(content: str, write: Callable[[str], None] | None = None) -> File:
    """A file with this content, which ends with a newline like every attribute."""
    return File(f"{content}\n".encode, write)


def opaque() -> File:
    """An attribute that exists and that nobody here reads."""

    def refuse() -> bytes:
        raise Refusal(errno.EACCES)

    return File(refuse)


def walk(root: Directory, path: str) -> tuple[str, Node]:
    """The real path and the node at a path, all links followed.

    Raises Refusal: ENOENT where there is nothing, ENOTDIR below a file, ELOOP in a circle.
    """
    places: list[tuple[str, Node]] = [("", root)]
    rest = [part for part in reversed(path.split("/")) if part]
    links = 0
    while rest:
        name = rest.pop()
        here = places[-1][1]
        if name == ".":
            continue
        if name == "..":
            places = places[:-1] or places
            continue
        if not isinstance(here, Directory):
            raise Refusal(errno.ENOTDIR)
        node = here.child(name)
        if node is None:
            raise Refusal(errno.ENOENT)
        if isinstance(node, Symlink):
            links += 1
            if links > _MOST_LINKS:
                raise Refusal(errno.ELOOP)
            rest += [part for part in reversed(node.target.split("/")) if part]
            places = places[:1]
            continue
        places.append((name, node))
    return "/".join(name for name, _ in places) or "/", places[-1][1]
