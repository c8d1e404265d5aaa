"""A blast of small UDP packets from one VF to another, made by the kernel's own pktgen.

Its thread sends, and each packet is forwarded and received on the same processor before the next
one is made: what limits is forwarding, not a process, a socket or an acknowledgement.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from host import run, wait_until
from nic import cpu_hits

PKTGEN = Path("/proc/net/pktgen")
# RFC 2544's own addresses: 131,072 of them. Each packet goes to a random one of the first N.
FIRST = IPv4Address("198.18.0.0")
UDP_PORT = 9
# Of no VF here, so that the receiver's IP layer drops the packets at once.
DESTINATION_MAC = "02:00:00:00:02:02"


class Lost(AssertionError):
    """Packets went missing, or ran where they should not."""


@dataclass(frozen=True)
class Lane:
    """Two VFs of one NIC: packets leave `source` and should arrive at `target`.

    `representor` is the source's, `addresses` how many the packets go to; `hardware` says whether
    the e-switch or the CPU should forward.
    """

    name: str
    source: str
    target: str
    representor: str
    addresses: int
    hardware: bool


def load() -> None:
    """Packets for a device without an other end show what pktgen itself costs."""
    run("modprobe", "pktgen")
    run("ip", "link", "add", "sink0", "type", "dummy")
    run("ip", "link", "set", "sink0", "up")


def unload() -> None:
    run("ip", "link", "del", "sink0")
    run("rmmod", "pktgen")


def send(lane: Lane, packets: int) -> float:
    """Seconds per packet. Raises Lost if one in a hundred did not arrive, or went another way."""
    in_software, before = cpu_hits(lane.representor), received(lane.target)
    seconds = generate(lane.source, packets, lane.addresses)
    arrived = received(lane.target) - before
    in_software = cpu_hits(lane.representor) - in_software
    if arrived < packets * 0.99:
        raise Lost(f"{lane.name}: {arrived} of {packets} packets arrived")
    if lane.hardware and in_software > packets * 0.01:
        raise Lost(f"{lane.name}: {in_software} of {packets} packets left the e-switch")
    if not lane.hardware and in_software < packets * 0.99:
        raise Lost(f"{lane.name}: only {in_software} of {packets} packets ran in software")
    return seconds


def generate(netdev: str, packets: int, addresses: int) -> float:
    """Send on a device; seconds per packet, by pktgen's own clock."""
    thread = PKTGEN / "kpktgend_0"
    device = PKTGEN / netdev
    thread.write_text(f"add_device {netdev}\n")
    for line in (
        f"count {packets}",
        # A packet that is forwarded cannot be sent twice.
        "clone_skb 0",
        "pkt_size 60",
        "delay 0",
        f"dst_mac {DESTINATION_MAC}",
        f"udp_dst_min {UDP_PORT}",
        f"udp_dst_max {UDP_PORT}",
        "src_min 198.51.100.1",
        "src_max 198.51.100.1",
        f"dst_min {FIRST}",
        # The end of the range is not part of it.
        f"dst_max {FIRST + addresses}",
        "flag IPDST_RND",
    ):
        device.write_text(line + "\n")
    (PKTGEN / "pgctrl").write_text("start\n")
    # On a busy machine the command may return before the thread has begun.
    wait_until(lambda: _microseconds(device.read_text()), f"pktgen is done with {netdev}")
    seconds = _microseconds(device.read_text()) / 1e6
    thread.write_text("rem_device_all\n")
    # The thread does it later, and would take away what is added meanwhile.
    wait_until(lambda: not device.exists(), f"pktgen lets go of {netdev}")
    return seconds / packets


def _microseconds(status: str) -> int:
    """From `Result: OK: 1234567(c1234000+d567) usec, 100000 (60byte,0frags)`; 0 before the end."""
    for line in status.splitlines():
        if line.startswith("Result: OK: ") and "usec" in line:
            return int(line.split()[2].partition("(")[0])
    return 0


def received(netdev: str) -> int:
    return int(Path(f"/sys/class/net/{netdev}/statistics/rx_packets").read_text())
