"""Who can talk to whom, over which ports, and where the packets are handled. Pure but for names.

The reasons for which a flow is not in hardware are those of reality (facts 4.3, 4.5).
"""

from __future__ import annotations

from dataclasses import dataclass

from .links import carrier
from .state import Bridge, Function, Link, Port, State

_TO_OUTSIDE = ("uplink", "physical", "bond")
"""The kinds of interfaces with a cable."""

OUTSIDE = "outside"
HOST = "host"
_FAR = "0a:00:5e:00:00:01"
"""The address of whoever is at the far end of a cable, where the machine has no wire."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a conversation: its datapath port, its bridge there, and its MAC."""

    name: str
    link: Link
    port: Port
    bridge: Bridge
    mac: str


class NoPath(Exception):
    """Why no packet comes through, in a sentence."""


def ends(state: State, one: str, other: str) -> tuple[End, End]:
    """Both ends of a conversation; raises NoPath.

    An end is a guest, a VF as INTERFACE/INDEX, a port's name, `outside`, or `host`. The last two
    are found on the bridge that the other end is on.
    """
    if one in (OUTSIDE, HOST) and other in (OUTSIDE, HOST):
        raise NoPath("one end must be a guest, a VF or a port")
    if one in (OUTSIDE, HOST):
        right = _own_end(state, other)
        return _shared_end(state, one, right), right
    left = _own_end(state, one)
    if other in (OUTSIDE, HOST):
        return left, _shared_end(state, other, left)
    return left, _own_end(state, other)


def _own_end(state: State, name: str) -> End:
    guest = state.guests.get(name)
    if guest is not None and guest.pid is None:
        raise NoPath(f"{name} is not running" + (f": {guest.trouble}" if guest.trouble else ""))
    if guest is not None and guest.vf is None:
        link = next((link for link in state.links if link.of == name), None)
        return _at(state, name, link, guest.mac)
    pf, index = (guest.pf, guest.vf) if guest is not None else _vf_named(state, name)
    if pf is None or index is None:
        link = state.link(name)
        return _at(state, name, link, link.mac if link else "")
    return _vf_end(state, name, state.functions[pf], index)


def _vf_named(state: State, name: str) -> tuple[str | None, int | None]:
    """`enp7s0f0np0/0` and `0000:07:00.0/0`; nothing for other names."""
    left, slash, index = name.rpartition("/")
    link = state.link(left)
    pci = link.function if link is not None and link.kind == "uplink" else left
    if not slash or not index.isdecimal() or pci not in state.functions:
        return None, None
    return pci, int(index)


def _vf_end(state: State, name: str, function: Function, index: int) -> End:
    vf = next((vf for vf in state.vfs_of(function.pci) if vf.index == index), None)
    if function.pf is None or vf is None:
        raise NoPath(f"{name}: {function.pci} has no VF {index}")
    if function.pf.mode != "switchdev":
        raise NoPath(
            f"{name}: {function.pci} is in legacy mode; its own switch forwards, and Open vSwitch "
            "sees nothing of it"
        )
    if vf.driver is None:
        raise NoPath(f"{name}: VF {index} has no driver, so nobody sends or receives there")
    representor = state.representor(function.pci, index)
    own = next((link for link in state.links if link.function == vf.pci), None)
    mac = own.mac if own is not None else function.pf.vports[index].mac
    return _at(state, name, representor, mac)


def _at(state: State, name: str, link: Link | None, mac: str) -> End:
    if link is None:
        raise NoPath(f"{name} has no interface on this host")
    for bridge in state.ovs.database.bridges:
        for port in bridge.ports:
            if any(interface.name == link.name for interface in port.interfaces):
                if link.dp_port is None:
                    raise NoPath(f"{link.name} is not in the datapath: {port.interfaces[0].error}")
                if not link.up:
                    raise NoPath(f"{link.name} is down, so {name} has no carrier")
                if link.kind == "bond" and state.ovs.offloading:
                    why = "what the NIC takes of it is not known"
                    raise NoPath(f"{link.name}: the twin plays no VF LAG, so {why}")
                return End(name, link, port, bridge, mac)
    raise NoPath(f"{link.name} is in no bridge")


def _shared_end(state: State, name: str, other: End) -> End:
    bridge = other.bridge
    if name == HOST:
        local = state.link(bridge.name)
        return _at(state, name, local, local.mac if local else "")
    for port in bridge.ports:
        link = state.link(port.name)
        if link is not None and link.kind in _TO_OUTSIDE:
            if not carrier(state, link):
                raise NoPath(f"{link.name} has no carrier")
            wire = next(
                (w for w in state.links if w.kind == "wire" and w.of == link.function), None
            )
            return _at(state, name, link, wire.mac if wire else _FAR)
    raise NoPath(f"bridge {bridge.name} has no uplink")


@dataclass(frozen=True, slots=True)
class Way:
    """One direction; packets come in with the tag `vlan`, and leave with `push`."""

    source: End
    target: End
    vlan: int | None
    push: int | None


def ways(one: End, other: End) -> tuple[Way, Way]:
    """There and back; raises NoPath where bridge or VLAN keep the two apart."""
    if one.bridge.name != other.bridge.name:
        text = f"{one.name} is on {one.bridge.name}, {other.name} on {other.bridge.name}"
        raise NoPath(text)
    if one.link is other.link:
        raise NoPath(f"{one.name} and {other.name} are the same port, {one.link.name}")
    left, right = one.port.tag, other.port.tag
    if left is not None and right is not None and left != right:
        raise NoPath(f"{one.name} is in VLAN {left}, {other.name} in VLAN {right}")
    if left == right:
        return Way(one, other, None, None), Way(other, one, None, None)
    # A port without a tag is a trunk, but only the network outside sends tagged packets there.
    plain, tagged = (one, other) if left is None else (other, one)
    if plain.link.kind not in _TO_OUTSIDE:
        raise NoPath(f"{tagged.name} is in VLAN {tagged.port.tag}, {plain.name} in none")
    if right is None:
        return Way(one, other, None, left), Way(other, one, left, None)
    return Way(one, other, right, None), Way(other, one, None, right)


def placement(state: State, source: Link, targets: list[Link]) -> str:
    """hardware, tc or ovs: where the rule of a flow ends up.

    Of the feature hw-tc-offload only the port that the packets come in by is asked (lab:
    test_only_the_port_that_a_flow_comes_from_needs_the_feature).
    """
    if not state.ovs.offloading:
        return "ovs"
    if state.kernel.options.get("NET_CLS_FLOWER", "n") == "n":
        return "ovs"
    switch = _eswitch(state, source) if source.tc_offload else None
    same = all(_eswitch(state, target) == switch for target in targets)
    if switch and same and targets and state.ovs.tc_policy != "skip_hw":
        return "hardware"
    return "ovs" if state.ovs.tc_policy == "skip_sw" else "tc"


def _eswitch(state: State, link: Link) -> str | None:
    """The PF whose e-switch has this port; None for every other port.

    Both PFs of a card show one phys_switch_id, and yet each is an e-switch of its own as long as
    there is no VF LAG (facts 1.8, 1.10). Of two VFs some cards forward between them; which, the
    twin does not know.
    """
    function = state.functions.get(link.function or "")
    if function is None or function.pf is None or function.pf.mode != "switchdev":
        return None
    return function.pci
