"""`ovs-appctl dpctl/dump-flows -m --names`: one line is one datapath flow.

Grammar (dpctl.c `format_dpif_flow`, the same text in Open vSwitch 3.1, 3.5 and 3.7; facts 4.3):

    [ufid:U, ]KEY, packets:N, bytes:N, used:(never|S.SSSs)[, flags:F][, offloaded:(yes|partial)]
        [, dp:(ovs|tc|dpdk)], actions:LIST[, dp-extra-info:TEXT]

Parsed in two stages. The first one cuts a line into its parts and reads the counters: that is all
that counting needs, and a host can have 20,000 flows and more. Key and actions stay text, and are
taken apart when somebody asks (`match`, `outputs`). Vendors add statistics of their own
(`offload_packets:`); what is not known is kept, never an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from . import syntax


class Placement(StrEnum):
    """Where the packets of a flow are handled."""

    HARDWARE = "hardware"  # in the NIC's e-switch
    TC_SOFTWARE = "tc software"  # a TC rule that the NIC refused: the CPU, below Open vSwitch
    KERNEL = "kernel datapath"  # Open vSwitch's kernel module: the CPU
    USERSPACE = "userspace datapath"  # netdev datapath, or only partly in hardware: the CPU
    UNKNOWN = "unknown"  # the dump does not say

    @property
    def in_software(self) -> bool:
        """True if the CPU touches each packet."""
        return self not in (Placement.HARDWARE, Placement.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Flow:
    """One datapath flow.

    `key` and `actions` are the text as printed. `used` is the age of the last packet in seconds
    when the dump was made, None for never. `ufid` is absent without `-m`. `in_port` is a name, or a
    number where Open vSwitch printed one. `layer` is the text after `dp:`, `offloaded` the one
    after `offloaded:`; `other` are statistics that this module does not know.
    """

    key: str
    actions: str
    packets: int
    bytes: int
    used: float | None
    in_port: str
    recirc_id: int = 0
    ufid: str | None = None
    offloaded: str | None = None
    layer: str | None = None
    flags: str | None = None
    extra_info: str | None = None
    other: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> str:
        """What stays the same between two dumps."""
        return self.ufid or self.key

    @property
    def placement(self) -> Placement:
        """The rule of facts 4.3; text that is in no rule is UNKNOWN."""
        if self.offloaded == "partial":
            return Placement.USERSPACE
        if self.layer == "tc":
            return Placement.HARDWARE if self.offloaded == "yes" else Placement.TC_SOFTWARE
        if self.layer == "dpdk":
            return Placement.HARDWARE if self.offloaded == "yes" else Placement.USERSPACE
        if self.layer == "ovs" and self.offloaded is None:
            return Placement.KERNEL
        return Placement.UNKNOWN

    @property
    def match(self) -> dict[str, str]:
        """The key's items by name, values as text: `{"eth": "src=..,dst=..", ...}`."""
        return syntax.fields(self.key)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The ports this flow sends to; empty for a drop and for a flow that only recirculates."""
        return syntax.output_ports(self.actions)


@dataclass(frozen=True, slots=True)
class Dump:
    """All flows of one dump; `unparsed` are the non-blank lines that are no flows."""

    flows: tuple[Flow, ...] = ()
    unparsed: tuple[str, ...] = ()


_COUNT = re.compile(r"[0-9]{1,20}$", re.ASCII)
_SECONDS = re.compile(r"(-?[0-9]{1,18}(?:\.[0-9]{1,9})?)s$", re.ASCII)
_RECIRC = re.compile(r"\brecirc_id\((0x[0-9a-f]{1,8}|[0-9]{1,10})[/)]", re.ASCII)
_RECIRC_TO = re.compile(r"\brecirc\((0x[0-9a-f]{1,8}|[0-9]{1,10})\)", re.ASCII)
_KNOWN = frozenset(("packets", "bytes", "used", "flags", "offloaded", "dp"))


def parse_dump(text: str) -> Dump:
    """Read a whole dump; never raises, whatever the text."""
    flows: list[Flow] = []
    unparsed: list[str] = []
    for line in text.split("\n"):
        flow = parse_line(line)
        if flow:
            flows.append(flow)
        elif line.strip():
            unparsed.append(line)
    return Dump(tuple(flows), tuple(unparsed))


def parse_line(line: str) -> Flow | None:
    """One flow, or None for a line that is none."""
    line = line.strip()
    # A key has no ", " of its own (interface names cannot hold blanks), so these marks are unique.
    end = line.find(", packets:")
    stop = line.find(", actions:", end)
    if end < 0 or stop < 0:
        return None
    ufid, key = None, line[:end]
    if key.startswith("ufid:"):
        ufid, _, key = key[5:].partition(", ")
    actions, _, extra = line[stop + 10 :].partition(", dp-extra-info:")
    stats: dict[str, str] = {}
    for item in line[end + 2 : stop].split(","):  # Mellanox's fork omits some blanks
        name, _, value = item.strip().partition(":")
        stats[name] = value
    packets, octets = stats["packets"], stats.get("bytes", "")
    if not (_COUNT.match(packets) and _COUNT.match(octets)):
        return None
    return Flow(
        key=key,
        actions=actions,
        packets=int(packets),
        bytes=int(octets),
        used=_age(stats.get("used", "")),
        in_port=_in_port(key),
        recirc_id=_recirc_id(key),
        ufid=ufid,
        offloaded=stats.get("offloaded"),
        layer=stats.get("dp"),
        flags=stats.get("flags"),
        extra_info=extra or None,
        other=tuple((name, value) for name, value in stats.items() if name not in _KNOWN),
    )


def recirculates_to(flow: Flow) -> tuple[int, ...]:
    """The recirculation ids that this flow hands its packets to."""
    if "recirc(" not in flow.actions:
        return ()
    return tuple(int(found, 0) for found in _RECIRC_TO.findall(flow.actions) if _is_number(found))


def _is_number(text: str) -> bool:
    return text.startswith("0x") or text == "0" or not text.startswith("0")


def _age(text: str) -> float | None:
    found = _SECONDS.match(text)
    # The clock of the counters and that of the dump may differ by a tick: never in the future.
    return max(0.0, float(found[1])) if found else None


def _in_port(key: str) -> str:
    start = key.find("in_port(")
    return key[start + 8 :].partition(")")[0] if start >= 0 else ""


def _recirc_id(key: str) -> int:
    if "recirc_id(0)" in key:  # nearly always
        return 0
    found = _RECIRC.search(key)
    return int(found[1], 0) if found and _is_number(found[1]) else 0
