"""`ip link show`, `addr show`, `route show` and `stats show` as JSON, as iproute2 6.15 prints it.

Format: tests/cases/observe/lab-*.json, recorded in the lab.
"""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Address, ip_interface

from eswitch.twin import links
from eswitch.twin.state import Address, Link, Route, State, Vport

Record = dict[str, object]

_FOREVER = 4294967295
_NO_MAC = "00:00:00:00:00:00"
_BROADCAST = "ff:ff:ff:ff:ff:ff"
_SEGMENTS = {"gso_max_size": 65536, "gso_max_segs": 65535}
_RECEIVE = {"gro_max_size": 65536, "gso_ipv4_max_size": 65536, "gro_ipv4_max_size": 65536}
_KINDS = {
    "internal": "openvswitch",
    "ovs-system": "openvswitch",
    "bond": "bond",
    "bridge": "bridge",
    "vlan": "vlan",
    "dummy": "dummy",
    "tap": "tun",
}
_WITHOUT_QUEUE = frozenset(("loopback", "internal", "bond", "bridge", "vlan", "dummy"))


def link_record(state: State, link: Link, *, details: bool, full: bool = True) -> Record:
    """One interface. `full` adds what `link show` prints and a lone `addr show` does not."""
    loopback = link.kind == "loopback"
    record: Record = {"ifindex": link.index, "ifname": link.name}
    if link.kind == "vlan":
        record["link"] = link.of
    record |= {"flags": _flags(state, link), "mtu": link.mtu, "qdisc": _qdisc(link)}
    master = master_of(link)
    if master:
        record["master"] = master
    record["operstate"] = _operstate(state, link)
    if full:
        record["linkmode"] = "DEFAULT"
    record |= {"group": "default", "txqlen": 1000}
    record["link_type"] = "loopback" if loopback else "ether"
    record["address"] = link.mac
    record["broadcast"] = _NO_MAC if loopback else _BROADCAST
    permanent = _permanent(state, link)
    if permanent and permanent != link.mac:
        record["permaddr"] = permanent
    if details:
        record |= _details(state, link, full=full)
    elif _vfinfo(state, link) is not None:
        record["vfinfo_list"] = _vfinfo(state, link)
    if link.altnames:
        record["altnames"] = link.altnames
    return record


def _permanent(state: State, link: Link) -> str | None:
    function = state.functions.get(link.function or "")
    if link.kind != "uplink" or function is None or function.pf is None:
        return None
    return function.pf.mac if state.cards[function.pf.card].permaddr else None


def master_of(link: Link) -> str | None:
    """A port of Open vSwitch has its datapath's device as master; a bridge's own port has none."""
    if link.dp_port is not None and link.kind != "internal":
        return "ovs-system"
    return link.master


def _flags(state: State, link: Link) -> list[str]:
    running = links.carrier(state, link)
    found = ["NO-CARRIER"] if link.up and not running else []
    found += ["LOOPBACK"] if link.kind == "loopback" else ["BROADCAST", "MULTICAST"]
    found += ["MASTER"] if link.kind == "bond" else []
    found += ["SLAVE"] if _in_bond(state, link) else []
    if link.up:
        found += ["UP", "LOWER_UP"] if running else ["UP"]
    return found


def _in_bond(state: State, link: Link) -> bool:
    master = state.link(link.master) if link.master else None
    return master is not None and master.kind == "bond"


def _qdisc(link: Link) -> str:
    if link.kind == "loopback":
        return "noqueue"
    if not link.up:
        return "noop"
    return "noqueue" if link.kind in _WITHOUT_QUEUE else "fq_codel"


def _operstate(state: State, link: Link) -> str:
    if link.kind in ("loopback", "internal", "dummy") and link.up:
        return "UNKNOWN"
    return "UP" if link.up and links.carrier(state, link) else "DOWN"


def _details(state: State, link: Link, *, full: bool) -> Record:
    loopback = link.kind == "loopback"
    wide = link.kind in ("internal", "ovs-system", "physical")
    record: Record = {
        "promiscuity": int(link.dp_port is not None or link.kind == "ovs-system"),
        "allmulti": 0,
        "min_mtu": 0 if loopback else 68,
        "max_mtu": 0 if loopback else 65535 if wide else 9978,
    }
    info = _linkinfo(state, link)
    if info:
        record["linkinfo"] = info
    if full:
        record["inet6_addr_gen_mode"] = "eui64"
    record |= {"num_tx_queues": 1, "num_rx_queues": 1, **_SEGMENTS}
    record |= {"tso_max_size": 524280 if loopback else 65536, "tso_max_segs": 65535, **_RECEIVE}
    for key, value in (
        ("phys_port_name", links.port_name(state, link)),
        ("phys_switch_id", links.switch_id(state, link)),
    ):
        if value:
            record[key] = value
    return record | _parent(state, link) | _vfs(state, link)


def _linkinfo(state: State, link: Link) -> Record:
    info: Record = {}
    if link.kind in _KINDS:
        info["info_kind"] = _KINDS[link.kind]
    if link.kind == "vlan":
        info["info_data"] = {"protocol": "802.1Q", "id": link.vlan, "flags": ["REORDER_HDR"]}
    master = master_of(link)
    if master == "ovs-system":
        info["info_slave_kind"] = "openvswitch"
    elif master:
        over = state.link(master)
        info["info_slave_kind"] = _KINDS.get(over.kind, "") if over else ""
    return info


