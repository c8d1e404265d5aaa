"""Who would notice a change: the host itself, and guests that hold VFs."""

from __future__ import annotations

from eswitch.model.observed import NicState, ObservedState
from eswitch.model.plan import Blocker

from .stacking import addresses


def uplink_disturbance(pf: NicState, observed: ObservedState) -> tuple[str, ...]:
    """What the host notices when the uplink stops for a moment; empty if it is not in use."""
    held = addresses(pf, observed)
    if held:
        return (f"no answer for some seconds from {', '.join(held)} over {pf.netdev}",)
    bridge = observed.ovs.bridge_of(pf.netdev) if pf.netdev else None
    return (f"bridge {bridge.name} has no uplink for some seconds",) if bridge else ()


def vf_blockers(pf: NicState, what: str) -> tuple[Blocker, ...]:
    """One blocker for each VF that somebody holds: it is not pulled."""
    return tuple(
        Blocker(
            f"{pf.pci} VF {vf.index}",
            f"VF {vf.index} ({vf.pci}) is in use by {', '.join(vf.users)}; {what} would pull it",
            "stop that guest first, then apply again",
            harm=True,
        )
        for vf in pf.vfs
        if vf.users
    )


def vf_disturbance(pf: NicState) -> tuple[str, ...]:
    """What is lost with the VFs' own interfaces on this host."""
    names = [vf.netdev for vf in pf.vfs if vf.netdev]
    return (f"interfaces {', '.join(names)} vanish with their settings",) if names else ()
