"""Interfaces in /sys."""

from __future__ import annotations

import errno

from .links import carrier, port_name, switch_id
from .refusal import Refusal
from .state import Function, Link, State
from .tree import Directory, File, Node, Symlink, fixed, opaque, text


def place(function: Function) -> str:
    """Where a function's directory really is."""
    below = f"{function.bridge}/" if function.bridge else ""
    return f"/sys/devices/pci0000:00/{below}{function.pci}"


def by_name(state: State) -> Directory:
    """/sys/class/net: links to where the interfaces really are."""

    def child(name: str) -> Node | None:
        link = next((link for link in _visible(state) if link.name == name), None)
        if link is None:
            return None
        function = state.functions.get(link.function or "")
        below = place(function) if function else "/sys/devices/virtual"
        return Symlink(f"{below}/net/{name}")

    return Directory(lambda: (link.name for link in _visible(state)), child)


def interfaces(state: State, function: str | None) -> Directory:
    """The interfaces of one function, or with None those that have none."""
    mine = {link.name: link for link in _visible(state) if link.function == function}

    def child(name: str) -> Node | None:
        return _interface(state, mine[name]) if name in mine else None

    return Directory(lambda: mine, child)


def _visible(state: State) -> list[Link]:
    return [link for link in state.links if not link.namespace]


def _interface(state: State, link: Link) -> Directory:
    children: dict[str, Node] = {
        "address": text(link.mac),
        "ifindex": text(str(link.index)),
        "mtu": text(str(link.mtu)),
        "phys_port_name": _physical(port_name(state, link)),
        "phys_switch_id": _physical(switch_id(state, link)),
        "carrier": File(lambda: _carrier(state, link)),
        "uevent": opaque(),
    }
    function = state.functions.get(link.function or "")
    if function is not None:
        children["device"] = Symlink(place(function))
    return fixed(children)


def _physical(value: str | None) -> File:
    if value is not None:
        return text(value)

    def refuse() -> bytes:
        raise Refusal(errno.EOPNOTSUPP)

    return File(refuse)


def _carrier(state: State, link: Link) -> bytes:
    if not link.up:
        raise Refusal(errno.EINVAL)
    return b"1\n" if carrier(state, link) else b"0\n"
