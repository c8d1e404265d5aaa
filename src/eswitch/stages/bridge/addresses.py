"""Part of stage `bridge`: the host's addresses and default routes on its bridges.

OVSDB remembers which addresses eswitch gave to a bridge, so that one that leaves the spec can be
taken away again, while addresses that others added stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_interface

from eswitch.model.action import Action, Command, Tool, Write
from eswitch.model.desired import DesiredBridge, DesiredState
from eswitch.model.disturbance import Disturbance, Effect
from eswitch.model.observed import ObservedState, RouteState
from eswitch.model.plan import Blocker, Obstacle
from eswitch.model.step import Step
from eswitch.model.subject import Bridge, DefaultRoute, HostAddress
from eswitch.topology import session, stacking
from eswitch.topology.ownership import ADDRESSES


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
            Bridge(bridge.name),
            "remembered addresses",
            " ".join(old) or "none",
            " ".join(new) or "none",
            "so that an address that leaves the spec can leave the host",
            (record(bridge.name, new),),
            (record(bridge.name, old),),
            source=bridge.source,
            passing=True,
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
    new = tuple(address for address in wanted if address not in have)
    old = tuple(a for a in _remembered(bridge.name, observed) if a in have and a not in wanted)
    blockers = [
        *_cut_by(bridge, old, observed),
        *(blocker for address in new for blocker in _held(bridge, address, desired, observed)),
    ]
    # The new ones first: with the last address of an interface all its routes would go. But an
    # IPv6 address cannot be there twice, with two prefix lengths; an IPv4 address can.
    again = {ip.ip for address in new if (ip := ip_interface(address)).version == 6}
    before = tuple(address for address in old if ip_interface(address).ip in again)
    staying = tuple(address for address in have if address not in before)
    steps = [_removal(bridge, address, staying, observed) for address in before]
    steps += [_address(bridge, address, add=True) for address in new]
    staying = (*(address for address in staying if address not in old), *new)
    steps += [_removal(bridge, a, staying, observed) for a in old if a not in before]
    return steps, blockers


def _cut_by(
    bridge: DesiredBridge, old: tuple[str, ...], observed: ObservedState
) -> Iterator[Blocker]:
    """An address that goes while the administrator's session comes in through it."""
    for address in old:
        if address.partition("/")[0] in observed.session_addresses:
            message = f"your session comes in through {address}, which the spec no longer has"
            hint = "run this from the console, or over another address"
            yield Blocker(Bridge(bridge.name), message, hint, Obstacle.SESSION, bridge.source)


def _held(
    bridge: DesiredBridge, address: str, desired: DesiredState, observed: ObservedState
) -> Iterator[Blocker]:
    """An address that another interface has, and keeps."""
    for other in observed.links:
        if address in other.addresses and not _gives_up(other.name, address, desired, observed):
            message = f"{address} is on {other.name} already"
            hint = (
                f"{session.from_console((other,), observed)}ip addr del {address} dev {other.name}"
            )
            yield Blocker(Bridge(bridge.name), message, hint, source=bridge.source)
            return


def _address(bridge: DesiredBridge, address: str, *, add: bool) -> Step:
    there: tuple[Action, ...] = (Command(Tool.IP, ("addr", "add", address, "dev", bridge.name)),)
    gone: tuple[Action, ...] = (
        *_promote(bridge, address),
        Command(Tool.IP, ("addr", "del", address, *_dev(bridge))),
    )
    text = f"{address} on {bridge.name} stops answering"
    return Step(
        Bridge(bridge.name),
        f"address {address}",
        "none" if add else "present",
        "present" if add else "none",
        "the spec says so" if add else "the spec no longer has it",
        there if add else gone,
        gone if add else there,
        disturbs=() if add else (Disturbance((HostAddress(address),), Effect.LOSS, text),),
        source=bridge.source,
    )


