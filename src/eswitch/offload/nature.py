"""What kind of traffic a flow is, and with that whether it belongs in hardware."""

from __future__ import annotations

from enum import StrEnum

from .datapath import Kind, Port
from .flow import Flow
from .syntax import fields, has_action

_CT_NEW, _CT_ESTABLISHED = 0x01, 0x02  # OVS_CS_F_*, include/uapi/linux/openvswitch.h
_NEIGHBOUR_TYPES = frozenset(str(kind) for kind in range(133, 138))  # ICMPv6 ND, RFC 4861


class Nature(StrEnum):
    """What kind of traffic a flow is. Only the first two belong in hardware."""

    ESWITCH = "between ports of one e-switch"
    OTHER_SWITCH = "between ports of two e-switches"
    GROUP = "broadcast or multicast"
    FLOOD = "flooded to several ports"
    NEIGHBOUR = "neighbour discovery"
    SETUP = "first packets of a connection"
    HOST = "with a port of the host itself"
    OUTSIDE = "with a port of no e-switch"
    UNNAMED = "with a port that has no name"
    DROP = "dropped"

    @property
    def belongs_in_hardware(self) -> bool:
        """Whether the promise of an e-switch covers it.

        What is flooded belongs there only once the bridge has learned the address.
        Two switches count: both ends are ports of an e-switch, so whoever bridged them expects
        hardware. Traffic with a tap or with the host ends in the CPU by nature (facts 4.5).
        """
        return self in (Nature.ESWITCH, Nature.OTHER_SWITCH)


def nature_of(flow: Flow, source: Port, targets: tuple[Port, ...]) -> Nature:
    """What the flow's key, its actions and its ports make of it; the first that fits."""
    match = flow.match
    ends = (source, *targets)
    if _is_group(match):
        return Nature.GROUP
    if _is_flood(source, targets) and not _is_neighbour(match):
        return Nature.FLOOD
    if any(port.kind is Kind.HOST for port in ends):
        return Nature.HOST
    if any(port.kind is Kind.OUTSIDE for port in ends):
        return Nature.OUTSIDE
    if any(port.kind is Kind.UNNAMED for port in ends):
        return Nature.UNNAMED
    if _is_neighbour(match):
        return Nature.NEIGHBOUR
    if _is_setup(flow, match):
        return Nature.SETUP
    if flow.actions == "drop" or not (targets or _goes_on(flow)):
        return Nature.DROP
    groups = {port.forwards_with for port in ends if port.switch}
    return Nature.ESWITCH if len(groups) < 2 else Nature.OTHER_SWITCH


def _is_flood(source: Port, targets: tuple[Port, ...]) -> bool:
    """Whether unicast goes to several ports of which one at most is its receiver's.

    Its source is on an e-switch: what comes from elsewhere is the CPU's, learned or not.
    """
    switched = sum(port.kind.on_eswitch for port in targets)
    hosts = sum(port.kind is Kind.HOST for port in targets)
    return source.kind.on_eswitch and switched >= 1 and switched + hosts >= 2


def _goes_on(flow: Flow) -> bool:
    return "recirc(" in flow.actions or has_action(flow.actions, "userspace")


def _is_group(match: dict[str, str]) -> bool:
    """Whether the group bit of the Ethernet destination is set and matched on."""
    value, _, mask = fields(match.get("eth", "")).get("dst", "").partition("/")
    return _lowest_bit(value) and (not mask or _lowest_bit(mask))


def _lowest_bit(mac: str) -> bool:
    try:
        return bool(int(mac[:2], 16) & 1)
    except ValueError:
        return False


def _header(match: dict[str, str]) -> dict[str, str]:
    """The innermost key: VLAN tags wrap it in `encap(...)`."""
    for _ in range(4):
        if "encap" not in match:
            break
        match = fields(match["encap"])
    return match


def _is_neighbour(match: dict[str, str]) -> bool:
    inner = _header(match)
    if inner.get("eth_type") == "0x0806":
        return True
    return fields(inner.get("icmpv6", "")).get("type") in _NEIGHBOUR_TYPES


def _is_setup(flow: Flow, match: dict[str, str]) -> bool:
    """New connections: hardware takes them over once they are established (facts 4.5)."""
    state = match.get("ct_state", "")
    if "+new" in state or "+est" in state:
        return "+new" in state
    value, _, mask = state.partition("/")
    try:
        bits = int(value, 16) & (int(mask, 16) if mask else ~0)
    except ValueError:
        bits = 0
    if bits & _CT_ESTABLISHED:
        return False
    return bool(bits & _CT_NEW) or "ct(commit" in flow.actions
