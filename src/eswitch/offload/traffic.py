"""What was seen of each port's traffic, by direction: the flows that count, and the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from eswitch.model.observed import ObservedState

from .datapath import Port, datapath
from .evidence import Evidence
from .flow import Placement
from .place import Place, places
from .wired import fault


class Direction(StrEnum):
    """As the port sees it: from it into the e-switch, or out of the e-switch to it."""

    FROM = "from"
    TO = "to"


@dataclass(frozen=True, slots=True)
class Traffic:
    """One direction of one port: the flows that count, and those that are software by nature.

    `gained` are the packets that the counting flows saw between the first and the last look,
    `fault` says why the port does not work now (None: it does).
    """

    port: Port
    direction: Direction
    counted: tuple[Place, ...]
    aside: tuple[Place, ...]
    gained: Mapping[str, int]
    fault: str | None = None

    def packets(self, *placements: Placement) -> int:
        """Packets of the counting flows with one of these placements."""
        return sum(each.flow.packets for each in self.counted if each.placement in placements)

    def gain(self, flows: Iterable[Place]) -> int:
        """Packets that these flows gained during the looks."""
        return sum(self.gained.get(each.flow.identity, 0) for each in flows)


def traffic(
    ports: Sequence[Port], observed: ObservedState, evidence: Evidence
) -> tuple[Traffic, ...]:
    """Sort the flows that were used in the window by port and direction."""
    used = evidence.used
    gained = {seen.flow.identity: seen.gained for seen in used}
    sources: dict[str, list[Place]] = {}
    targets: dict[str, list[Place]] = {}
    known = datapath(observed)
    faults = {port.name: text for port in known.ports.values() if (text := fault(port, observed))}
    for place in places((seen.flow for seen in used), known, observed):
        # Only the last stage counts: it knows where the packet goes and what its path was.
        if not place.final:
            continue
        broken = faults.keys() & {place.source.name, *(port.name for port in place.targets)}
        for by_name, ends in ((sources, (place.source,)), (targets, place.targets)):
            for end in ends:
                if broken <= {end.name}:
                    by_name.setdefault(end.name, []).append(place)
    return tuple(
        Traffic(
            port,
            direction,
            tuple(each for each in found if each.counts),
            tuple(each for each in found if not each.counts),
            gained,
            faults.get(port.name),
        )
        for port in ports
        for direction, by_name in ((Direction.FROM, sources), (Direction.TO, targets))
        for found in (by_name.get(port.name, []),)
    )