def _promote(bridge: DesiredBridge, address: str) -> tuple[Write, ...]:
    """With the first IPv4 address of a network the kernel deletes its later ones, whoever added
    them, unless it is told to promote the next one (Linux, ip-sysctl: promote_secondaries)."""
    if ip_interface(address).version != 4:
        return ()
    return (Write(f"/proc/sys/net/ipv4/conf/{bridge.name}/promote_secondaries", "1"),)


def _removal(
    bridge: DesiredBridge, address: str, staying: tuple[str, ...], observed: ObservedState
) -> Step:
    """With the last IPv4 address the kernel takes the interface's IPv4 routes away: undoing has to
    bring the default routes back too."""
    step = _address(bridge, address, add=False)
    family = ip_interface(address).version
    last = family == 4 and not any(ip_interface(other).version == 4 for other in staying)
    routes = [
        route
        for route in observed.routes
        if last and (route.device, route.family) == (bridge.name, family)
    ]
    text = f"the default route over {bridge.name} goes with {address}"
    lost = tuple(Disturbance((DefaultRoute(family),), Effect.LOSS, text) for _ in routes)
    back = tuple(put_route(route) for route in routes)
    disturbs = step.disturbs
    if any(ip_interface(other).ip == ip_interface(address).ip for other in staying):
        text = f"{address} on {bridge.name} gets another prefix length"
        disturbs = (Disturbance((HostAddress(address),), Effect.CHANGE, text),)
    return replace(step, inverse=(*step.inverse, *back), disturbs=(*disturbs, *lost))


def put_route(route: RouteState) -> Command:
    """Sets a default route, in the place of one of the same metric: a new one, or an old one again.

    The kernel takes those of two metrics for two routes.
    """
    # Without a gateway only the prefix tells the family: batches take no `-6`.
    where = ("via", route.gateway) if route.gateway else ()
    prefix = "::/0" if route.family == 6 and not where else "default"
    metric = ("metric", str(route.metric)) if route.metric else ()
    return Command(Tool.IP, ("route", "replace", prefix, *where, "dev", route.device, *metric))


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
        link = observed.link(other.device)
        where = session.from_console((link,) if link else (), observed)
        delete = f"{where}`ip route del default dev {other.device}`"
        hint = f"take `gateway` out of the spec, or {delete}"
        return [], [Blocker(Bridge(bridge.name), message, hint, Obstacle.FOREIGN, bridge.source)]
    # The one of the lowest metric counts; where it is replaced, the new one takes its metric.
    old = min(routes, key=lambda route: route.metric, default=None)
    new = RouteState(family, str(gateway), bridge.name, old.metric if old else 0)
    text = f"what is beyond the local IPv{family} networks is reached another way"
    gone = Command(Tool.IP, ("route", "del", "default", "via", str(gateway), *_dev(bridge)))
    step = Step(
        Bridge(bridge.name),
        f"IPv{family} gateway",
        (old.gateway or "on-link") if old else "none",
        str(gateway),
        "the spec says so",
        (put_route(new),),
        (put_route(old) if old else gone,),
        disturbs=(Disturbance((DefaultRoute(family),), Effect.CHANGE, text),) if old else (),
        source=bridge.source,
    )
    return [step], list(_cut_off(bridge, old, observed)) if old else []


def _cut_off(bridge: DesiredBridge, old: RouteState, observed: ObservedState) -> Iterator[Blocker]:
    """Another default route, while the administrator's session may need the present one."""
    now = observed.ovs.bridge(bridge.name)
    address = session.session_on(stacking.on_bridge(now, observed), observed) if now else None
    if address:
        message = (
            f"your session comes in through {address}, perhaps by way of the default route over "
            f"{old.gateway or 'the link'}; another one could cut it"
        )
        hint = "run this from the console, or over another network"
        yield Blocker(Bridge(bridge.name), message, hint, Obstacle.SESSION, bridge.source)


def _dev(bridge: DesiredBridge) -> tuple[str, str]:
    return ("dev", bridge.name)
