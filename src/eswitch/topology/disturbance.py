"""Who would notice a change: the host itself, and guests that hold VFs."""

from __future__ import annotations

from eswitch.model.disturbance import Disturbance, Effect
from eswitch.model.identifiers import VfId
from eswitch.model.observed import NicState, ObservedState
from eswitch.model.plan import Blocker, Obstacle
from eswitch.model.subject import Bridge, Interface, Uplink

from .stacking import addresses


def uplink_disturbance(pf: NicState, observed: ObservedState) -> tuple[Disturbance, ...]:
    """What the host notices when the uplink stops for a moment; empty if it is not in use."""
    held = addresses(pf, observed)
    if held:
        text = f"no answer for some seconds from {', '.join(held)} over {pf.netdev}"
        return (Disturbance((Uplink(pf.pci),), Effect.PAUSE, text),)
    bridge = observed.ovs.bridge_of(pf.netdev) if pf.netdev else None
    if bridge is None:
        return ()
    text = f"bridge {bridge.name} has no uplink for some seconds"
    return (Disturbance((Bridge(bridge.name),), Effect.PAUSE, text),)


def vf_blockers(pf: NicState, what: str) -> tuple[Blocker, ...]:
    """One blocker for each VF that somebody holds: it is not pulled."""
    return tuple(
        Blocker(
            VfId(pf.pci, vf.index),
            f"VF {vf.index} ({vf.pci}) is in use by {', '.join(vf.users)}; {what} would pull it",
            "stop that guest first, then apply again",
            Obstacle.IN_USE,
        )
        for vf in pf.vfs
        if vf.users
    )


def vf_disturbance(pf: NicState) -> tuple[Disturbance, ...]:
    """What is lost with the VFs' own interfaces on this host."""
    names = [vf.netdev for vf in pf.vfs if vf.netdev]
    if not names:
        return ()
    text = f"interfaces {', '.join(names)} vanish with their settings"
    return (Disturbance(tuple(map(Interface, names)), Effect.LOSS, text),)
