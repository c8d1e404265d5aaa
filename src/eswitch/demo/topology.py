"""The topology as a picture, drawn from what was observed and from nothing else. Pure.

    guests with virtual interfaces
    CPU: the bridge, with its ports           software
    NIC: the e-switch, with uplink and VFs    hardware
    guests with VFs, and the wire

Each port has its column. Flows are lines: in the NIC, or over the bridge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count

from eswitch.model.observed import EswitchState, NicState, ObservedState, OvsBridge, VfState
from eswitch.offload.flow import Placement
from eswitch.offload.place import Place

from .svg import Markup, box, path, picture, words

MANY = 6
"""So many columns are drawn; more would be too small to read."""
_COLUMN = 124.0
_MARGIN = 10.0
_LANE = 9.0
_CHIP, _BOX = 20.0, 34.0


@dataclass(frozen=True, slots=True)
class Column:
    """One port: its name in the bridge ("" if it is in none), its VF, and who is at its end."""

    port: str
    guest: str = ""
    vf: VfState | None = None
    uplink: bool = False

    @property
    def virtual(self) -> bool:
        """Whether the guest's interface is the host's own work."""
        return self.vf is None and not self.uplink


@dataclass(frozen=True, slots=True)
class Talk:
    """Two columns between which flows run, and whether the NIC carries them."""

    one: int
    other: int
    hardware: bool


def draw(
    observed: ObservedState,
    places: Iterable[Place],
    nic: NicState,
    guests: Mapping[str, str],
    title: str,
) -> Markup:
    """The picture of one NIC with its bridge. `guests` says who is behind a port, by its name."""
    bridge = _bridge_of(observed, nic)
    found = _columns(nic, bridge, guests)
    shown = found[:MANY]
    names = {column.port: place for place, column in enumerate(shown) if column.port}
    return _Drawing(nic, bridge, shown, _talks(places, names), len(found) - len(shown)).picture(
        title
    )


def _bridge_of(observed: ObservedState, nic: NicState) -> OvsBridge | None:
    ports = [nic.netdev, *(vf.representor for vf in nic.vfs)]
    found = (observed.ovs.bridge_of(name) for name in ports if name)
    return next((bridge for bridge in found if bridge), None)


def _columns(
    nic: NicState, bridge: OvsBridge | None, guests: Mapping[str, str]
) -> tuple[Column, ...]:
    """VFs by index, then other ports of the bridge, the uplink last: it always has its place."""
    inside = [port.name for port in bridge.ports if port.name != bridge.name] if bridge else []

    def there(name: str | None) -> str:
        return name if name and name in inside else ""

    columns = [
        Column(there(vf.representor), guests.get(vf.representor or "", ""), vf) for vf in nic.vfs
    ]
    own = {nic.netdev, *(vf.representor for vf in nic.vfs)}
    columns += [Column(name, guests.get(name, "")) for name in inside if name not in own]
    uplink = Column(there(nic.netdev), uplink=True)
    return (*columns[: MANY - 1], uplink, *columns[MANY - 1 :])


def _talks(places: Iterable[Place], names: Mapping[str, int]) -> tuple[Talk, ...]:
    """Who talks to whom, each pair once; a pair with any flow on the CPU is drawn there too."""
    found: dict[Talk, None] = {}
    for place in places:
        ends = {names.get(port.name) for port in (place.source, *place.targets)}
        if not place.unicast or None in ends or len(ends) != 2:
            continue
        one, other = sorted(end for end in ends if end is not None)
        found[Talk(one, other, place.placement is Placement.HARDWARE)] = None
    return tuple(sorted(found, key=lambda talk: (talk.other - talk.one, talk.one)))


def _side(talk: Talk, place: int, *, near: bool) -> tuple[bool, int]:
    """The order in which the lines of a port leave it, so that they do not cross: those to the left
    first. `near` is whether the lines to near ports run next to it."""
    other = talk.one + talk.other - place
    distance = abs(other - place)
    outward = other > place
    return outward, -distance if outward == near else distance


class _Drawing:
    """Where everything is; y grows downwards."""

    def __init__(
        self,
        nic: NicState,
        bridge: OvsBridge | None,
        columns: tuple[Column, ...],
        talks: tuple[Talk, ...],
        hidden: int,
    ) -> None:
        self.nic, self.bridge, self.columns, self.talks, self.hidden = (
            nic,
            bridge,
            columns,
            talks,
            hidden,
        )
        # Two columns at least: titles need their width.
        wide = max(len(columns), 3)
        self.width = 2 * _MARGIN + _COLUMN * wide
        self.indent = _MARGIN + _COLUMN * (wide - len(columns)) / 2
        soft = sum(not talk.hardware for talk in talks)
        hard = len(talks) - soft
        self.above = above = any(column.virtual for column in columns)
        self.guests_y = 8.0
        self.bridge_y = self.guests_y + (_BOX + 22 if above else 0)
        rows = (above + 1) if bridge else 0
        self.bridge_high = (34 + (_CHIP + 8) * rows + _LANE * soft) if bridge else 38.0
        self.nic_y = self.bridge_y + self.bridge_high + 30
        self.nic_high = 34 + _LANE * max(hard, 1) + _BOX + 10
        self.feet_y = self.nic_y + self.nic_high + 24
        self.height = self.feet_y + _BOX + 8 + (16 if hidden else 0)

    def x(self, column: int) -> float:
        return self.indent + _COLUMN * (column + 0.5)

    @property
    def port_y(self) -> float:
        """Upper edge of the NIC's ports."""
        return self.nic_y + self.nic_high - _BOX - 10

    def chip_y(self, column: Column) -> float:
        """Upper edge of a port of the bridge: guests come from above, the NIC from below."""
        if column.virtual:
            return self.bridge_y + 28
        return self.bridge_y + self.bridge_high - _CHIP - 10

    def picture(self, title: str) -> Markup:
        parts = [*self.zones(), *self.wires(), *self.lanes(), *self.titles()]
        for place, column in enumerate(self.columns):
            parts += self.bridge_port(place, column)
            parts += self.nic_port(place, column)
            parts += self.end(place, column)
        if self.hidden:
            more = f"and {self.hidden} more ports"
            parts.append(words(self.width / 2, self.height - 6, more, "small"))
        return picture(self.width, self.height, title, *parts)

    @property
    def mode(self) -> str:
        """Of the e-switch."""
        state = self.nic.eswitch
        return state.mode if isinstance(state, EswitchState) else "mode unknown"

    def zones(self) -> list[Markup]:
        """What the CPU does, and what the NIC does."""
        inner = self.width - 2 * _MARGIN
        kind = "nic on" if self.mode == "switchdev" else "nic"
        return [
            box(_MARGIN, self.bridge_y, inner, self.bridge_high, "cpu", radius=10),
            box(_MARGIN, self.nic_y, inner, self.nic_high, kind, radius=10),
        ]

    def titles(self) -> list[Markup]:
        """Over the lines, which must not strike them out."""
        cpu = f"bridge {self.bridge.name} in Open vSwitch" if self.bridge else "no bridge"
        kind = "head on" if self.mode == "switchdev" else "head"
        left, right = _MARGIN + 10, self.width - _MARGIN - 10
        return [
            words(left, self.bridge_y + 19, cpu, "head", "start"),
            words(right, self.bridge_y + 19, "CPU", "zone", "end"),
            words(left, self.nic_y + 19, f"{self.nic.pci}  {self.mode}", kind, "start"),
            words(right, self.nic_y + 19, "NIC", "zone", "end"),
        ]

    def used(self, place: int) -> str:
        """How the line of a column looks: it carries flows on the CPU, in the NIC, or none."""
        mine = [talk.hardware for talk in self.talks if place in (talk.one, talk.other)]
        if not all(mine):
            return "soft"
        return "hard" if mine else "idle"

    def wires(self) -> list[Markup]:
        drawn = []
        for place, column in enumerate(self.columns):
            x, use = self.x(place), self.used(place)
            if column.virtual:
                top = self.guests_y + _BOX
                drawn.append(path([(x, top), (x, self.chip_y(column))], f"line {use}"))
                continue
            if column.port:
                slow = "line soft" if use == "soft" else "line slow"
                below = self.chip_y(column) + _CHIP
                drawn.append(path([(x, below), (x, self.port_y)], slow))
            if column.guest or column.uplink:
                drawn.append(path([(x, self.port_y + _BOX), (x, self.feet_y)], f"line {use}"))
        return drawn

    def lanes(self) -> list[Markup]:
        """The flows: each pair on a height of its own, its ends beside one another."""
        drawn = []
        soft, hard = count(), count()
        for talk in self.talks:
            if talk.hardware:
                y = self.port_y - 8 - _LANE * next(hard)
            elif self.above:
                y = self.bridge_y + 28 + _CHIP + 13 + _LANE * next(soft)
            else:
                y = self.bridge_y + self.bridge_high - _CHIP - 18 - _LANE * next(soft)
            ends = [self.flow_end(place, talk) for place in (talk.one, talk.other)]
            (ax, ay), (bx, by) = ends
            kind = "flow hard" if talk.hardware else "flow soft"
            drawn.append(path([(ax, ay), (ax, y), (bx, y), (bx, by)], kind))
        return drawn

    def flow_end(self, place: int, talk: Talk) -> tuple[float, float]:
        mine = [each for each in self.talks if place in (each.one, each.other)]
        mine = [each for each in mine if each.hardware == talk.hardware]
        near = talk.hardware or not self.above or self.columns[place].virtual
        mine.sort(key=lambda each: _side(each, place, near=near))
        x = self.x(place) + 12 * (mine.index(talk) - (len(mine) - 1) / 2)
        if talk.hardware:
            return x, self.port_y
        column = self.columns[place]
        return x, self.chip_y(column) + (_CHIP if column.virtual else 0)

    def bridge_port(self, place: int, column: Column) -> list[Markup]:
        if not column.port:
            return []
        x, y = self.x(place), self.chip_y(column)
        return [
            box(x - 54, y, 108, _CHIP, "chip", radius=10),
            words(x, y + 14, column.port, "code"),
        ]

    def nic_port(self, place: int, column: Column) -> list[Markup]:
        if column.virtual:
            return []
        x, y = self.x(place), self.port_y
        if column.vf is None:
            total = self.nic.sriov.total if self.nic.sriov else None
            offers = "no SR-IOV" if total is None else f"{total} VFs possible"
            return self.labelled(x, y, "port", "uplink", "" if self.nic.vfs else offers)
        driver = column.vf.driver or "no driver"
        return self.labelled(x, y, "port", f"VF {column.vf.index}", driver)

    def end(self, place: int, column: Column) -> list[Markup]:
        x = self.x(place)
        if column.virtual:
            return self.labelled(x, self.guests_y, "guest", column.guest or "?", "virtual NIC")
        if column.uplink:
            return self.labelled(x, self.feet_y, "wire", "outside", "the wire")
        if not column.guest:
            return []
        return self.labelled(x, self.feet_y, "guest", column.guest, "")

    @staticmethod
    def labelled(x: float, y: float, kind: str, name: str, below: str) -> list[Markup]:
        """A box with a name, and a smaller line."""
        drawn = [box(x - 54, y, 108, _BOX, kind)]
        if not below:
            return [*drawn, words(x, y + 21, name, "name")]
        return [*drawn, words(x, y + 15, name, "name"), words(x, y + 28, below, "small")]
