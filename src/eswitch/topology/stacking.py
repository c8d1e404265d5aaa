"""What lies on what: bridges, bonds, VLANs over an uplink, and what they are made of."""

from __future__ import annotations

from eswitch.model.identifiers import OVS_DATAPATH
from eswitch.model.observed import LinkState, NicState, ObservedState, OvsBridge


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
    held = link is not None and link.master == OVS_DATAPATH
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
        on_top = (stacked | masters) - names - {OVS_DATAPATH}
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
