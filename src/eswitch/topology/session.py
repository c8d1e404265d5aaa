"""The way by which the administrator came in, and what would cut it."""

from __future__ import annotations

from eswitch.model.observed import LinkState, NicState, ObservedState
from eswitch.model.plan import Blocker, Obstacle
from eswitch.model.subject import Nic

from .stacking import carriers


def session_on(links: tuple[LinkState, ...], observed: ObservedState) -> str | None:
    """The address among theirs that the administrator's own session comes in through."""
    mine = set(observed.session_addresses)
    for link in links:
        for address in (*link.addresses, *link.link_local):
            if address.partition("/")[0] in mine:
                return address
    return None


def from_console(links: tuple[LinkState, ...], observed: ObservedState) -> str:
    """What a hint begins with whose command would cut the session that reads it."""
    return "from the console: " if session_on(links, observed) else ""


def session_blocker(pf: NicState, observed: ObservedState, what: str) -> Blocker | None:
    """Refuses `what` if it would cut the session that asks for it."""
    address = session_on(carriers(pf, observed), observed)
    if address is None:
        return None
    return Blocker(
        Nic(pf.pci),
        f"your session comes in through {address} on {pf.netdev}; {what} would cut it",
        "run this from the console, or over another card",
        Obstacle.SESSION,
    )
