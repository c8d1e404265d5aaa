"""What a datapath flow is: between whom, whether it belongs in hardware, and why it is not there.

Every reason is a fact of the observed state or of the flow's own text. Where no such fact explains
it, the reason says that it is not known: with `tc-policy=none` the kernel keeps the driver's words
to itself (domain.md 1.10).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from eswitch.model.drivers import profile_of
from eswitch.model.observed import ObservedState
from eswitch.model.unknown import Unknown

from .datapath import Datapath, Kind, Port
from .flow import Flow, Placement, recirculates_to
from .syntax import fields, has_action

_CT_NEW, _CT_ESTABLISHED = 0x01, 0x02  # OVS_CS_F_*, include/uapi/linux/openvswitch.h
_NEIGHBOUR_TYPES = frozenset(str(kind) for kind in range(133, 138))  # ICMPv6 ND, RFC 4861
_UNTRACED = "; its reason is not known without tracing the kernel's extack messages"


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
        hardware. Traffic with a tap or with the host ends in the CPU by nature (domain.md 4.5).
        """
        return self in (Nature.ESWITCH, Nature.OTHER_SWITCH)


@dataclass(frozen=True, slots=True)
class Place:
    """A flow with its meaning.

    `placement` is the effective one: a flow behind `recirc()` is in hardware only if all flows
    that lead to it are, since the packets have passed the CPU otherwise. `reason` is None for
    flows in hardware.
    """

    flow: Flow
    source: Port
    targets: tuple[Port, ...]
    nature: Nature
    placement: Placement
    unicast: bool
    reason: str | None

    @property
    def counts(self) -> bool:
        """Whether it speaks for or against the hardware; a flood does where the NIC copies it."""
        in_nic = self.placement is Placement.HARDWARE
        return self.nature.belongs_in_hardware or (self.nature is Nature.FLOOD and in_nic)

    @property
    def final(self) -> bool:
        """False for a flow that only hands its packets to the next stage."""
        return bool(self.targets) or self.nature is Nature.DROP


def places(flows: Iterable[Flow], known: Datapath, observed: ObservedState) -> tuple[Place, ...]:
    """Locate all flows of a dump; they are needed together, because flows lead to flows."""
    flows = tuple(flows)
    placements = _Chains(flows)
    return tuple(_place(flow, placements.effective(flow), known, observed) for flow in flows)


class _Chains:
    """Recirculation: which flows lead to which, and what that means for their placement."""

    def __init__(self, flows: tuple[Flow, ...]) -> None:
        self._before: dict[int, list[Flow]] = {}
        for flow in flows:
            for target in recirculates_to(flow):
                self._before.setdefault(target, []).append(flow)
        self._known: dict[int, Placement] = {}

    def effective(self, flow: Flow) -> Placement:
        """The flow's own placement, worsened by the stages before it."""
        own = flow.placement
        if own is not Placement.HARDWARE or flow.recirc_id == 0:
            return own
        return self._stage(flow.recirc_id, frozenset())

    def _stage(self, recirc_id: int, seen: frozenset[int]) -> Placement:
        """The worst placement among everything that leads to a recirculation id."""
        if recirc_id in self._known:
            return self._known[recirc_id]
        before = self._before.get(recirc_id, [])
        if not before or recirc_id in seen or len(seen) > 32:
            return Placement.UNKNOWN  # the earlier stage is gone from the dump, or a loop
        found = set()
        for flow in before:
            own = flow.placement
            if own is Placement.HARDWARE and flow.recirc_id:
                own = self._stage(flow.recirc_id, seen | {recirc_id})
            found.add(own)
        worst = next((each for each in found if each.in_software), None)
        if worst is None:
            worst = Placement.UNKNOWN if Placement.UNKNOWN in found else Placement.HARDWARE
        self._known[recirc_id] = worst
        return worst


def _place(flow: Flow, placement: Placement, known: Datapath, observed: ObservedState) -> Place:
    match = flow.match
    source = known.port(flow.in_port)
    targets = tuple(known.port(name) for name in flow.outputs)
    group = _is_group(match)
    nature = _nature(flow, match, source, targets, group=group)
    reason = None
    if placement is not Placement.HARDWARE:
        reason = _reason(flow, placement, nature, (source, *targets), observed)
    return Place(flow, source, targets, nature, placement, not group, reason)


def _nature(
    flow: Flow, match: dict[str, str], source: Port, targets: tuple[Port, ...], *, group: bool
) -> Nature:
    ends = (source, *targets)
    if group:
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
    """New connections: hardware takes them over once they are established (domain.md 4.5)."""
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


def _reason(
    flow: Flow,
    placement: Placement,
    nature: Nature,
    ends: tuple[Port, ...],
    observed: ObservedState,
) -> str:
    return (
        _reason_of_nature(nature, ends)
        or _reason_of_settings(ends, observed)
        or _reason_of_recirculation(flow, placement, observed)
        or _reason_of_flow(flow, placement)
    )


