"""From a flow that is not in hardware to its reason.

Every reason is a fact of the observed state or of the flow's own text. Where no such fact explains
it, the reason says that it is not known: with `tc-policy=none` the kernel keeps the driver's words
to itself (facts 1.10).

`RULES` are asked in order, and the first that answers is right. A new reason is a row in one of the
tables here, or a rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eswitch.model.drivers import profile_of
from eswitch.model.observed import ObservedState
from eswitch.model.unknown import Unknown

from .datapath import Kind, Port
from .flow import Flow, Placement, recirculates_to
from .nature import Nature
from .reason import Reason, ReasonKind, because
from .syntax import has_action

_BY_NATURE = {
    Nature.GROUP: ReasonKind.GROUP,
    Nature.FLOOD: ReasonKind.FLOOD,
    Nature.UNNAMED: ReasonKind.UNNAMED,
    Nature.NEIGHBOUR: ReasonKind.NEIGHBOUR,
    Nature.SETUP: ReasonKind.SETUP,
}
_BY_ACTION = {"userspace": ReasonKind.USERSPACE_ACTION}
"""Actions that are never in hardware, whatever the NIC."""
_BY_PLACEMENT = {
    Placement.TC_SOFTWARE: ReasonKind.REFUSED,
    Placement.KERNEL: ReasonKind.NOT_IN_TC,
    Placement.USERSPACE: ReasonKind.USERSPACE_DATAPATH,
}
_RECIRCULATION = "NET_TC_SKB_EXT"
"""TC needs this option to hand a recirculation id on (facts 4.5); Debian 13 lacks it."""


@dataclass(frozen=True, slots=True)
class Case:
    """A flow that is not in hardware, and what is known of it; `ends` are input and outputs."""

    flow: Flow
    placement: Placement
    nature: Nature
    ends: tuple[Port, ...]
    observed: ObservedState


def reason_of(case: Case) -> Reason:
    """The first reason that holds, else that it is not known."""
    for rule in RULES:
        found = rule(case)
        if found:
            return found
    return because(_BY_PLACEMENT.get(case.placement, ReasonKind.UNPLACED))


def _nature(case: Case) -> Reason | None:
    kind = _BY_NATURE.get(case.nature)
    return because(kind) if kind else None


def _host(case: Case) -> Reason | None:
    if case.nature is not Nature.HOST:
        return None
    host = next(port for port in case.ends if port.kind is Kind.HOST)
    # Proxmox's firewall puts guests behind internal ports (fwln101o0): not the host's own.
    itself = host.name == host.bridge
    return because(ReasonKind.HOST if itself else ReasonKind.INTERNAL_PORT, port=host.name)


def _outside(case: Case) -> Reason | None:
    if case.nature is not Nature.OUTSIDE:
        return None
    names = tuple(port.name for port in case.ends if port.kind is Kind.OUTSIDE)
    return because(ReasonKind.OUTSIDE, ports=names)


def _two_switches(case: Case) -> Reason | None:
    """Why a NIC keeps traffic between two e-switches to the CPU; mlx5's words: facts 1.10."""
    if case.nature is not Nature.OTHER_SWITCH:
        return None
    source, other = (port for port in case.ends if port.switch)
    if source.switch != other.switch:
        return because(
            ReasonKind.OTHER_SWITCH,
            output=other.name,
            output_switch=str(other.switch),
            input=source.name,
            input_switch=str(source.switch),
        )
    uplink = Kind.UPLINK in (source.kind, other.kind)
    return because(
        ReasonKind.OTHER_PF if uplink else ReasonKind.VF_OF_OTHER_PF,
        output=other.name,
        output_pf=str(other.pci or other.bond),
        input=source.name,
        input_pf=str(source.pci or source.bond),
    )


def _hw_offload(case: Case) -> Reason | None:
    if case.observed.ovs.other_config.get("hw-offload") == "true":
        return None
    return because(ReasonKind.HW_OFFLOAD_OFF)


def _tc_policy(case: Case) -> Reason | None:
    if case.observed.ovs.other_config.get("tc-policy") != "skip_hw":
        return None
    return because(ReasonKind.TC_POLICY)


def _hw_tc_offload(case: Case) -> Reason | None:
    # Only the port that the packets come in by is asked: tc and the drivers look there. A bond's or
    # a tunnel's own feature is nobody's business.
    source = case.ends[0]
    link = case.observed.link(source.name) if source.pci else None
    if link and link.hw_tc_offload is False:
        return because(ReasonKind.HW_TC_OFFLOAD_OFF, port=source.name)
    return None


def _kernel_option(case: Case) -> Reason | None:
    """Options without which the driver has no flow offload, and that this kernel says `n` to."""
    for port in case.ends:
        nic = case.observed.nic(port.pci) if port.pci else None
        profile = profile_of(nic.driver) if nic else None
        for option in profile.offload_options if profile else ():
            if _says_no(case.observed, option):
                release = case.observed.kernel.release
                return because(ReasonKind.KERNEL_OPTION, release=release, option=option)
    return None


def _kernel_recirculation(case: Case) -> Reason | None:
    recirculates = bool(case.flow.recirc_id or recirculates_to(case.flow))
    if case.placement is not Placement.KERNEL or not recirculates:
        return None
    if not _says_no(case.observed, _RECIRCULATION):
        return None
    release = case.observed.kernel.release
    return because(ReasonKind.KERNEL_RECIRCULATION, release=release, option=_RECIRCULATION)


def _says_no(observed: ObservedState, option: str) -> bool:
    options = observed.kernel.options
    return not isinstance(options, Unknown) and options.get(option) == "n"


def _earlier_stage(case: Case) -> Reason | None:
    """Its own rule is in the NIC: the stages before it are what is not."""
    if case.flow.placement is not Placement.HARDWARE:
        return None
    missing = case.placement is Placement.UNKNOWN
    kind = ReasonKind.STAGE_MISSING if missing else ReasonKind.STAGE_IN_SOFTWARE
    return because(kind, recirc_id=case.flow.recirc_id)


def _action(case: Case) -> Reason | None:
    found = (kind for name, kind in _BY_ACTION.items() if has_action(case.flow.actions, name))
    kind = next(found, None)
    return because(kind) if kind else None


RULES: tuple[Callable[[Case], Reason | None], ...] = (
    _nature,
    _host,
    _outside,
    _two_switches,
    _hw_offload,
    _tc_policy,
    _hw_tc_offload,
    _kernel_option,
    _kernel_recirculation,
    _earlier_stage,
    _action,
)
