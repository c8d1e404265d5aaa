"""The page of `flows`: who talks to whom, how much, and where it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from eswitch.cli.layout import Cell, count, octets, paragraph, table
from eswitch.cli.screen import Line, Span, Style, faint, line, warn
from eswitch.offload.flow import Placement
from eswitch.offload.place import Place
from eswitch.offload.syntax import fields

_WHERE = {
    Placement.HARDWARE: ("hardware", Style.GOOD),
    Placement.TC_SOFTWARE: ("tc", Style.WARN),
    Placement.KERNEL: ("kernel", Style.WARN),
    Placement.USERSPACE: ("userspace", Style.WARN),
    Placement.UNKNOWN: ("unknown", Style.BAD),
}
_HEAD = ("where", "from", "to", "packets", "bytes", "age")
_TYPES = {"0x0800": "IPv4", "0x86dd": "IPv6", "0x0806": "ARP", "0x88cc": "LLDP", "0x8100": "VLAN"}
_PORTS = 3


def flows_page(shown: Sequence[Place], total: int, unparsed: Sequence[str]) -> list[Line]:
    """A row for each flow, busiest first, its match and reason below it; counts last."""
    ordered = sorted(shown, key=lambda place: -place.flow.packets)
    lines: list[Line] = []
    if ordered:
        head, *rows = table(
            _HEAD, [_row(place) for place in ordered], indent=0, right="packets bytes age"
        )
        lines.append(head)
        for row, place in zip(rows, ordered, strict=True):
            lines += [row, line("    ", faint(summarise(place)))]
            if place.reason:
                lines += paragraph(place.reason.text, indent=4, style=Style.WARN)
        lines.append(line())
    lines += [line(warn(f"not understood: {text}")) for text in unparsed[:_PORTS]]
    if len(unparsed) > _PORTS:
        lines.append(line(warn(f"and {len(unparsed) - _PORTS:,} more lines not understood")))
    return [*lines, line(_counts(shown, total))]


def _counts(shown: Sequence[Place], total: int) -> str:
    if not total:
        return "no flows: Open vSwitch makes one when traffic comes"
    said = f"{count(len(shown), 'flow')}: {placements(shown)}" if shown else "none of these"
    return said if len(shown) == total else f"{said} (of {total:,} flows)"


def placements(found: Iterable[Place]) -> str:
    """`12 in hardware, 3 kernel datapath`; every placement that occurs."""
    tally = Counter(place.placement for place in found)
    parts = [
        f"{tally[each]:,} {'in hardware' if each is Placement.HARDWARE else each.value}"
        for each in Placement
        if tally[each]
    ]
    return ", ".join(parts)


def _row(place: Place) -> tuple[Cell, ...]:
    flow = place.flow
    word, style = _WHERE[place.placement]
    return (
        Span(word, style),
        place.source.name or "?",
        _targets(place),
        f"{flow.packets:,}",
        octets(flow.bytes),
        "never" if flow.used is None else f"{flow.used:.1f}s",
    )


def _targets(place: Place) -> str:
    names = [target.name for target in place.targets]
    if not names:
        return "drop" if place.flow.actions == "drop" else "(next stage)"
    if len(names) <= _PORTS:
        return ",".join(names)
    return f"{names[0]} and {len(names) - 1} more"


def summarise(place: Place) -> str:
    """What a flow matches, in short; fields that match everything are left out."""
    match = place.flow.match
    parts: list[str] = []
    for _ in range(4):
        parts += _layer(match)
        if "encap" not in match:
            break
        match = fields(match["encap"])
    if place.flow.recirc_id:
        parts.insert(0, f"stage {place.flow.recirc_id:#x}:")
    return " ".join(parts) or "anything"


def _layer(match: dict[str, str]) -> list[str]:
    parts = [_pair(match["eth"])] if "eth" in match else []
    if "vlan" in match:
        parts.append(f"VLAN {fields(match['vlan']).get('vid', '?')}")
    kind = match.get("eth_type", "")
    if kind != "0x8100":
        parts += [_TYPES.get(kind, f"type {kind}")] if kind else []
    for name in ("ipv4", "ipv6"):
        if name in match:
            parts += _network(match[name])
    parts += [
        f"{name} {pair}" for name in ("tcp", "udp", "sctp") if (pair := _pair(match.get(name, "")))
    ]
    parts += [
        name.upper()
        for name in ("icmp", "icmpv6", "arp")
        if name in match and name.upper() not in parts
    ]
    if "ct_state" in match and not match["ct_state"].endswith("/0"):
        parts.append(f"ct {match['ct_state']}")
    return [part for part in parts if part]


def _network(text: str) -> list[str]:
    parts = [_pair(text)]
    found = fields(text)
    if _given(found.get("proto")):
        parts.append(f"proto {found['proto']}")
    return parts


def _pair(text: str) -> str:
    """`src > dst`, of what is matched on."""
    found = fields(text)
    source, target = _given(found.get("src")), _given(found.get("dst"))
    if not source and not target:
        return ""
    return f"{source or 'any'} > {target or 'any'}"


def _given(value: str | None) -> str:
    """The value if anything of it is matched; a mask of zeros matches nothing."""
    if not value:
        return ""
    text, _, mask = value.partition("/")
    return "" if mask and not mask.strip("0:.x") else value if mask else text
