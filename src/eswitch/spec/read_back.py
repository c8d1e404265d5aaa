"""Open vSwitch as it is -> the bridges of a starter spec.

Only bridges with a port of an e-switch are read back: the others are not eswitch's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from eswitch.model.desired import (
    DesiredBridge,
    DesiredNic,
    DesiredOvs,
    DesiredPort,
    TcPolicy,
)
from eswitch.model.identifiers import OWNER
from eswitch.model.observed import NicState, ObservedState, OvsBridge, OvsPort, OvsStatus

from .addresses import Address, Gateway, parse_address, parse_gateway
from .tree import Path
from .values import MAX_VFS, BadValue, choice_of, parse_bridge_name, parse_max_idle, parse_vlan
from .writing import scalar

_Single = tuple[str, int | None]
"""The label of a NIC and a VF's index, or None for the uplink."""


DEFAULT_VFS = 2
"""VFs to propose for a NIC that has none."""


def vf_count(nic: NicState) -> int:
    """How many VFs a starter spec gives to a NIC: those it has, or a few."""
    if nic.sriov is None or not nic.sriov.total:
        return DEFAULT_VFS
    return min(nic.sriov.count or min(DEFAULT_VFS, nic.sriov.total), MAX_VFS)


class BridgeReader:
    """Reads bridges, ports, addresses and gateways back; tells `remark` what it leaves out."""

    def __init__(
        self,
        observed: ObservedState,
        labels: Mapping[str, NicState],
        remark: Callable[..., None],
    ) -> None:
        self._observed = observed
        self._labels = labels
        self._remark = remark
        self._readable = {b.name: b for b in observed.ovs.bridges if _readable(b.name)}
        self._ports = self._find_ports()
        self._seen_addresses: set[Gateway] = set()
        self._seen_families: set[int] = set()

    def vlan(self, label: str, index: int) -> int | None:
        """The access VLAN of a VF's port, if it is in a bridge that is read back."""
        _, port = self._ports.get((label, index), ("", None))
        return _tag(port) if port else None

    def bridges(self, nics: Sequence[DesiredNic]) -> tuple[DesiredBridge, ...]:
        """All bridges with a port of these NICs."""
        members: dict[str, list[DesiredPort]] = {}
        for nic in nics:
            for index, vlan in ((None, None), *((vf.index, vf.vlan) for vf in nic.vfs)):
                if (nic.name, index) in self._ports:
                    name, _ = self._ports[nic.name, index]
                    members.setdefault(name, []).append(DesiredPort(nic.name, index, vlan))
        made = []
        for name, ports in members.items():
            self._port_remarks(self._readable[name])
            addresses = self._addresses(name)
            gateways = self._gateways(name, addresses)
            made.append(DesiredBridge(name, tuple(ports), addresses, gateways))
        for bridge in self._observed.ovs.bridges:
            if bridge.name not in self._readable:
                self._remark(("end",), f"the bridge {bridge.name}: a spec cannot have that name")
        return tuple(made)

    def _find_ports(self) -> dict[_Single, tuple[str, OvsPort]]:
        """Which port of which bridge is whose: by interface name, else by eswitch's own mark.

        The mark stays when a representor is gone or renamed, as after a reboot.
        """
        names: dict[str, _Single] = {}
        marks: dict[str, _Single] = {}
        for label, nic in self._labels.items():
            marks[f"{nic.pci}/uplink"] = (label, None)
            if nic.netdev:
                names[nic.netdev] = (label, None)
            for index in range(vf_count(nic)):
                marks[f"{nic.pci}/vf{index}"] = (label, index)
                vf = nic.vf(index)
                if vf and vf.representor:
                    names[vf.representor] = (label, index)
        found: dict[_Single, tuple[str, OvsPort]] = {}
        for known, word in ((names, _name), (marks, _mark)):
            for bridge in self._readable.values():
                for port in bridge.ports:
                    if single := known.get(word(port)):
                        found.setdefault(single, (bridge.name, port))
        return found

    def ovs(self) -> DesiredOvs:
        """Open vSwitch's settings; hw-offload is always asked for, and nothing that defeats it."""
        config = self._observed.ovs.other_config
        policy = idle = None
        try:
            if "tc-policy" in config:
                policy = choice_of(TcPolicy, "a TC policy")(config["tc-policy"])
            if config.get("max-idle", "").isdecimal():
                idle = parse_max_idle(int(config["max-idle"][:18]))
        except BadValue as error:
            self._remark(("end",), f"a setting of Open vSwitch was left out: {error.message}")
        running = self._observed.ovs.status is OvsStatus.RUNNING
        if running and config.get("hw-offload") != "true":
            self._remark(("ovs",), "hw-offload is off now")
        if policy is TcPolicy.SKIP_HW:
            self._remark(("ovs",), "tc-policy is skip_hw now: no flow gets into the NIC")
            policy = None
        return DesiredOvs(tc_policy=policy, max_idle=idle)

    def uplink_remarks(self, nic: NicState) -> list[str]:
        """What a NIC's interface carries now: addresses, a bridge, the user's own session."""
        link = self._observed.link(nic.netdev) if nic.netdev else None
        if link is None:
            return []
        remarks = []
        if link.addresses:
            remarks.append(f"addresses on {link.name} now: {', '.join(link.addresses)}")
        carriers = [link]
        bridge = self._observed.ovs.bridge_of(link.name)
        master = self._observed.link(bridge.name if bridge else link.master or "")
        if master:
            carriers.append(master)
            remarks.append(f"{link.name} belongs to {master.name} now")
        own = {address.split("/")[0] for carrier in carriers for address in carrier.addresses}
        if own & set(self._observed.session_addresses):
            remarks.append("your own session comes in through here")
        return remarks

    def proposal(self) -> list[str]:
        """A bridge to begin with, as comment lines, for a host that has none."""
        label, nic = next(iter(self._labels.items()))
        taken = {link.name for link in self._observed.links} | set(self._labels)
        name = next(f"vmbr{n}" for n in range(2, 4096) if f"vmbr{n}" not in taken)
        lines = ["A bridge for the guests; take the # away:", "", "bridges:", f"  {name}:"]
        lines.append(f"    ports: [{scalar(label)}]")
        link = self._observed.link(nic.netdev) if nic.netdev else None
        addresses = [a for a in map(_address, link.addresses if link else ()) if a]
        if not addresses:
            return [*lines, "    # address: 192.168.1.101/24   # if the host needs one here"]
        words = ", ".join(scalar(str(address)) for address in addresses)
        lines.append(f"    address: [{words}]   # moves here from {nic.netdev}")
        routes = [route.gateway for route in self._observed.routes if route.device == nic.netdev]
        gateway = _gateway(routes[0]) if routes else None
        if gateway and any(gateway in address.network for address in addresses):
            lines.append(f"    gateway: {scalar(str(gateway))}")
        return lines

    def _port_remarks(self, bridge: OvsBridge) -> None:
        """What a bridge's ports have that the spec will not say."""
        path: Path = ("bridges", bridge.name, "ports")
        owners = {port.name: single for single, (_, port) in self._ports.items()}
        others = [p.name for p in bridge.ports if p.name not in owners and p.name != bridge.name]
        if others:
            self._remark(path, f"other ports, not in this spec: {', '.join(others)}")
        for port in bridge.ports:
            if port.name not in owners:
                continue
            is_vf = owners[port.name][1] is not None
            if port.tag is not None and not (is_vf and _tag(port)):
                self._remark(path, f"{port.name} has tag {port.tag}: a spec cannot say that")
            if port.trunks:
                shown = ", ".join(str(vlan) for vlan in port.trunks[:8])
                self._remark(path, f"{port.name} has trunks {shown}: a spec cannot say that")

    def _addresses(self, bridge: str) -> tuple[Address, ...]:
        link = self._observed.link(bridge)
        kept = []
        for text in link.addresses if link else ():
            address = _address(text)
            if address is None or address.ip in self._seen_addresses:
                self._remark(("bridges", bridge), f"{text} was left out: it cannot be in a spec")
            else:
                self._seen_addresses.add(address.ip)
                kept.append(address)
        return tuple(kept)

    def _gateways(self, bridge: str, addresses: Sequence[Address]) -> tuple[Gateway, ...]:
        kept: list[Gateway] = []
        routes = [route for route in self._observed.routes if route.device == bridge]
        for route in sorted(routes, key=lambda route: route.metric):
            gateway = _gateway(route.gateway)
            if gateway is None:
                continue
            local = gateway.version == 6 and gateway.is_link_local
            own = [address for address in addresses if address.version == gateway.version]
            reached = local or any(gateway in address.network for address in own)
            itself = any(gateway == address.ip for address in own)
            if gateway.version in self._seen_families or not reached or itself:
                text = f"the gateway {gateway} was left out: a second one, or not in a network here"
                self._remark(("bridges", bridge), text)
            else:
                self._seen_families.add(gateway.version)
                kept.append(gateway)
        return tuple(kept)


def _readable(name: str) -> bool:
    try:
        parse_bridge_name(name)
    except BadValue:
        return False
    return True


def _name(port: OvsPort) -> str:
    return port.name


def _mark(port: OvsPort) -> str:
    return port.external_ids.get(OWNER, "")


def _address(text: str) -> Address | None:
    try:
        return parse_address(text)
    except BadValue:
        return None


def _gateway(text: str | None) -> Gateway | None:
    try:
        return parse_gateway(text)
    except BadValue:
        return None


def _tag(port: OvsPort) -> int | None:
    try:
        return parse_vlan(port.tag)
    except BadValue:
        return None
