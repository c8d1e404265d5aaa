"""A day of a file server, played on a twin: the traffic that the two switches are compared with.

The traffic is made up (an assumption, and said to be one); the counters are the twin's.
"""

from __future__ import annotations

from dataclasses import dataclass

from eswitch.observe import observe
from eswitch.offload.datapath import datapath
from eswitch.offload.flow import Placement
from eswitch.offload.place import Place, places
from eswitch.offload.sources.openvswitch import read_flows
from eswitch.twin import Twin

from .load import Load, load, rates
from .ports import guests_by_port
from .story import BRIDGE, GUESTS, SOFTWARE_BRIDGE

HOUR = 3600.0
"""Simulated seconds."""
FRAME = 1500
"""Bytes of a packet: full frames, as a file transfer has them."""
ACTIVITY = (5, 5, 60, 70, 30, 5, 10, 25, 55, 80, 90, 85, 60, 75, 95, 100, 90, 70, 45, 35, 30, 25)
ACTIVITY_BY_HOUR = (*ACTIVITY, 15, 10)
"""Percent of the busiest hour, from midnight on: a backup at night, and office hours."""


@dataclass(frozen=True, slots=True)
class Talk:
    """Who talks to whom, in packets a second each way in the busiest hour."""

    one: str
    other: str
    rate: int


TALKS = (
    Talk("vm/101", "outside", 300_000),
    Talk("vm/101", "ct/200", 200_000),
    Talk("ct/200", "outside", 50_000),
)


@dataclass(frozen=True, slots=True)
class Day:
    """The load of each hour, and how the last hour's unicast flows ran."""

    hours: tuple[Load, ...]
    hardware: int
    software: int


def play(twin: Twin) -> Day:
    """Play the day hour by hour, and look at the flows after each. What was going on before ends.
    Raises HostError if two of the guests cannot talk."""
    twin.state.conversations.clear()
    observed = observe(twin)
    known = datapath(observed)
    guests = guests_by_port(twin.state)
    hours = []
    before = places(read_flows(twin).flows, known, observed)
    for percent in ACTIVITY_BY_HOUR:
        start = twin.monotonic()
        for talk in TALKS:
            rate = talk.rate * percent // 100
            twin.traffic(talk.one, talk.other, seconds=HOUR, watch=0.0, rate=rate, size=FRAME)
        twin.sleep(HOUR)
        after = places(read_flows(twin).flows, known, observed)
        hours.append(load(rates(before, after, twin.monotonic() - start, guests)))
        before = after
    return Day(tuple(hours), *_where(before))


def _where(found: tuple[Place, ...]) -> tuple[int, int]:
    unicast = [place for place in found if place.unicast]
    hardware = sum(place.placement is Placement.HARDWARE for place in unicast)
    return hardware, len(unicast) - hardware


def build_software_bridge(twin: Twin) -> None:
    """On a box as it arrives: the bridge that people have without an e-switch, and the guests on it
    with virtual interfaces. Raises EswitchError if a command fails."""
    for command in SOFTWARE_BRIDGE:
        twin.run(command.split())
    for name in GUESTS:
        guest = twin.guest(name)
        guest.pf = guest.vf = None
        guest.bridge = BRIDGE
        twin.start_guest(name)
