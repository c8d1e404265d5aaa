"""What was seen of the traffic, over several looks: flows vanish when they are idle.

A counter by itself proves nothing: it may be of last week. What counts is traffic of the *window*,
which begins `RECENT` seconds before the first look. A flow is evidence if a packet hit it in that
window (by its `used` age), and it stays evidence when it has expired. It is judged by where it was
seen last: a flow that moved from the kernel into the NIC under our eyes is in the NIC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .flow import Dump, Flow
from .sources.counters import CpuHits

RECENT = 10.0
"""Seconds; Open vSwitch's default max-idle, after which an unused flow is gone anyway."""


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
    """All looks together. `began` and `ended` are the times of the first and the last look."""

    began: float
    ended: float
    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    unparsed: tuple[str, ...] = ()
    first_hits: Mapping[str, CpuHits] = field(default_factory=dict)
    last_hits: Mapping[str, CpuHits] = field(default_factory=dict)

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
    """Add one look at time `now` to what was seen before."""
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
    )


def _gained(flow: Flow, previous: Sighting | None) -> int:
    if previous is None:
        return 0
    more = flow.packets - previous.flow.packets
    # Deleted and made again between two looks: it counts from zero.
    return previous.gained + (more if more >= 0 else flow.packets)
