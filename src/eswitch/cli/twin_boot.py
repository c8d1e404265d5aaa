"""After a boot of a simulated machine: its systemd starts what eswitch has left there to go on."""

from __future__ import annotations

from collections.abc import Iterator

from .screen import faint
from .session import Session

_VERBS = ("apply",)


def started_by_systemd(session: Session) -> Iterator[tuple[list[str], Session]]:
    """The words of each verb that systemd starts, and the session to carry it out in; those of the
    boots too that come of that."""
    twin = session.simulated.twin
    while found := twin.to_start():
        boots = twin.state.boots
        for start in found:
            verb = next((place for place, w in enumerate(start.argv) if w in _VERBS), None)
            if verb is None:
                continue
            session.err.say(faint(f"twin: it has booted (boot {boots}), and starts {start.unit}"))
            yield list(start.argv[verb:]), session.within()
        if twin.state.boots == boots:
            twin.end_boot()
