"""Who would notice: guests that hold VFs, and the way by which the administrator came in."""

from __future__ import annotations

from eswitch.model.observed import LinkState, NicState, ObservedState, OvsBridge
from eswitch.model.plan import Blocker

# Every Open vSwitch port has this device as its master; it carries nobody's addresses.
_DATAPATH = "ovs-system"


def carriers(pf: NicState, observed: ObservedState) -> tuple[LinkState, ...]:
    """The interfaces whose addresses live on this uplink: itself, its bridge, bond and VLANs."""
    if pf.netdev is None:
        return ()
    bridge = observed.ovs.bridge_of(pf.netdev)
    bridges = (bridge,) if bridge else observed.ovs.bridges if in_ovs_bond(pf, observed) else ()
    return on_top({pf.netdev}.union(*map(_ends, bridges)), observed)


def on_bridge(bridge: OvsBridge, observed: ObservedState) -> tuple[LinkState, ...]:
    """The interfaces whose addresses live on this bridge: its own, internal ports, VFs' netdevs."""
    ports = {port.name for port in bridge.ports}
    functions = {
        vf.netdev for pf in observed.nics for vf in pf.vfs if vf.netdev and vf.representor in ports
    }
    return on_top(_ends(bridge) | functions, observed)


def in_ovs_bond(pf: NicState, observed: ObservedState) -> bool:
    """The datapath holds the uplink, and no bridge has a port of its name."""
    link = observed.link(pf.netdev or "")
    held = link is not None and link.master == _DATAPATH
    return held and observed.ovs.bridge_of(pf.netdev or "") is None


def _ends(bridge: OvsBridge) -> set[str]:
    """A bridge's local port, and its internal ports, which carry host addresses too."""
    return {bridge.name, *(port.name for port in bridge.ports if port.type == "internal")}


def on_top(names: set[str], observed: ObservedState) -> tuple[LinkState, ...]:
    """Those interfaces, and the VLANs, bonds and bridges above them."""
    on_top = names
    while on_top:
        stacked = {link.name for link in observed.links if link.lower in names}
        masters = {link.master for link in observed.links if link.master and link.name in names}
        on_top = (stacked | masters) - names - {_DATAPATH}
        names = names | on_top
    return tuple(link for link in observed.links if link.name in names)


def below(names: set[str], observed: ObservedState) -> tuple[LinkState, ...]:
    """Those interfaces, and what they are made of: a VLAN's, a bond's, a bridge's."""
    under = names
    while under:
        lower = {link.lower for link in observed.links if link.lower and link.name in names}
        held = {link.name for link in observed.links if link.master in names}
        ports = {
            port.name
            for bridge in observed.ovs.bridges
            if names & _ends(bridge)
            for port in bridge.ports
        }
        under = (lower | held | ports) - names
        names = names | under
    return tuple(link for link in observed.links if link.name in names)


def addresses(pf: NicState, observed: ObservedState) -> tuple[str, ...]:
    """The host's addresses that stop answering while this uplink is disturbed."""
    return tuple(address for link in carriers(pf, observed) for address in link.addresses)


def session_on(links: tuple[LinkState, ...], observed: ObservedState) -> str | None:
    """The address among theirs that the administrator's own session comes in through."""
    mine = set(observed.session_addresses)
    for link in links:
        for address in (*link.addresses, *link.link_local):
            if address.partition("/")[0] in mine:
                return address
    return None


def from_console(links: tuple[LinkState, ...], observed: ObservedState) -> str:
    """What a hint begins with whose command would cut the session that reads it."""
    return "from the console: " if session_on(links, observed) else ""


def session_blocker(pf: NicState, observed: ObservedState, what: str) -> Blocker | None:
    """Refuses `what` if it would cut the session that asks for it."""
    address = session_on(carriers(pf, observed), observed)
    if address is None:
        return None
    return Blocker(
        str(pf.pci),
        f"your session comes in through {address} on {pf.netdev}; {what} would cut it",
        "run this from the console, or over another card",
        harm=True,
    )


def uplink_disturbance(pf: NicState, observed: ObservedState) -> tuple[str, ...]:
    """What the host notices when the uplink stops for a moment; empty if it is not in use."""
    held = addresses(pf, observed)
    if held:
        return (f"no answer for some seconds from {', '.join(held)} over {pf.netdev}",)
    bridge = observed.ovs.bridge_of(pf.netdev) if pf.netdev else None
    return (f"bridge {bridge.name} has no uplink for some seconds",) if bridge else ()


def vf_blockers(pf: NicState, what: str) -> tuple[Blocker, ...]:
    """One blocker for each VF that somebody holds: it is not pulled."""
    return tuple(
        Blocker(
            f"{pf.pci} VF {vf.index}",
            f"VF {vf.index} ({vf.pci}) is in use by {', '.join(vf.users)}; {what} would pull it",
            "stop that guest first, then apply again",
            harm=True,
        )
        for vf in pf.vfs
        if vf.users
    )


def vf_disturbance(pf: NicState) -> tuple[str, ...]:
    """What is lost with the VFs' own interfaces on this host."""
    names = [vf.netdev for vf in pf.vfs if vf.netdev]
    return (f"interfaces {', '.join(names)} vanish with their settings",) if names else ()
