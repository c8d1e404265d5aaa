"""`ovs-appctl`: the running daemon's flows, and whether it offloads.

Format: tests/cases/flows/lab-*.txt, recorded in the lab (Open vSwitch 3.5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eswitch.host import Result
from eswitch.twin import vswitch
from eswitch.twin.state import Flow, State

from .tool import Failed, NotSimulated, ended

_PID_FILE = "/var/run/openvswitch/ovs-vswitchd.pid"
_NO_PID = f'ovs-appctl: cannot read pidfile "{_PID_FILE}" (No such file or directory)'
_TYPES = frozenset(("all", "ovs", "tc", "offloaded", "non-offloaded"))
_UNKNOWN = 'is not a valid command (use "list-commands" to see a list of valid commands)'
_SERVER = "ovs-appctl: ovs-vswitchd: server returned an error"
_FAMILIES = (
    *("autoattach/", "bfd/", "bond/", "bridge/", "cfm/", "coverage/", "dpctl/", "dpif/", "exit"),
    *("fdb/", "hmap/", "list-commands", "lldp/", "mdb/", "memory/", "netdev", "odp-", "ofproto/"),
    *("ovs/", "qos/", "revalidator/", "rstp/", "stp/", "time/", "tnl/", "upcall/", "version"),
    *("vlog/", "vxlan", "stp/", "lacp/", "trace"),
)
_NO_MASK = "00:00:00:00:00:00/00:00:00:00:00:00"


def run(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`ovs-appctl`."""
    del input
    return ended(lambda words: _run(state, words), argv[1:])


def _run(state: State, words: Sequence[str]) -> str:
    if not vswitch.daemon_runs(state):
        raise Failed(_NO_PID, 1)
    name, *rest = words
    if name == "upcall/show" and not rest:
        return _upcalls(state)
    if name == "dpctl/dump-flows":
        return _flows(state, rest)
    if name == "revalidator/purge":
        state.ovs.flows = []
        return ""
    # dpif/offload/show is from Open vSwitch 3.7 on.
    if name != "dpif/offload/show" and name.startswith(_FAMILIES):
        raise NotSimulated(f"`ovs-appctl {' '.join(words)}`")
    raise Failed(f'"{name}" {_UNKNOWN}\n{_SERVER}', 2)


def _upcalls(state: State) -> str:
    if not state.ovs.database.bridges:
        return ""
    count = len(state.ovs.flows)
    lines = ["system@ovs-system:"]
    lines.append(f"  flows         : (current {count}) (avg {count}) (max {count}) (limit 10000)")
    ports = any(link.dp_port is not None for link in state.links if link.kind != "internal")
    if state.ovs.offloading and ports:
        rules = sum(flow.where != "ovs" for flow in state.ovs.flows)
        lines.append(f"  offloaded flows : {rules}")
    lines += ["  dump duration : 1ms", "  ufid enabled : true", "", f"  2: (keys {count})"]
    return "\n".join(lines) + "\n"


def _flows(state: State, words: Sequence[str]) -> str:
    more = "-m" in words
    names = "--names" in words or (more and "--no-names" not in words)
    left = [w for w in words if w not in ("-m", "--names", "--no-names", "system@ovs-system")]
    wanted = {"all"}
    for word in left:
        kind, _, value = word.partition("=")
        if kind != "type" or not set(value.split(",")) <= _TYPES:
            raise NotSimulated(f"`ovs-appctl dpctl/dump-flows {' '.join(words)}`")
        wanted = set(value.split(","))
    chosen = [flow for flow in state.ovs.flows if _passes(flow, wanted)]
    return "".join(_line(state, flow, more=more, names=names) for flow in chosen)


def _passes(flow: Flow, wanted: set[str]) -> bool:
    """dpctl.c, flow_passes_type_filter: the terms are or-ed."""
    kinds = {"all"}
    kinds.add("ovs" if flow.where == "ovs" else "tc")
    kinds.add("offloaded" if flow.where == "hardware" else "non-offloaded")
    return bool(kinds & wanted)


def _line(state: State, flow: Flow, *, more: bool, names: bool) -> str:
    def port(index: int) -> str:
        link = state.link_at(index)
        if link is None:
            return "0"
        return link.name if names else str(link.dp_port or 0)

    used = "never" if flow.used is None else f"{max(state.clock - flow.used, 0.0):.3f}s"
    stats = f"packets:{flow.packets}, bytes:{flow.octets}, used:{used}"
    if more:
        stats += ", offloaded:yes" if flow.where == "hardware" else ""
        stats += ", dp:ovs" if flow.where == "ovs" else ", dp:tc"
    key = _key(flow, port(flow.in_port), more=more)
    head = f"ufid:{flow.ufid}, " if more else ""
    return f"{head}{key}, {stats}, actions:{_actions(flow, port)}\n"


def _actions(flow: Flow, port: Callable[[int], str]) -> str:
    steps = ["pop_vlan"] if flow.vlan is not None else []
    steps += [f"push_vlan(vid={flow.push},pcp=0)"] if flow.push is not None else []
    steps += [port(index) for index in flow.out_ports]
    return ",".join(steps) if flow.out_ports else "drop"


def _key(flow: Flow, in_port: str, *, more: bool) -> str:
    parts = ["recirc_id(0)"]
    if more:
        parts += ["dp_hash(0/0)", "skb_priority(0/0)", f"in_port({in_port})", "skb_mark(0/0)"]
        parts += ["ct_state(0/0)", "ct_zone(0/0)", "ct_mark(0/0)", "ct_label(0/0)"]
        parts += ["packet_type(ns=0/0,id=0/0)"] if flow.where != "ovs" else []
    else:
        parts.append(f"in_port({in_port})")
    parts.append(f"eth(src={flow.source},dst={flow.target})")
    inner = [f"eth_type({flow.eth_type})", *_header(flow, more=more)]
    if flow.vlan is not None:
        parts += ["eth_type(0x8100)", f"vlan(vid={flow.vlan},pcp=0)"]
        inner = [f"encap({','.join(inner)})"]
    return ",".join([*parts, *inner])


def _header(flow: Flow, *, more: bool) -> list[str]:
    if flow.eth_type == "0x0806":
        ends = "sip=0.0.0.0/0.0.0.0,tip=0.0.0.0/0.0.0.0,op=0/0"
        return [f"arp({ends},sha={_NO_MASK},tha={_NO_MASK})"] if more else []
    masks = "src=0.0.0.0/0.0.0.0,dst=0.0.0.0/0.0.0.0,proto=0/0,tos=0/0,ttl=0/0,"
    return [f"ipv4({masks if more else ''}frag=no)"]
