"""`ip link set`, `link add`, `addr add`, `route replace` and their opposites, and refusals."""

from __future__ import annotations

import errno
from collections.abc import Callable
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface

from eswitch.twin import nics
from eswitch.twin.links import add_link, random_mac, remove_link
from eswitch.twin.refusal import Refusal
from eswitch.twin.state import Address, Link, Route, State, Vport

from .tool import Failed, Words

_SWITCH = {"on": True, "off": False}


def find(state: State, name: str) -> Link:
    """The interface of that name; raises Failed as iproute2 says it."""
    link = state.link(name)
    if link is None:
        raise Failed(f'Cannot find device "{name}"', 1)
    return link


def set_link(state: State, words: Words) -> None:
    """`ip link set [dev] NAME up | down | vf ... | master ... | mtu ...`."""
    words.skip("dev")
    if not words:
        raise Failed('Not enough information: "dev" argument is required.', 255)
    link = find(state, words.take())
    while words:
        word = words.peek()
        if word not in _SETTINGS:
            raise words.unknown()
        words.take()
        _SETTINGS[word](state, link, words)


def _up(state: State, link: Link, words: Words) -> None:
    del state, words
    link.up = True


def _down(state: State, link: Link, words: Words) -> None:
    """The routes over it go, and its IPv6 addresses (addrconf_ifdown)."""
    del words
    link.up = False
    state.routes = [route for route in state.routes if route.device != link.name]
    link.addresses = [a for a in link.addresses if ip_interface(a.address).version == 4]


def _master(state: State, link: Link, words: Words) -> None:
    master = find(state, words.take())
    if link.dp_port is not None or link.master is not None:
        raise Refusal(errno.EBUSY)
    if master.kind not in ("bond", "bridge"):
        raise Refusal(errno.EOPNOTSUPP)
    link.master = master.name


def _nomaster(state: State, link: Link, words: Words) -> None:
    del state, words
    link.master = None


def _mtu(state: State, link: Link, words: Words) -> None:
    del state
    link.mtu = int(words.take())


def _vf(state: State, link: Link, words: Words) -> None:
    """All settings of a VF come in one message; the kernel takes them one by one, in its order."""
    index = int(words.take())
    settings: dict[str, str] = {}
    while words.peek() in _VF_WORDS:
        word = words.take()
        settings["max_tx_rate" if word == "rate" else word] = words.take()
    _check_vf_words(settings)
    function = state.functions.get(link.function or "")
    if link.kind != "uplink" or function is None:
        raise Refusal(errno.EOPNOTSUPP)
    vport = nics.vport(state, function.pci, index)
    switchdev = function.pf is not None and function.pf.mode == "switchdev"
    for word in _VF_WORDS:
        if word in settings and word != "qos":
            _set_vf(vport, word, settings, switchdev=switchdev)


_VF_WORDS = (
    "mac",
    "vlan",
    "qos",
    "rate",
    "max_tx_rate",
    "min_tx_rate",
    "spoofchk",
    "state",
    "trust",
)


def _check_vf_words(settings: dict[str, str]) -> None:
    vlan = settings.get("vlan", "0")
    if not vlan.isdecimal() or int(vlan) > 4095:
        raise Failed(f'Error: argument "{vlan}" is wrong: Invalid "vlan" value\n', 255)
    low, high = int(settings.get("min_tx_rate", 0)), int(settings.get("max_tx_rate", 0))
    if high and low > high:
        raise Failed(f"Invalid min_tx_rate {low} - must be <= max_tx_rate {high}", 1)


def _set_vf(vport: Vport, word: str, settings: dict[str, str], *, switchdev: bool) -> None:
    """Accepted or refused as in facts 1.7."""
    value = settings[word]
    if word == "mac":
        vport.mac = unicast(value)
    elif word == "vlan":
        if switchdev and int(value):
            raise Refusal(errno.EOPNOTSUPP)
        vport.vlan, vport.qos = int(value), int(settings.get("qos", 0))
    elif word in ("spoofchk", "trust"):
        if switchdev and _SWITCH[value]:
            raise Refusal(errno.EOPNOTSUPP)
        setattr(vport, word, _SWITCH[value])
    elif word == "state":
        vport.link_state = value
    elif word in ("max_tx_rate", "min_tx_rate"):
        setattr(vport, word.replace("_tx", ""), int(value))


def unicast(mac: str) -> str:
    """An address as the kernel takes it; raises Refusal (EINVAL) for a group's."""
    if int(mac[:2], 16) & 1:
        raise Refusal(errno.EINVAL)
    return mac.lower()


_SETTINGS: dict[str, Callable[[State, Link, Words], None]] = {
    "up": _up,
    "down": _down,
    "vf": _vf,
    "master": _master,
    "nomaster": _nomaster,
    "mtu": _mtu,
}


