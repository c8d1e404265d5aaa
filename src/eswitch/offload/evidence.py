"""What was seen of the traffic, over several looks: flows vanish when they are idle.

A counter by itself proves nothing: it may be of last week. What counts is traffic of the *window*.
It begins `RECENT` seconds before its first look and is at most `WINDOW` long: who looks for longer
goes on with a window that began later, and what is older is forgotten, flows and counters alike. A
flow is evidence if a packet hit it in the window (by its `used` age), and it stays evidence when it
has expired. It is judged by where it was seen last: a flow that moved from the kernel into the NIC
under our eyes is in the NIC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .flow import Dump, Flow
from .sources.counters import CpuHits

RECENT = 10.0
"""Seconds; Open vSwitch's default max-idle, after which an unused flow is gone anyway."""
WINDOW = 120.0
"""Seconds; what was seen in the last half of it is never forgotten."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A flow as it was seen last. Times in seconds of the host's monotonic clock.

    `hit` is when its last packet came (None: never), `gained` the packets counted since it was
    first seen.
    """

    flow: Flow
    hit: float | None
    gained: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """All looks of one window. `began` and `ended` are the times of its first and its last look.

    `younger` is the window that began half a window later and takes over when this one is too long:
    the counts of each are of one span of time, so that they can be compared with each other.
    """

    began: float
    ended: float
    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    unparsed: tuple[str, ...] = ()
    first_hits: Mapping[str, CpuHits] = field(default_factory=dict)
    last_hits: Mapping[str, CpuHits] = field(default_factory=dict)
    younger: Evidence | None = None

    @property
    def used(self) -> tuple[Sighting, ...]:
        """The flows that carried a packet in the window."""
        return tuple(
            seen
            for seen in self.sightings.values()
            if seen.flow.packets and seen.hit is not None and seen.hit >= self.began - RECENT
        )

    def cpu_hits(self, name: str) -> CpuHits | None:
        """Packets that the CPU moved between the first and the last look; None if not counted."""
        first, last = self.first_hits.get(name), self.last_hits.get(name)
        if first is None or last is None or self.ended <= self.began:
            return None
        received, sent = last.received - first.received, last.sent - first.sent
        # A representor that was made anew begins at zero: no difference to speak of.
        return CpuHits(received, sent) if received >= 0 and sent >= 0 else None


def look(
    dump: Dump, now: float, hits: Mapping[str, CpuHits], before: Evidence | None = None
) -> Evidence:
    """Add one look at time `now` to what was seen before, and forget what is past the window."""
    if before and now - before.began > WINDOW:
        return look(dump, now, hits, before.younger)
    younger = None
    if before and now - before.began >= WINDOW / 2:
        younger = look(dump, now, hits, before.younger)
    sightings = dict(before.sightings) if before else {}
    for flow in dump.flows:
        previous = sightings.get(flow.identity)
        hit = None if flow.used is None else now - flow.used
        sightings[flow.identity] = Sighting(flow, hit, _gained(flow, previous))
    return Evidence(
        began=before.began if before else now,
        ended=now,
        sightings=sightings,
        unparsed=dump.unparsed,
        first_hits=before.first_hits if before else hits,
        last_hits=hits,
        younger=younger,
    )


def _gained(flow: Flow, previous: Sighting | None) -> int:
    if previous is None:
        return 0
    more = flow.packets - previous.flow.packets
    # Deleted and made again between two looks: it counts from zero.
    return previous.gained + (more if more >= 0 else flow.packets)
