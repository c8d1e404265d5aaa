"""What Open vSwitch and the kernel say of the running datapath; the only effects in `offload/`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from eswitch.errors import CommandFailed, HostError, NotFound
from eswitch.host import Host
from eswitch.model.unknown import Unknown

from .flow import Dump, parse_dump

_TIMEOUT = 30.0  # seconds: a dump of 200,000 flows (vswitchd's own limit) takes a few
_INSTALL = "apt install openvswitch-switch"
_START = "systemctl start openvswitch-switch"


@dataclass(frozen=True, slots=True)
class Running:
    """Whether the running ovs-vswitchd offloads; `evidence` is what it said."""

    on: bool | Unknown
    evidence: str


@dataclass(frozen=True, slots=True)
class CpuHits:
    """Packets that the CPU itself moved through a representor since it exists.

    `received` came out of the VF and missed the hardware rules, `sent` went into the VF.
    """

    received: int
    sent: int


def read_flows(host: Host) -> Dump:
    """All datapath flows, in hardware or not.

    Raises HostError when Open vSwitch is not installed, not running, or does not answer in time.
    A datapath without bridges has no flows: that is an empty Dump.
    """
    argv = ("ovs-appctl", "dpctl/dump-flows", "-m", "--names")
    try:
        text = _appctl(host, argv)
    except CommandFailed as failed:
        if "no datapaths exist" in failed.stderr:
            return Dump()
        if "multiple datapaths" not in failed.stderr:
            raise
        # A netdev (DPDK) datapath is here as well; e-switch ports are in the kernel's.
        text = _appctl(host, (*argv, "system@ovs-system"))
    return parse_dump(text)


def _appctl(host: Host, argv: tuple[str, ...]) -> str:
    try:
        return host.run(argv, timeout=_TIMEOUT).stdout
    except NotFound as absent:
        raise NotFound("Open vSwitch is not installed", hint=_INSTALL) from absent
    except CommandFailed as failed:
        # No pid file or no socket: nobody is there to answer (unixctl.c, daemon-unix.c).
        if "pidfile" in failed.stderr or "cannot connect" in failed.stderr:
            raise HostError("Open vSwitch is not running", hint=_START) from failed
        raise


def read_running(host: Host) -> Running:
    """Ask the daemon: the database key may have changed after it started (domain.md 4.1).

    Up to 3.6 `upcall/show` has an `offloaded flows` line as soon as one port has a flow API; 3.7
    prints it only for more than zero flows, but has `dpif/offload/show`. Raises HostError like
    `read_flows`.
    """
    shown = _appctl(host, ("ovs-appctl", "upcall/show"))
    for line in shown.splitlines():
        if line.strip().startswith("offloaded flows"):
            return Running(on=True, evidence=f"upcall/show: {' '.join(line.split())}")
    result = host.run(("ovs-appctl", "dpif/offload/show"), timeout=_TIMEOUT, ok=None)
    if result.status == 0:
        for line in result.stdout.splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "Globally enabled" and value.strip() in ("true", "false"):
                on = value.strip() == "true"
                return Running(on, f"dpif/offload/show: {' '.join(line.split())}")
    elif not shown.strip():
        return Running(Unknown("no bridge yet"), "upcall/show: no datapath")
    elif "is not a valid command" in result.stderr:
        return Running(on=False, evidence="upcall/show has no line `offloaded flows`")
    said = (result.stderr.strip() or result.stdout.strip() or "no output").splitlines()[-1]
    return Running(Unknown(said), f"dpif/offload/show: {said}")


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
