"""Sessions that a change to a bridge would cut."""

from __future__ import annotations

from eswitch.model.observed import ObservedState, OvsBridge
from eswitch.model.plan import Blocker, Obstacle
from eswitch.model.subject import Bridge
from eswitch.topology import session, stacking
from eswitch.topology.ports import WantedPort


def session_behind(want: WantedPort, holder: OvsBridge, observed: ObservedState) -> list[Blocker]:
    """Another VLAN cuts the session that comes in through this port, or from its VF's interface."""
    if want.vf is None:
        return session_on_bridge(holder, observed)
    names = {vf.netdev for vf in want.pf.vfs if vf.representor == want.name and vf.netdev}
    address = session.session_on(stacking.on_top(names, observed), observed)
    if address is None:
        return []
    message = f"your session comes in through {address} behind {want.name}; its VLAN would change"
    hint = "run this from the console, or over another address"
    return [Blocker(want.subject, message, hint, Obstacle.SESSION)]


def session_on_bridge(bridge: OvsBridge, observed: ObservedState) -> list[Blocker]:
    """What takes a bridge, or a port of it, away from a session that comes in through it."""
    address = session.session_on(stacking.on_bridge(bridge, observed), observed)
    if address is None:
        return []
    message = f"your session comes in through {address} on it, and the spec would take it away"
    return [Blocker(Bridge(bridge.name), message, "run this from the console", Obstacle.SESSION)]
