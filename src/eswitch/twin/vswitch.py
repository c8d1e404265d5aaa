"""ovs-vswitchd: it makes the datapath what the database says, and writes back what came of it."""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

from .links import add_link, random_mac, remove_link
from .state import Bridge, Database, Interface, Link, Port, State

LOCAL = 65534
"""The OpenFlow port of a bridge itself (OFPP_LOCAL)."""
SYSTEM = "ovs-system"


def new_uuid(state: State) -> str:
    """Another one at each call, the same in each run."""
    state.counters.random += 1
    return str(uuid5(NAMESPACE_OID, f"{state.name}/{state.counters.random}"))


def fresh_database(state: State) -> Database:
    """What ovsdb-server makes where there is none."""
    return Database(new_uuid(state))


def is_installed(state: State) -> bool:
    """Whether Debian's package is there."""
    return "openvswitch-switch" in state.packages


def database_runs(state: State) -> bool:
    """Whether ovsdb-server answers."""
    return is_installed(state) and state.units["ovsdb-server"].active


def daemon_runs(state: State) -> bool:
    """Whether ovs-vswitchd is there to carry it out."""
    return is_installed(state) and state.units["ovs-vswitchd"].active


def start(state: State) -> None:
    """A new daemon: it reads its settings, and begins without flows (facts 4.1)."""
    config = state.ovs.database.other_config
    state.ovs.offloading = config.get("hw-offload") == "true"
    state.ovs.tc_policy = config.get("tc-policy", "none")
    state.ovs.flows = []
    for bridge in state.ovs.database.bridges:
        bridge.last_number = 0
    if not state.ovs.offloading:
        for link in state.links:
            if link.dp_port is not None and link.kind != "internal":
                link.qdisc = None
    reconcile(state)


def reconcile(state: State) -> None:
    """Bring datapath and database together, as after any change of either or of the interfaces."""
    if not daemon_runs(state):
        return
    database = state.ovs.database
    if database.other_config.get("hw-offload") == "true":
        state.ovs.offloading = True
    wanted = {
        interface.name: (bridge, interface)
        for bridge in database.bridges
        for port in bridge.ports
        for interface in port.interfaces
    }
    _drop(state, wanted)
    for bridge, interface in wanted.values():
        _attach(state, bridge, interface)
    for bridge in database.bridges:
        _take_mac(state, bridge)
    if state.ovs.offloading:
        _add_qdiscs(state)


def _drop(state: State, wanted: dict[str, tuple[Bridge, Interface]]) -> None:
    """What the database no longer has leaves the datapath. The qdisc stays (facts 1.3)."""
    for link in [link for link in state.links if link.dp_port is not None]:
        if link.name in wanted:
            continue
        link.dp_port = None
        gone = link.index
        state.ovs.flows = [
            flow for flow in state.ovs.flows if gone != flow.in_port and gone not in flow.out_ports
        ]
        if link.kind == "internal":
            remove_link(state, link)
    system = state.link(SYSTEM)
    if system is not None and not state.ovs.database.bridges:
        remove_link(state, system)


def _attach(state: State, bridge: Bridge, interface: Interface) -> None:
    if state.link(SYSTEM) is None:
        add_link(state, SYSTEM, random_mac(state), SYSTEM)
    link = state.link(interface.name)
    if link is None and interface.type == "internal":
        link = add_link(state, "internal", random_mac(state), interface.name)
    trouble = _trouble(interface, link)
    if link is None or trouble:
        interface.ofport, interface.error = -1, trouble
        return
    interface.error = None
    if interface.name == bridge.name:
        interface.ofport = LOCAL
    elif interface.ofport in (None, -1) or interface.ofport_request not in (None, interface.ofport):
        interface.ofport = _number(bridge, interface)
    if link.dp_port is None:
        taken = {other.dp_port for other in state.links}
        link.dp_port = next(number for number in range(1, 70000) if number not in taken)


def _trouble(interface: Interface, link: Link | None) -> str | None:
    name = interface.name
    if link is None:
        return f"could not open network device {name} (No such device)"
    if link.kind == "internal" and interface.type != "internal":
        return f"could not open network device {name} (File exists)"
    if link.master is not None:
        return f"could not add network device {name} to ofproto (Device or resource busy)"
    return None


def _number(bridge: Bridge, interface: Interface) -> int:
    """The OpenFlow port that is asked for, if it is free; else the one it has, or the next one: a
    number is not given away again soon (alloc_ofp_port in ofproto.c)."""
    others = [each for port in bridge.ports for each in port.interfaces if each is not interface]
    taken = {each.ofport for each in others}
    asked = interface.ofport_request
    if asked is not None and asked not in taken:
        return asked
    if interface.ofport not in (None, -1):
        return interface.ofport or 0
    bridge.last_number = next(n for n in range(bridge.last_number + 1, 32768) if n not in taken)
    return bridge.last_number


def _take_mac(state: State, bridge: Bridge) -> None:
    """A bridge has the lowest address of its ports; locally administered ones do not count."""
    local = state.link(bridge.name)
    names = {interface.name for port in bridge.ports for interface in port.interfaces}
    macs = [
        link.mac
        for link in state.links
        if link.name in names - {bridge.name} and link.dp_port and not int(link.mac[:2], 16) & 2
    ]
    if local is not None and macs:
        local.mac = min(macs)


def _add_qdiscs(state: State) -> None:
    for link in state.links:
        if link.kind == SYSTEM or (link.kind == "internal" and link.dp_port is not None):
            link.qdisc = link.qdisc or "clsact"
        elif link.dp_port is not None:
            link.qdisc = link.qdisc or "ingress"


def new_port(state: State, name: str, kind: str = "") -> Port:
    """A port with one interface of its name."""
    return Port(new_uuid(state), name, [Interface(new_uuid(state), name, kind)])


def new_bridge(state: State, name: str) -> Bridge:
    """A bridge with its local port."""
    return Bridge(new_uuid(state), name, [new_port(state, name, "internal")])