def _reason_of_nature(nature: Nature, ends: tuple[Port, ...]) -> str | None:
    if nature is Nature.GROUP:
        return "broadcast and multicast are copied by the CPU"
    if nature is Nature.FLOOD:
        return (
            "the bridge has not learned this address, or a mirror copies it: "
            "the CPU sends each packet to several ports"
        )
    if nature is Nature.HOST:
        host = next(port for port in ends if port.kind is Kind.HOST)
        # Proxmox's firewall puts guests behind internal ports (fwln101o0): not the host's own.
        what = "this host itself" if host.name == host.bridge else "an internal port"
        return f"{host.name} is {what}: such traffic always ends in the CPU"
    if nature is Nature.OUTSIDE:
        names = [port.name for port in ends if port.kind is Kind.OUTSIDE]
        verb = "is no port" if len(names) == 1 else "are no ports"
        return f"{', '.join(names)} {verb} of an e-switch"
    if nature is Nature.UNNAMED:
        return "one of its ports has no name in the dump, so what it is is not known"
    if nature is Nature.NEIGHBOUR:
        return "ARP or neighbour discovery: a few packets to find an address"
    if nature is Nature.SETUP:
        return "first packets of a connection: hardware takes over once it is established"
    if nature is Nature.OTHER_SWITCH:
        source, other = (port for port in ends if port.switch)
        return _reason_of_two(source, other)
    return None


def _reason_of_two(source: Port, other: Port) -> str:
    """Why a NIC keeps traffic between two e-switches to the CPU; mlx5's words: domain.md 1.10."""
    if source.switch != other.switch:
        return (
            f"output {other.name} is on another switch ({other.switch}) "
            f"than input {source.name} ({source.switch})"
        )
    text = (
        f"output {other.name} is of another PF ({other.pci or other.bond}) of the card "
        f"than input {source.name} ({source.pci or source.bond})"
    )
    if Kind.UPLINK in (source.kind, other.kind):
        return f"{text}: without VF LAG each PF is an e-switch of its own"
    return f"{text}: not every NIC forwards between their VFs"


def _reason_of_settings(ends: tuple[Port, ...], observed: ObservedState) -> str | None:
    config = observed.ovs.other_config
    if config.get("hw-offload", "false") != "true":
        return "hw-offload is off in Open vSwitch"
    if config.get("tc-policy") == "skip_hw":
        return "tc-policy is skip_hw: Open vSwitch keeps flows out of the hardware"
    # Only the port that the packets come in by is asked: tc and the drivers look there. A bond's or
    # a tunnel's own feature is nobody's business.
    source = ends[0]
    link = observed.link(source.name) if source.pci else None
    if link and link.hw_tc_offload is False:
        return f"hw-tc-offload is off on {source.name}"
    return _lacking_kernel(ends, observed)


def _lacking_kernel(ends: tuple[Port, ...], observed: ObservedState) -> str | None:
    """Options without which the driver has no flow offload, and that this kernel says `n` to."""
    options = observed.kernel.options
    if isinstance(options, Unknown):
        return None
    for port in ends:
        nic = observed.nic(port.pci) if port.pci else None
        profile = profile_of(nic.driver) if nic else None
        for option in profile.offload_options if profile else ():
            if options.get(option) == "n":
                return f"kernel {observed.kernel.release} is built without CONFIG_{option}"
    return None


def _reason_of_recirculation(
    flow: Flow, placement: Placement, observed: ObservedState
) -> str | None:
    """TC needs this option to hand a recirculation id on (domain.md 4.5); Debian 13 lacks it."""
    options = observed.kernel.options
    if isinstance(options, Unknown) or placement is not Placement.KERNEL:
        return None
    if options.get("NET_TC_SKB_EXT") != "n" or not (flow.recirc_id or recirculates_to(flow)):
        return None
    release = observed.kernel.release
    return f"it recirculates, and kernel {release} is built without CONFIG_NET_TC_SKB_EXT"


def _reason_of_flow(flow: Flow, placement: Placement) -> str:
    if flow.placement is Placement.HARDWARE:
        # Its own rule is in the NIC: the stages before it are what is not.
        if placement is Placement.UNKNOWN:
            return f"the flow that leads to recirc_id({flow.recirc_id:#x}) is not in the dump"
        return f"the flow that leads to recirc_id({flow.recirc_id:#x}) is not in hardware"
    if has_action(flow.actions, "userspace"):
        return "its action userspace() sends each packet to ovs-vswitchd"
    if placement is Placement.TC_SOFTWARE:
        return "the NIC refused it" + _UNTRACED
    if placement is Placement.KERNEL:
        return (
            "Open vSwitch did not bring it into TC; why is not known without its debug log, or it "
            "is older than hw-offload (`ovs-appctl revalidator/purge` makes all flows anew)"
        )
    if placement is Placement.USERSPACE:
        return "a userspace datapath handles it, wholly or in part"
    return "the dump does not say where it runs"
