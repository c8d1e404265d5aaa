"""Ordinary files and their directories: what a disk refuses, and what stays of it."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from .refusal import Refusal
from .state import State

_FOLDERS = (
    *("/boot", "/efi", "/etc/default", "/etc/kernel", "/etc/modprobe.d", "/etc/modules-load.d"),
    *("/etc/systemd/system", "/home", "/opt", "/root", "/run", "/srv", "/usr/src"),
    *("/tmp", "/var/lib", "/var/log", "/var/tmp"),  # noqa: S108 (names)
)
"""What every installation has, also without a file in it."""


def folders(state: State) -> Iterator[str]:
    """Directories that are there without a file in them, with one on the way to them or not."""
    yield from _FOLDERS
    yield from state.folders


def is_folder(state: State, path: str) -> bool:
    """Whether it is a directory of the disk."""
    start = f"{path.rstrip('/')}/"
    return any(f"{each}/".startswith(start) for each in folders(state)) or any(
        each.startswith(start) for each in state.files
    )


def parent_of(path: str) -> str:
    """The directory that it is in."""
    return path.rpartition("/")[0]


def below_file(state: State, path: str) -> str:
    """The file on the way to a path, where a directory has to be; empty if there is none."""
    parts = path.split("/")
    ways = ("/".join(parts[:end]) for end in range(2, len(parts)))
    return next((way for way in ways if way in state.files), "")


def check_place(state: State, path: str) -> None:
    """Raises Refusal where no file can be."""
    if below_file(state, path):
        raise Refusal(errno.ENOTDIR)
    if path not in state.files and is_folder(state, path):
        raise Refusal(errno.EISDIR)


def make_folder(state: State, path: str) -> None:
    """A directory that stays."""
    path = path.rstrip("/")
    if path not in state.folders:
        state.folders.append(path)


def remove(state: State, path: str) -> None:
    """Take a file away; its directory stays."""
    check_place(state, path)
    if state.files.pop(path, None) is not None:
        make_folder(state, parent_of(path))


def remove_tree(state: State, path: str) -> None:
    """Take away a directory with all that is in it, or a file."""
    path = path.rstrip("/")
    inside = [each for each in (*state.files, *state.folders) if f"{each}/".startswith(f"{path}/")]
    for each in inside:
        state.files.pop(each, None)
    state.folders = [each for each in state.folders if each not in inside]
    if inside:
        make_folder(state, parent_of(path))
