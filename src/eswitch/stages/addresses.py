"""Part of stage `bridge`: the host's addresses and default routes on its bridges.

OVSDB remembers which addresses eswitch gave to a bridge, so that one that leaves the spec can be
taken away again, while addresses that others added stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface

from eswitch.model.desired import DesiredBridge, DesiredState
from eswitch.model.observed import ObservedState, RouteState
from eswitch.model.plan import Blocker
from eswitch.model.step import Command, Step, Tool

from . import users
from .ports import ADDRESSES

NAME = "bridge"


def _remembered(bridge: str, observed: ObservedState) -> tuple[str, ...]:
    now = observed.ovs.bridge(bridge)
    return tuple(now.external_ids.get(ADDRESSES, "").split()) if now else ()


def records(desired: DesiredState, observed: ObservedState) -> Iterator[Step]:
    """What OVSDB remembers of the addresses, in step with the spec."""
    for bridge in desired.bridges:
        old = _remembered(bridge.name, observed)
        new = tuple(str(address) for address in bridge.addresses)
        if old == new:
            continue
        yield Step(
            NAME,
            bridge.name,
            "remembered addresses",
            " ".join(old) or "none",
            " ".join(new) or "none",
            "so that an address that leaves the spec can leave the host",
            (record(bridge.name, new),),
            (record(bridge.name, old),),
            source=bridge.source,
        )


def record(bridge: str, values: tuple[str, ...]) -> Command:
    """Writes down in OVSDB which addresses eswitch gave to the bridge."""
    if not values:
        args: tuple[str, ...] = ("remove", "bridge", bridge, "external_ids", ADDRESSES)
    else:
        args = ("set", "bridge", bridge, f'external_ids:{ADDRESSES}="{" ".join(values)}"')
    return Command(Tool.OVS, args)


def plan(desired: DesiredState, observed: ObservedState) -> tuple[list[Step], list[Blocker]]:
    """Addresses first, then default routes, which need them."""
    steps: list[Step] = []
    blockers: list[Blocker] = []
    for bridge in desired.bridges:
        more, refused = _addresses(bridge, desired, observed)
        steps += more
        blockers += refused
    for bridge in desired.bridges:
        for gateway in bridge.gateways:
            more, refused = _gateway(bridge, gateway, observed)
            steps += more
            blockers += refused
    return steps, blockers


def _gives_up(name: str, address: str, desired: DesiredState, observed: ObservedState) -> bool:
    """Whether the spec takes an address that we gave to that bridge away from it."""
    for bridge in desired.bridges:
        if bridge.name == name:
            wanted = {str(each) for each in bridge.addresses}
            return address in _remembered(name, observed) and address not in wanted
    return False


def _addresses(
    bridge: DesiredBridge, desired: DesiredState, observed: ObservedState
) -> tuple[list[Step], list[Blocker]]:
    link = observed.link(bridge.name)
    have = link.addresses if link else ()
    wanted = tuple(str(address) for address in bridge.addresses)
    steps, blockers = [], []
    # The old ones first: with a network's first address the kernel deletes its later ones too.
    for address in _remembered(bridge.name, observed):
        if address in wanted or address not in have:
            continue
        if link and users.session_on((link,), observed) == address:
            message = f"your session comes in through {address}, which the spec no longer has"
            hint = "run this from the console, or over another address"
            blockers.append(Blocker(bridge.name, message, hint, harm=True, source=bridge.source))
        steps.append(_removal(bridge, address, observed))
    for address in wanted:
        if address in have:
            continue
        holders = (other.name for other in observed.links if address in other.addresses)
        staying = (name for name in holders if not _gives_up(name, address, desired, observed))
        holder = next(staying, None)
        if holder:
            message = f"{address} is on {holder} already"
            hint = f"ip addr del {address} dev {holder}"
            blockers.append(Blocker(bridge.name, message, hint, source=bridge.source))
        steps.append(_address(bridge, address, add=True))
    return steps, blockers


def _address(bridge: DesiredBridge, address: str, *, add: bool) -> Step:
    there = Command(Tool.IP, ("addr", "add", address, "dev", bridge.name))
    gone = Command(Tool.IP, ("addr", "del", address, "dev", bridge.name))
    return Step(
        NAME,
        bridge.name,
        f"address {address}",
        "none" if add else "present",
        "present" if add else "none",
        "the spec says so" if add else "the spec no longer has it",
        (there if add else gone,),
        (Command(Tool.IP, (gone if add else there).args),),
        disturbs=() if add else (f"{address} on {bridge.name} stops answering",),
        source=bridge.source,
    )


def _removal(bridge: DesiredBridge, address: str, observed: ObservedState) -> Step:
    """With the address that reaches it a default route goes too: undoing has to bring both back."""
    step = _address(bridge, address, add=False)
    network = ip_interface(address).network
    routes = [
        route
        for route in observed.routes
        if route.device == bridge.name and route.gateway and ip_address(route.gateway) in network
    ]
    lost = tuple(f"the default route over {bridge.name} goes with {address}" for _ in routes)
    back = tuple(route_back(route) for route in routes)
    return replace(step, inverse=(*step.inverse, *back), disturbs=(*step.disturbs, *lost))


def route_back(route: RouteState) -> Command:
    """Sets a default route again as it was."""
    via = ("via", route.gateway) if route.gateway else ()
    metric = ("metric", str(route.metric)) if route.metric else ()
    return Command(Tool.IP, ("route", "replace", "default", *via, "dev", route.device, *metric))


def _gateway(
    bridge: DesiredBridge, gateway: IPv4Address | IPv6Address, observed: ObservedState
) -> tuple[list[Step], list[Blocker]]:
    family = gateway.version
    routes = [route for route in observed.routes if route.family == family]
    if any((r.gateway, r.device) == (str(gateway), bridge.name) for r in routes):
        return [], []
    elsewhere = [route for route in routes if route.device != bridge.name]
    if elsewhere:
        other = elsewhere[0]
        message = (
            f"the default route of IPv{family} goes via {other.gateway or 'nobody'} on "
            f"{other.device}; a second one on {bridge.name} would compete with it"
        )
        hint = f"take `gateway` out of the spec, or `ip route del default dev {other.device}`"
        return [], [Blocker(bridge.name, message, hint, harm=True, source=bridge.source)]
    old = routes[0] if routes else None
    set_ = Command(Tool.IP, ("route", "replace", "default", "via", str(gateway), *_dev(bridge)))
    step = Step(
        NAME,
        bridge.name,
        f"IPv{family} gateway",
        (old.gateway or "on-link") if old else "none",
        str(gateway),
        "the spec says so",
        (set_,),
        (_undo(bridge, gateway, old),),
        source=bridge.source,
    )
    return [step], []


def _dev(bridge: DesiredBridge) -> tuple[str, str]:
    return ("dev", bridge.name)


def _undo(
    bridge: DesiredBridge, gateway: IPv4Address | IPv6Address, old: RouteState | None
) -> Command:
    if old is not None and old.gateway:
        words = ("route", "replace", "default", "via", old.gateway, *_dev(bridge))
    else:
        words = ("route", "del", "default", "via", str(gateway), *_dev(bridge))
    return Command(Tool.IP, words)
