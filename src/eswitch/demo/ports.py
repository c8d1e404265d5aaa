"""Who plays on a twin: which guest is behind which port of a bridge."""

from __future__ import annotations

from eswitch.twin.state import Guest, Link, State


def guests_by_port(state: State) -> dict[str, str]:
    """The guests that run, by the name of their port: a VF's representor, or their interface."""
    found = {}
    for guest in state.guests.values():
        link = _port(state, guest)
        if guest.pid is not None and link is not None:
            found[link.name] = guest.name
    return found


def _port(state: State, guest: Guest) -> Link | None:
    if guest.pf is not None and guest.vf is not None:
        return state.representor(guest.pf, guest.vf)
    return next((link for link in state.links if link.of == guest.name), None)
