"""Services that somebody added: unit files, and which of them systemd starts at a boot."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from .state import State

FOLDER = "/etc/systemd/system/"
_ENABLED = f"{FOLDER}multi-user.target.wants/"


@dataclass(frozen=True, slots=True)
class Start:
    """A service that systemd starts: its name and its command."""

    unit: str
    argv: tuple[str, ...]


def unit_file(state: State, name: str) -> str | None:
    """What stands in the unit's file, if there is one."""
    return state.files.get(f"{FOLDER}{name}.service")


def unlink(state: State, path: str) -> None:
    """A link that enables a unit is gone; any other file is none of systemd's."""
    if path.startswith(_ENABLED):
        state.units.pop(path.removeprefix(_ENABLED).removesuffix(".service"), None)


def to_start(state: State) -> tuple[Start, ...]:
    """What systemd has yet to start in this boot: enabled, with its file and its condition."""
    if state.begun == state.boots:
        return ()
    found = []
    for name, unit in state.units.items():
        content = unit_file(state, name)
        if content is None or not unit.enabled:
            continue
        settings = dict(line.split("=", 1) for line in content.splitlines() if "=" in line)
        condition = settings.get("ConditionPathExists", "")
        if condition and condition not in state.files:
            continue
        typed = settings.get("ExecStart", "").replace("%%", "%").replace("$$", "$")
        argv = shlex.split(typed)
        found.append(Start(f"{name}.service", tuple(argv)))
    return tuple(found)
