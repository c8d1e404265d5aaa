"""Interfaces, their addresses and the default routes, as `ip` of iproute2 prints them.

One process whatever the number of interfaces. `route show` in a batch is about IPv4, unless it asks
for all tables: then both families come, and those of other tables are left out here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from eswitch.errors import HostError, NotFound
from eswitch.host import Host
from eswitch.model.identifiers import (
    MacAddress,
    PciAddress,
    SwitchId,
    parse_mac_address,
    parse_pci_address,
)
from eswitch.model.observed import LegacyVf, LinkState, RouteState

from .records import Record, documents, number, record, records, text, truth

_BATCH = "link show\naddr show\nroute show table all default\n"
_REPRESENTOR = re.compile(r"^(?:c\d+)?pf\d+(?:vf|sf)\d+$")


@dataclass(frozen=True, slots=True)
class AdminVf:
    """What `ip link show PF` prints for one VF. `mac` is the admin MAC."""

    mac: MacAddress | None
    settings: LegacyVf


@dataclass(frozen=True, slots=True)
class Network:
    """What `ip` shows. The mappings are by interface name; `admin_vfs` then by VF index.

    `permanent` has only addresses that differ from the current one, `devices` the parent device on
    any bus (`0000:07:00.0`, `virtio2`), `uppers` the interfaces that sit on one (VLANs, macvlans).
    """

    links: tuple[LinkState, ...] = ()
    routes: tuple[RouteState, ...] = ()
    permanent: Mapping[str, MacAddress] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    admin_vfs: Mapping[str, Mapping[int, AdminVf]] = field(default_factory=dict)
    uppers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_network(host: Host) -> Network:
    """Ask `ip`; nothing without it (the missing tool is reported). Raises HostError if it fails."""
    try:
        batch = host.run(["ip", "-json", "-details", "-batch", "-"], input=_BATCH)
    except NotFound:
        return Network()
    return parse_network(batch.stdout)


def parse_network(printed: str) -> Network:
    """Read the documents of `_BATCH`; raises HostError for no JSON, and for no interface."""
    link_records, address_records, route_records = (*documents(printed, "ip"), None, None, None)[:3]
    if not records(link_records):
        raise HostError("`ip` printed no interfaces, not even the loopback that every host has")
    addresses = {
        text(entry, "ifname"): records(entry.get("addr_info")) for entry in records(address_records)
    }
    entries = {
        text(entry, "ifname") or "": entry
        for entry in sorted(records(link_records), key=lambda entry: number(entry, "ifindex") or 0)
        if text(entry, "ifname")
    }
    links = [_link(name, entry, addresses.get(name, ())) for name, entry in entries.items()]
    permanent = {name: _mac(text(entry, "permaddr")) for name, entry in entries.items()}
    devices = {name: text(entry, "parentdev") for name, entry in entries.items()}
    admin = {name: _admin_vfs(entry) for name, entry in entries.items()}
    return Network(
        links=tuple(links),
        routes=_routes(records(route_records)),
        permanent={name: mac for name, mac in permanent.items() if mac},
        devices={name: device for name, device in devices.items() if device},
        admin_vfs={name: vfs for name, vfs in admin.items() if vfs},
        uppers=_uppers(links),
    )


def _uppers(links: list[LinkState]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for link in links:
        if link.lower:
            found[link.lower] = (*found.get(link.lower, ()), link.name)
    return found


def is_representor(link: LinkState) -> bool:
    """True for what stands for a VF or SF: its parent device is the PF too (facts 1.6)."""
    return bool(link.port_name and _REPRESENTOR.match(link.port_name))


def _link(name: str, entry: Record, addresses: tuple[Record, ...]) -> LinkState:
    listed = entry.get("flags")
    flags = listed if isinstance(listed, list) else []
    up = "UP" in flags
    switch_id = text(entry, "phys_switch_id")
    return LinkState(
        name=name,
        index=number(entry, "ifindex") or 0,
        mac=_mac(text(entry, "address")),
        up=up,
        carrier="LOWER_UP" in flags if up else None,
        mtu=number(entry, "mtu") or 0,
        kind=text(record(entry.get("linkinfo")), "info_kind"),
        master=text(entry, "master"),
        lower=text(entry, "link"),
        parent=_pci(entry),
        switch_id=SwitchId(switch_id) if switch_id else None,
        port_name=text(entry, "phys_port_name"),
        addresses=_addresses(addresses, "global"),
        link_local=_addresses(addresses, "link"),
    )


def _mac(address: str | None) -> MacAddress | None:
    """None for what is no Ethernet address: tunnels and InfiniBand have others."""
    try:
        return parse_mac_address(address or "")
    except ValueError:
        return None


def _pci(entry: Record) -> PciAddress | None:
    if text(entry, "parentbus") != "pci":
        return None
    try:
        return parse_pci_address(text(entry, "parentdev") or "")
    except ValueError:
        return None


def _addresses(entries: tuple[Record, ...], scope: str) -> tuple[str, ...]:
    """Those of one scope, as `address/prefix`, in the kernel's order."""
    return tuple(
        f"{text(entry, 'local')}/{number(entry, 'prefixlen')}"
        for entry in entries
        if text(entry, "scope") == scope and text(entry, "local")
    )


def _admin_vfs(entry: Record) -> dict[int, AdminVf]:
    """The VFs that `ip link` prints for a PF, by index."""
    found = {}
    for vf in records(entry.get("vfinfo_list")):
        index = number(vf, "vf")
        if index is not None:
            found[index] = AdminVf(_mac(text(vf, "address")), _legacy_vf(vf))
    return found


def _legacy_vf(vf: Record) -> LegacyVf:
    # The VLAN is in a list where the driver reports protocols (802.1ad), else in the VF itself.
    vlans = records(vf.get("vlan_list"))
    tagged = vlans[0] if vlans else vf
    rate = record(vf.get("rate"))
    return LegacyVf(
        vlan=number(tagged, "vlan") or 0,
        qos=number(tagged, "qos") or 0,
        spoofchk=truth(vf, "spoofchk"),
        trust=truth(vf, "trust"),
        link_state=text(vf, "link_state") or "auto",
        min_tx_rate=number(rate, "min_tx") or 0,
        max_tx_rate=number(rate, "max_tx") or 0,
    )


def _routes(entries: tuple[Record, ...]) -> tuple[RouteState, ...]:
    """Default routes of the main table, IPv4 first; one for each next hop of a multipath route."""
    found = []
    for entry in entries:
        if text(entry, "type") != "unicast" or text(entry, "table") != "main":
            continue
        # Only IPv6 routes have a preference (RFC 4191), and they all have one.
        family = 6 if "pref" in entry else 4
        metric = number(entry, "metric") or 0
        for hop in records(entry.get("nexthops")) or (entry,):
            device = text(hop, "dev")
            gateway = text(hop, "gateway") or text(record(hop.get("via")), "host")
            if device:
                found.append(RouteState(family, gateway, device, metric))
    return tuple(sorted(found, key=lambda route: route.family))