def add(state: State, words: Words) -> None:
    """`ip link add [link LOWER] [name] NAME type dummy|bond|bridge|vlan [id N]`."""
    lower = find(state, words.take()) if words.skip("link") else None
    words.skip("name", "dev")
    name = words.take()
    if not words.skip("type"):
        raise words.unknown()
    kind = words.take()
    if kind not in ("dummy", "bond", "bridge", "vlan"):
        raise words.unknown()
    if state.link(name):
        raise Refusal(errno.EEXIST)
    link = add_link(state, kind, lower.mac if lower else random_mac(state), name)
    if lower is not None:
        link.of = lower.name
    if words.skip("id"):
        link.vlan = int(words.take())


def delete(state: State, words: Words) -> None:
    """`ip link del NAME`: only what somebody made."""
    words.skip("dev")
    link = find(state, words.take())
    if link.kind not in ("dummy", "bond", "bridge", "vlan"):
        raise Refusal(errno.EOPNOTSUPP)
    remove_link(state, link)


def _address_words(state: State, words: Words) -> tuple[IPv4Interface | IPv6Interface, Link]:
    given = words.take()
    try:
        address = ip_interface(given)
    except ValueError:
        text = f'Error: any valid prefix is expected rather than "{given}".'
        raise Failed(text, 1) from None
    if not words.skip("dev"):
        raise words.unknown()
    return address, find(state, words.take())


def add_address(state: State, words: Words) -> None:
    """`ip addr add ADDRESS dev NAME`. An IPv4 address can be there with several prefix lengths."""
    address, link = _address_words(state, words)
    nodad = words.skip("nodad")
    if words:
        raise words.unknown()
    there = [ip_interface(entry.address) for entry in link.addresses]
    if address in there or (address.version == 6 and address.ip in {each.ip for each in there}):
        text = "Address already assigned" if address.version == 4 else "address already assigned"
        raise Refusal(errno.EEXIST, f"ipv{address.version}: {text}")
    link.addresses.append(Address(str(address), nodad=nodad))


def delete_address(state: State, words: Words) -> None:
    """`ip addr del ADDRESS dev NAME`. With the first IPv4 address of a network the later ones of
    that network go too; with the last one, the IPv4 routes."""
    address, link = _address_words(state, words)
    entries = [(ip_interface(entry.address), entry) for entry in link.addresses]
    if not any(interface == address for interface, _ in entries):
        text = "Address not found" if address.version == 4 else "address not found"
        raise Refusal(errno.EADDRNOTAVAIL, f"ipv{address.version}: {text}")
    network = [interface for interface, _ in entries if interface.network == address.network]
    gone = {address}
    if address.version == 4 and network[0] == address and not link.promotes:
        gone.update(network)
    link.addresses = [entry for interface, entry in entries if interface not in gone]
    if address.version == 4 and not _has_ipv4(link):
        state.routes = [r for r in state.routes if (r.family, r.device) != (4, link.name)]


def _has_ipv4(link: Link) -> bool:
    return any(ip_interface(entry.address).version == 4 for entry in link.addresses)


def flush_addresses(state: State, words: Words) -> None:
    """`ip addr flush dev NAME`."""
    if not words.skip("dev"):
        raise words.unknown()
    link = find(state, words.take())
    link.addresses = []
    state.routes = [route for route in state.routes if route.device != link.name]


def _route_words(state: State, words: Words) -> Route:
    route = Route(6 if words.peek() == "::/0" else 4, "")
    if not words.skip("default", "::/0"):
        raise words.unknown()
    while words:
        if words.skip("via"):
            gateway = ip_address(words.take())
            route.family, route.gateway = gateway.version, str(gateway)
        elif words.skip("dev"):
            route.device = find(state, words.take()).name
        elif words.skip("metric"):
            route.metric = int(words.take())
        else:
            raise words.unknown()
    if route.family == 6 and not route.metric:
        route.metric = 1024
    return route


def put_route(state: State, words: Words, *, replace: bool) -> None:
    """`ip route add|replace default|::/0 [via GATEWAY] dev NAME [metric N]`."""
    route = _route_words(state, words)
    link = find(state, route.device)
    if not link.up:
        raise Refusal(errno.ENETDOWN, "Device for nexthop is not up")
    if route.gateway and not _on_link(link, route.gateway):
        raise Refusal(errno.EINVAL, "Nexthop has invalid gateway")
    same = [r for r in state.routes if (r.family, r.metric) == (route.family, route.metric)]
    # Of IPv6 routes one that may share its load is not put in the place of one that may not, which
    # learned ones and those without a gateway may not (fib6_add_rt2node).
    same = [r for r in same if not (r.learned and route.gateway)]
    if same and not replace:
        raise Refusal(errno.EEXIST)
    if same:
        state.routes.remove(same[0])
    state.routes.append(route)


def _on_link(link: Link, gateway: str) -> bool:
    address = ip_address(gateway)
    if address.is_link_local:
        return True
    return any(address in ip_interface(entry.address).network for entry in link.addresses)


def delete_route(state: State, words: Words) -> None:
    """`ip route del default [via GATEWAY] [dev NAME]`."""
    wanted = _route_words(state, words)
    for route in state.routes:
        same = route.family == wanted.family
        if wanted.gateway is not None and route.gateway != wanted.gateway:
            same = False
        if wanted.device and route.device != wanted.device:
            same = False
        if same:
            state.routes.remove(route)
            return
    raise Refusal(errno.ESRCH)
