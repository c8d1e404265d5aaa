"""The second witness: the packets that the kernel itself counts for a port."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from eswitch.errors import HostError
from eswitch.host import Host


@dataclass(frozen=True, slots=True)
class CpuHits:
    """Packets that the CPU itself moved through a representor since it exists.

    `received` came out of the VF and missed the hardware rules, `sent` went into the VF.
    """

    received: int
    sent: int


def read_cpu_hits(host: Host) -> dict[str, CpuHits]:
    """The kernel's own count of packets that left the hardware path, by interface name.

    IFLA_OFFLOAD_XSTATS_CPU_HIT (iproute2 5.19 and later; mlx5 en_rep.c): on an mlx5 representor
    `ip -s link` counts hardware and software together, this one the CPU's share. Interfaces
    without it are absent, and the whole answer is empty where the tool or the kernel has none.
    """
    argv = ("ip", "-j", "stats", "show", "group", "offload", "subgroup", "cpu_hit")
    try:
        result = host.run(argv, ok=None)
        rows = json.loads(result.stdout) if result.status == 0 and result.stdout.strip() else []
    except (HostError, json.JSONDecodeError):
        return {}
    hits: dict[str, CpuHits] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and isinstance(counters := row.get("stats64"), Mapping):
            received, sent = _packets(counters, "rx"), _packets(counters, "tx")
            if received is not None and sent is not None:
                hits[str(row.get("ifname"))] = CpuHits(received, sent)
    return hits


def _packets(counters: Mapping[str, object], direction: str) -> int | None:
    side = counters.get(direction)
    packets = side.get("packets") if isinstance(side, Mapping) else None
    return packets if isinstance(packets, int) else None