def _parent(state: State, link: Link) -> Record:
    function = state.functions.get(link.function or "")
    if function is None:
        return {}
    if function.virtio:
        return {"parentbus": "virtio", "parentdev": function.virtio}
    return {"parentbus": "pci", "parentdev": function.pci}


def _vfs(state: State, link: Link) -> Record:
    found = _vfinfo(state, link)
    return {} if found is None else {"vfinfo_list": found}


def _vfinfo(state: State, link: Link) -> list[Record] | None:
    function = state.functions.get(link.function or "")
    if link.kind != "uplink" or function is None or function.pf is None:
        return None
    return [_vf(index, vport) for index, vport in enumerate(function.pf.vports)]


def _vf(index: int, vport: Vport) -> Record:
    vlan: Record = {"vlan": vport.vlan} if vport.vlan else {}
    if vport.qos:
        vlan["qos"] = vport.qos
    rate: Record = {"tx_rate": vport.max_rate} if vport.max_rate else {}
    return {
        "vf": index,
        "link_type": "ether",
        "address": vport.mac,
        "broadcast": _BROADCAST,
        "vlan_list": [vlan],
        **rate,
        "rate": {"max_tx": vport.max_rate, "min_tx": vport.min_rate},
        "spoofchk": vport.spoofchk,
        "link_state": vport.link_state,
        "trust": vport.trust,
        "query_rss_en": False,
    }


def address_records(state: State, link: Link) -> list[Record]:
    """`addr_info` of one interface: IPv4 first, as the kernel dumps them; its own address last."""
    both = [(ip_interface(entry.address), entry) for entry in link.addresses]
    ordered = sorted(both, key=lambda pair: pair[0].version)
    found = []
    networks = set()
    for interface, entry in ordered:
        # A later IPv4 address of a network goes with the first one.
        later = interface.version == 4 and interface.network in networks
        networks.add(interface.network)
        found.append(_address(link, interface, entry, later=later))
    own = _link_local(state, link)
    return [*found, own] if own else found


def _link_local(state: State, link: Link) -> Record | None:
    """The address that the kernel makes of the MAC, once the link has a carrier (RFC 4291)."""
    alone = link.kind != "loopback" and link.master is None
    if not (link.up and alone and links.carrier(state, link)):
        return None
    octets = bytearray.fromhex(link.mac.replace(":", ""))
    octets[0] ^= 2
    interface_id = bytes([*octets[:3], 0xFF, 0xFE, *octets[3:]])
    local = IPv6Address(b"\xfe\x80" + bytes(6) + interface_id)
    record: Record = {"family": "inet6", "local": str(local), "prefixlen": 64, "scope": "link"}
    record["protocol"] = "kernel_ll"
    return record | {"valid_life_time": _FOREVER, "preferred_life_time": _FOREVER}


def _address(link: Link, interface: object, entry: Address, *, later: bool) -> Record:
    local, _, length = entry.address.partition("/")
    old = isinstance(interface, IPv4Interface)
    record: Record = {"family": "inet" if old else "inet6", "local": local}
    record |= {"prefixlen": int(length), "scope": _scope(entry.address)}
    if later:
        record["secondary"] = True
    if old:
        record["label"] = link.name
    if entry.nodad:
        record["nodad"] = True
    if local == "::1":
        record["noprefixroute"] = True
    if entry.dynamic:
        record |= {"dynamic": True, "mngtmpaddr": True, "protocol": "kernel_ra"}
        return record | {"valid_life_time": 86373, "preferred_life_time": 14373}
    return record | {"valid_life_time": _FOREVER, "preferred_life_time": _FOREVER}


def _scope(address: str) -> str:
    interface = ip_interface(address)
    if interface.is_loopback:
        return "host"
    if interface.is_link_local:
        return "link"
    return "site" if getattr(interface, "is_site_local", False) else "global"


def route_records(state: State, *, details: bool) -> list[Record]:
    """The default routes of all tables, IPv4 first."""
    ordered = sorted(state.routes, key=lambda route: (route.family, route.metric))
    return [_route(route, details=details) for route in ordered]


def _route(route: Route, *, details: bool) -> Record:
    record: Record = {"type": "unicast"} if details else {}
    record["dst"] = "default"
    if route.gateway:
        record["gateway"] = route.gateway
    record["dev"] = route.device
    protocol = "ra" if route.learned else "boot"
    if details:
        scope = "global" if route.gateway or route.family == 6 else "link"
        record |= {"table": "main", "protocol": protocol, "scope": scope}
    elif route.learned:
        record["protocol"] = protocol
    if route.metric:
        record["metric"] = route.metric
    record["flags"] = []
    if route.learned:
        record |= {"expires": 1772, "metrics": [{"hoplimit": 64}]}
    return record | ({"pref": "medium"} if route.family == 6 else {})


def hit_record(link: Link) -> Record:
    """`stats show group offload subgroup cpu_hit`: only uplinks and representors count."""
    record: Record = {"ifindex": link.index, "ifname": link.name}
    record |= {"group": "offload", "subgroup": "cpu_hit"}
    if link.kind not in ("uplink", "representor"):
        return record
    received = {"bytes": link.cpu_rx * 98, "packets": link.cpu_rx, "errors": 0, "dropped": 0}
    sent = {"bytes": link.cpu_tx * 98, "packets": link.cpu_tx, "errors": 0, "dropped": 0}
    received |= {"over_errors": 0, "multicast": 0}
    sent |= {"carrier_errors": 0, "collisions": 0}
    return record | {"stats64": {"rx": received, "tx": sent}}
