"""Interfaces: how they come, go and are named, and what follows from where they belong."""

from __future__ import annotations

from .state import Function, Link, State
from .traits import traits_of

NAME_LIMIT = 15
"""Characters of an interface name (IFNAMSIZ less one); systemd skips a longer one."""

_FIRST_LOOK = 0.15
_NEXT_LOOK = 0.01
"""Seconds until udev has handled one interface, and each further one (facts 10.1)."""


def random_mac(state: State) -> str:
    """A locally administered address; another one at each call, the same in each run."""
    state.counters.random += 1
    value = (state.counters.random * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFF
    return "02:" + ":".join(f"{octet:02x}" for octet in value.to_bytes(5, "big"))


def add_link(
    state: State, kind: str, mac: str, name: str = "", function: str | None = None
) -> Link:
    """A new interface; without a name it is ethN until udev has named it."""
    index = state.counters.link
    state.counters.link += 1
    link = Link(index, name or _free_name(state), kind, mac, function=function)
    if not name:
        waiting = [other.rename_at for other in state.links if other.rename_at is not None]
        soonest = state.clock + _FIRST_LOOK
        link.rename_at = max([soonest, *(at + _NEXT_LOOK for at in waiting)])
    state.links.append(link)
    return link


def _free_name(state: State) -> str:
    taken = {link.name for link in state.links if not link.namespace}
    number = 0
    while f"eth{number}" in taken:
        number += 1
    return f"eth{number}"


def remove_link(state: State, link: Link) -> None:
    """The interface goes, with its addresses, its routes and what sits on it."""
    state.links.remove(link)
    for upper in [other for other in state.links if other.of == link.name and other.kind == "vlan"]:
        remove_link(state, upper)
    for other in state.links:
        if other.master == link.name:
            other.master = None
    if not link.namespace:
        state.routes = [route for route in state.routes if route.device != link.name]
    gone = link.index
    state.ovs.flows = [
        flow for flow in state.ovs.flows if gone != flow.in_port and gone not in flow.out_ports
    ]


def rename_due(state: State) -> bool:
    """Let udev name what it is done with by now; True if a name changed."""
    changed = False
    for link in state.links:
        if link.rename_at is not None and link.rename_at <= state.clock:
            link.rename_at = None
            changed |= _rename(state, link)
    return changed


def last_rename(state: State) -> float:
    """When udev will be done with everything; now if it is."""
    return max([link.rename_at for link in state.links if link.rename_at], default=state.clock)


def _rename(state: State, link: Link) -> bool:
    name = predictable_name(state, link)
    if link.given:
        link.altnames = [f"enx{link.mac.replace(':', '')}"]
    if not name or len(name) > NAME_LIMIT or state.link(name):
        return False
    device = state.functions.get(link.function or "")
    driver = device.driver if device else None
    state.say(f"{driver} {link.function} {name}: renamed from {link.name}")
    link.name = name
    return True


def predictable_name(state: State, link: Link) -> str:
    """What systemd calls it (facts 1.6), or nothing for what it does not name."""
    function = state.functions.get(link.function or "")
    if function is None:
        return ""
    if link.kind == "vf":
        parent = state.functions.get(function.physfn or "")
        return f"{_slot(state, parent)}v{function.index}" if parent else ""
    if link.kind == "representor":
        old = state.platform.naming < 254
        return (
            f"{_slot(state, function)}n{port_name(state, link)}"
            if old
            else f"{_slot(state, function)}r{link.vf}"
        )
    if link.kind != "uplink":
        return ""
    port = port_name(state, link)
    return _slot(state, function) + (f"n{port}" if port else "")


def _slot(state: State, function: Function) -> str:
    """`enp7s0f0`; the function number only where the device has several."""
    domain, bus, rest = function.pci.split(":")
    device, _, number = rest.partition(".")
    several = function.pf is not None and state.cards[function.pf.card].ports > 1
    place = f"P{int(domain, 16)}" if int(domain, 16) else ""
    tail = f"f{number}" if several else ""
    return f"en{place}p{int(bus, 16)}s{int(device, 16)}{tail}"


def port_name(state: State, link: Link) -> str | None:
    """`phys_port_name`: `p0` of an uplink, `pf0vf3` of a representor, else None."""
    function = state.functions.get(link.function or "")
    if function is None or function.pf is None or not traits_of(function.driver).eswitch:
        return None
    if link.kind == "uplink":
        return f"p{function.pf.number}"
    return f"pf{function.pf.number}vf{link.vf}" if link.kind == "representor" else None


def switch_id(state: State, link: Link) -> str | None:
    """`phys_switch_id` of uplinks and representors, in legacy mode too (facts 1.6)."""
    function = state.functions.get(link.function or "")
    if port_name(state, link) is None or function is None or function.pf is None:
        return None
    return state.cards[function.pf.card].switch_id


def carrier(state: State, link: Link) -> bool:
    """Whether the link has one. Meaningless while it is down."""
    if link.kind == "uplink":
        return _cable(state, link)
    if link.kind == "wire":
        uplink = state.uplink(link.of or "")
        return uplink is not None and uplink.up and link.up
    if link.kind == "vf":
        return _vf_carrier(state, link)
    if link.kind == "bond":
        return any(other.up and carrier(state, other) for other in members(state, link))
    return True


def members(state: State, master: Link) -> list[Link]:
    """The interfaces in a bond or bridge."""
    return [link for link in state.links if link.master == master.name]


def _cable(state: State, uplink: Link) -> bool:
    """Link when both ends are up; a machine without wires has a switch at the far end."""
    wires = [link for link in state.links if link.kind == "wire" and link.of == uplink.function]
    return uplink.up and all(wire.up for wire in wires)


def _vf_carrier(state: State, link: Link) -> bool:
    """In switchdev mode the representor decides; else the setting, and then the cable."""
    function = state.functions.get(link.function or "")
    parent = state.functions.get(function.physfn or "") if function else None
    if function is None or parent is None or parent.pf is None or function.index is None:
        return False
    if parent.pf.mode == "switchdev":
        representor = state.representor(parent.pci, function.index)
        return representor is not None and representor.up
    setting = parent.pf.vports[function.index].link_state
    uplink = state.uplink(parent.pci)
    auto = uplink is not None and _cable(state, uplink)
    return {"enable": True, "disable": False}.get(setting, auto)
