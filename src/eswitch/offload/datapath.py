"""The ports of the datapath: which is of which e-switch, the host itself, or something else.

Identities come from the observed state (PCI address and VF index), names only from there. How the
host hangs together (stacked interfaces, who is hit) is the package `topology`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from eswitch.model.identifiers import PciAddress, VfId
from eswitch.model.observed import LinkState, NicState, ObservedState, OvsBridge
from eswitch.model.subject import Named, Uplink

_TUNNEL_TYPES = frozenset(("vxlan", "geneve", "gre", "erspan", "ip6gre", "ip6erspan", "gtpu"))
# Open vSwitch's own tunnel devices (dpif-netlink-rtnl.c, netdev-vport.c).
_TUNNEL_VPORTS = (
    "vxlan_sys_",
    "genev_sys_",
    "gre_sys",
    "erspan_sys",
    "ip6gre_sys",
    "ip6erspan_sys",
)


class Kind(StrEnum):
    """What a datapath port is."""

    UPLINK = "uplink"
    REPRESENTOR = "representor"
    TUNNEL = "tunnel"  # its packets leave through an uplink; the NIC can do it (domain.md 4.5)
    HOST = "host"  # a bridge's local port or another internal port
    OUTSIDE = "outside"  # tap, veth, another NIC: no port of any e-switch
    UNNAMED = "unnamed"  # Open vSwitch printed its number only

    @property
    def on_eswitch(self) -> bool:
        """True for what an e-switch can send to and receive from."""
        return self in (Kind.UPLINK, Kind.REPRESENTOR, Kind.TUNNEL)


@dataclass(frozen=True, slots=True)
class Port:
    """One datapath port.

    `switch` identifies its e-switch (`phys_switch_id`, or the PCI address where there is none) and
    is None for everything that is no port of one, tunnels included: they use any uplink.
    `vf` is the VF index of a representor. `bond` is the bond of all the card's uplinks, where there
    is one: the port itself, or the one that its PF's uplink is a member of.
    """

    name: str
    kind: Kind
    switch: str | None = None
    pci: PciAddress | None = None
    vf: int | None = None
    bridge: str | None = None
    bond: str | None = None

    @property
    def forwards_with(self) -> tuple[str, str] | None:
        """What two ports must share for the NIC to forward between them for sure.

        Both PFs of a card show one switch id, but without VF LAG each has an e-switch of its own
        (domain.md 1.8, 1.10).
        """
        return (self.switch, self.bond or self.pci or "") if self.switch else None

    @property
    def subject(self) -> Named:
        """The name with its identity: names change, identities do not (domain.md 1.6)."""
        if self.pci is None:
            return Named(self.name)
        vf = None if self.vf is None else VfId(self.pci, self.vf)
        return Named(self.name, vf or Uplink(self.pci))


@dataclass(frozen=True, slots=True)
class Datapath:
    """All datapath ports that could be told apart, by name."""

    ports: dict[str, Port]

    def port(self, name: str) -> Port:
        """The port of that name as the datapath prints it; one that nobody knows is OUTSIDE."""
        known = self.ports.get(name)
        if known:
            return known
        if name.startswith(_TUNNEL_VPORTS):
            return Port(name, Kind.TUNNEL)
        return Port(name, Kind.UNNAMED if not name or name.isdecimal() else Kind.OUTSIDE)

    @property
    def bridged(self) -> tuple[Port, ...]:
        """Uplinks and representors that are in an Open vSwitch bridge, uplinks first."""
        found = [
            port
            for port in self.ports.values()
            if port.bridge and port.kind in (Kind.UPLINK, Kind.REPRESENTOR)
        ]
        return tuple(sorted(found, key=_order))


def _order(port: Port) -> tuple[str, str, int]:
    return (port.bridge or "", port.pci or "", -1 if port.vf is None else port.vf)


def datapath(observed: ObservedState) -> Datapath:
    """Sort the ports of this host."""
    bridge_of = {port.name: bridge.name for bridge in observed.ovs.bridges for port in bridge.ports}
    ports: dict[str, Port] = {}
    for bridge in observed.ovs.bridges:
        ports |= _software_ports(bridge)
    for nic in observed.nics:
        for port in _eswitch_ports(nic, observed, bridge_of):
            ports[port.name] = port
    for link in observed.links:
        bond = _bond(link, observed, ports, bridge_of) if link.kind == "bond" else None
        if bond:
            members = {each.name for each in observed.links if each.master == bond.name}
            ports = _bonded(ports, bond, {ports[name].pci for name in members})
    return Datapath(ports)


def _software_ports(bridge: OvsBridge) -> dict[str, Port]:
    """The bridge's local port, internal ports and tunnels; the rest is known by its absence."""
    found = {bridge.name: Port(bridge.name, Kind.HOST, bridge=bridge.name)}
    for port in bridge.ports:
        if port.type == "internal":
            found[port.name] = Port(port.name, Kind.HOST, bridge=bridge.name)
        elif port.type in _TUNNEL_TYPES:
            # The datapath shows one port for all tunnels of a type: vxlan_sys_4789.
            found[port.name] = Port(port.name, Kind.TUNNEL, bridge=bridge.name)
    return found


def _eswitch_ports(
    nic: NicState, observed: ObservedState, bridge_of: dict[str, str]
) -> Iterable[Port]:
    if not nic.is_switchdev:
        return
    switch = _switch_of(nic, observed)
    if nic.netdev:
        bridge = bridge_of.get(nic.netdev)
        yield Port(nic.netdev, Kind.UPLINK, switch, nic.pci, None, bridge)
    for vf in nic.vfs:
        if vf.representor:
            bridge = bridge_of.get(vf.representor)
            yield Port(vf.representor, Kind.REPRESENTOR, switch, nic.pci, vf.index, bridge)


def _switch_of(nic: NicState, observed: ObservedState) -> str:
    link = observed.link(nic.netdev) if nic.netdev else None
    return nic.switch_id or (link.switch_id if link else None) or f"pci {nic.pci}"


def _bond(
    bond: LinkState, observed: ObservedState, ports: dict[str, Port], bridge_of: dict[str, str]
) -> Port | None:
    """A kernel bond whose members are all uplinks of one switch is one uplink (domain.md 1.8)."""
    members = [ports.get(link.name) for link in observed.links if link.master == bond.name]
    switches = {port.switch if port and port.kind is Kind.UPLINK else None for port in members}
    if len(switches) != 1 or None in switches:
        return None
    bridge = bridge_of.get(bond.name)
    return Port(bond.name, Kind.UPLINK, switches.pop(), bridge=bridge, bond=bond.name)


def _bonded(
    ports: dict[str, Port], bond: Port, pfs: Collection[PciAddress | None]
) -> dict[str, Port]:
    """With the bond, and the ports of its PFs knowing it."""
    known = {
        name: replace(port, bond=bond.name) if port.pci in pfs and port.switch else port
        for name, port in ports.items()
    }
    return {**known, bond.name: bond}
