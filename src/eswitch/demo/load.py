"""What switching costs the host: a model, not a measurement. Pure.

    cores = switching + own work
    switching = packets/s in software x (SWITCH + CROSSING for each guest at its ends)
              + new flows/s x MISS + flows in hardware x READS x READ
    own work  = packets/s x WORK for each guest at its ends

The packets, flows and guests are counted by the simulated machine's datapath, as `eswitch flows`
reads it; the prices are the constants below. One core busy all the time is 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from eswitch.offload.datapath import Kind
from eswitch.offload.flow import Placement
from eswitch.offload.place import Place


@dataclass(frozen=True, slots=True)
class Price:
    """A constant of the model in seconds of one core (READS: times a second), and its origin."""

    name: str
    value: float
    unit: str
    about: str
    origin: str
    assumed: bool = True


SWITCH = Price(
    "SWITCH",
    1 / 1.88e6,
    "s",
    "a packet through Open vSwitch in the kernel",
    "1.88 million packets a second are a figure of Emmerich et al., Throughput and Latency of "
    "Virtual Switching with Open vSwitch, J. Netw. Syst. Manage. 26 (2018), "
    "doi:10.1007/s10922-017-9417-0; that one core does them is assumed",
)
CROSSING = Price(
    "CROSSING",
    SWITCH.value,
    "s",
    "a packet copied into or out of a guest (virtio, veth)",
    "assumed to cost as much as switching it",
)
MISS = Price(
    "MISS", 100e-6, "s", "the first packet of a flow, which ovs-vswitchd handles", "assumed"
)
READS = Price(
    "READS",
    2.0,
    "/s",
    "how often ovs-vswitchd reads the counters of a flow in hardware",
    "Open vSwitch's default: every 500 ms (max-revalidator in ovs-vswitchd.conf.db)",
    assumed=False,
)
READ = Price("READ", 20e-6, "s", "one such reading of one flow", "assumed")
WORK = Price(
    "WORK",
    0.9e-6,
    "s",
    "what a guest itself does with a packet (serving files), whatever the switch",
    "not predicted but fitted: so that the whole falls to about half, as the recipe's author saw",
)
PRICES = (SWITCH, CROSSING, MISS, READS, READ, WORK)
ASSUMPTIONS = (
    "Packets, flows and where they run are counted by the simulated machine, not by a real one.",
    "The day is made up: a file server with office hours and a backup at night.",
    "Its packets have 1,500 bytes, and no segmentation offload makes them fewer.",
    "The work of the guests is the same on both machines; only what is on top of it is the switch.",
)


@dataclass(frozen=True, slots=True)
class Rates:
    """Traffic of one machine over some time, per second; `flows` is how many are in hardware.

    `crossings` are packets times guests at their ends that take a copy by the CPU, `ends` the same
    for all packets, in hardware too.
    """

    software: float = 0.0
    hardware: float = 0.0
    crossings: float = 0.0
    ends: float = 0.0
    new: float = 0.0
    flows: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """Busy cores: 1.0 is one core all the time."""

    switching: float
    work: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.switching + self.work


def rates(
    before: Iterable[Place], after: Iterable[Place], seconds: float, guests: Collection[str]
) -> Rates:
    """The traffic between two looks at the flows, `seconds` apart (more than 0). `guests` names the
    ports with a guest behind them; a VF's needs no copy by the CPU."""
    known = {place.flow.identity: place.flow.packets for place in before}
    software = hardware = crossings = ends = 0.0
    new = flows = 0
    for place in after:
        packets = place.flow.packets - known.get(place.flow.identity, 0)
        mine = [port for port in (place.source, *place.targets) if port.name in guests]
        new += place.flow.identity not in known
        ends += packets * len(mine)
        if place.placement is Placement.HARDWARE:
            hardware += packets
            flows += 1
        else:
            software += packets
            crossings += packets * sum(port.kind is Kind.OUTSIDE for port in mine)
    per = 1 / seconds
    return Rates(software * per, hardware * per, crossings * per, ends * per, new * per, flows)


def load(traffic: Rates) -> Load:
    """What this traffic costs the host."""
    switching = traffic.software * SWITCH.value + traffic.crossings * CROSSING.value
    switching += traffic.new * MISS.value + traffic.flows * READS.value * READ.value
    return Load(switching, traffic.ends * WORK.value)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same hours on both machines; both have equally many."""

    software: tuple[Load, ...]
    eswitch: tuple[Load, ...]

    @property
    def saved(self) -> float:
        """The share of the load that is gone, from 0 to 1; below 0 if it grew."""
        whole = mean(self.software)
        return 1 - mean(self.eswitch) / whole if whole else 0.0

    @property
    def peak(self) -> float:
        """The highest load of all."""
        return max((each.total for each in (*self.software, *self.eswitch)), default=0.0)


def mean(hours: Sequence[Load]) -> float:
    """Cores, on average."""
    return sum(each.total for each in hours) / len(hours) if hours else 0.0


def switched(hours: Sequence[Load]) -> float:
    """Cores for switching alone, on average."""
    return sum(each.switching for each in hours) / len(hours) if hours else 0.0


def highest(hours: Sequence[Load]) -> float:
    """Cores, in the busiest hour."""
    return max((each.total for each in hours), default=0.0)
