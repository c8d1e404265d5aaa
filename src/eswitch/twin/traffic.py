"""Conversations become flows of the datapath, with counters, for as long as they go on."""

from __future__ import annotations

from .paths import NoPath, Way, ends, placement, ways
from .state import Conversation, Flow, State
from .vswitch import daemon_runs, new_uuid

_IPV4, _ARP = "0x0800", "0x0806"
_BROADCAST = "ff:ff:ff:ff:ff:ff"
_MAX_IDLE = 10_000
"""Milliseconds: `other_config:max-idle` where it is not set (vswitch.xml)."""


def check(state: State, one: str, other: str) -> None:
    """Raises NoPath if nothing would come through now."""
    if not daemon_runs(state):
        raise NoPath("ovs-vswitchd is not running, and the datapath knows no flow")
    ways(*ends(state, one, other))


def talk(state: State, seconds: float) -> None:
    """Let `seconds`, which have just passed, be filled with the conversations' packets."""
    begin = state.clock - seconds
    for conversation in state.conversations:
        _carry(state, conversation, min(state.clock, conversation.until) - begin)
    state.conversations = [each for each in state.conversations if each.until > state.clock]
    _expire(state)


def _carry(state: State, conversation: Conversation, seconds: float) -> None:
    packets = round(conversation.rate * seconds)
    if packets <= 0:
        return
    try:
        check(state, conversation.one, conversation.other)
        both = ways(*ends(state, conversation.one, conversation.other))
    except NoPath:
        return
    last = min(state.clock, conversation.until)
    for way in both:
        _count(state, way, packets, conversation.size, last)
    _ask(state, both[0])


def _count(state: State, way: Way, packets: int, size: int, last: float) -> None:
    flow = _find(state, way, way.target.mac, _IPV4)
    if flow is None:
        flow = _make(state, way, way.target.mac, _IPV4, [way.target.link.index])
        # The first packet misses: it goes up to ovs-vswitchd, and no rule counts it.
        way.source.link.cpu_rx += 1
        way.target.link.cpu_tx += 1
        packets -= 1
    flow.packets += packets
    flow.octets += packets * size
    flow.used = last if packets else flow.used
    if flow.where != "hardware":
        way.source.link.cpu_rx += packets
        way.target.link.cpu_tx += packets


def _ask(state: State, way: Way) -> None:
    """The broadcast by which an address is found: it goes to every port, the host's too."""
    if _find(state, way, _BROADCAST, _ARP) is not None:
        return
    names = {port.name for port in way.source.bridge.ports} - {way.source.link.name}
    out = [link for link in state.links if link.name in names and link.dp_port is not None]
    _make(state, way, _BROADCAST, _ARP, [link.index for link in out])


def _find(state: State, way: Way, target: str, eth_type: str) -> Flow | None:
    key = (way.source.link.index, way.source.mac, target, eth_type, way.vlan)
    for flow in state.ovs.flows:
        if (flow.in_port, flow.source, flow.target, flow.eth_type, flow.vlan) == key:
            return flow
    return None


def _make(state: State, way: Way, target: str, eth_type: str, out: list[int]) -> Flow:
    targets = [link for index in out if (link := state.link_at(index))]
    where = placement(state, way.source.link, targets)
    flow = Flow(
        ufid=new_uuid(state),
        in_port=way.source.link.index,
        source=way.source.mac,
        target=target,
        eth_type=eth_type,
        out_ports=out,
        where=where,
        vlan=way.vlan,
        push=way.push,
        made=state.clock,
    )
    state.ovs.flows.append(flow)
    return flow


def _expire(state: State) -> None:
    """Without a packet for max-idle a flow goes."""
    limit = int(state.ovs.database.other_config.get("max-idle", _MAX_IDLE)) / 1000
    oldest = state.clock - limit
    state.ovs.flows = [
        flow for flow in state.ovs.flows if max(flow.made, flow.used or 0.0) > oldest
    ]
