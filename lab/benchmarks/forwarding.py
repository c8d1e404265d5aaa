"""What a packet costs: the e-switch with few and with many rules, and software doing the same.

All lanes exist at once, on two NICs, so that they can be measured in turns:

    e-switch, 10 rules          NIC 0, VF 0 to VF 1
    e-switch, 100,000 rules     NIC 1, VF 0 to VF 1: the same packets, to ten of the addresses
    ..., all of them hit        the same, packets to all the addresses in random order
    Open vSwitch's datapath     NIC 0, VF 2 to VF 3: the ten rules as OpenFlow, hw-offload off
    TC in software              NIC 0, VF 4 to VF 5: the ten rules with skip_hw
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from host import run
from nic import Nic

from . import blast
from .blast import DESTINATION_MAC, FIRST, UDP_PORT, Lane
from .machine import progress
from .series import Ratio, table, timed

FEW, MANY = 10, 100_000
BRIDGE = "vmbr3"
RULES = Path("/run/bench.rules")
SECONDS = 0.6
"""How long one blast should take: short, so that neighbours see the same noise."""
ROUNDS = 25


@dataclass
class Costs:
    """Seconds per packet by lane, one value per round; `generator` is pktgen alone."""

    lanes: dict[str, list[float]] = field(default_factory=dict)
    generator: list[float] = field(default_factory=list)
    insert_seconds: float = 0.0

    def net(self, lane: str) -> list[float]:
        """Without what pktgen needs to make a packet: its best value, lest noise is taken off."""
        own = min(self.generator)
        return [cost - own for cost in self.lanes[lane]]

    def ratio(self, lane: str) -> Ratio:
        """A lane against the e-switch with few rules, net."""
        return Ratio.of(self.net(lane), self.net(FEW_LANE))


FEW_LANE, MANY_LANE = f"e-switch, {FEW} rules", f"e-switch, {MANY:,} rules"
ALL_LANE = f"{MANY_LANE}, all of them hit"
OVS_LANE, TC_LANE = "Open vSwitch kernel datapath, 10 rules", "TC in software, 10 rules"


def matches(count: int) -> Iterator[tuple[str, str]]:
    """Four masks in turns, as (flower, OpenFlow): what a packet to address i matches."""
    for i in range(count):
        address = FIRST + i
        yield (
            (f"dst_ip {address}", f"ip,nw_dst={address}"),
            (f"dst_ip {address} ip_proto udp", f"udp,nw_dst={address}"),
            (
                f"dst_ip {address} ip_proto udp dst_port {UDP_PORT}",
                f"udp,nw_dst={address},tp_dst={UDP_PORT}",
            ),
            (
                f"dst_ip {address} dst_mac {DESTINATION_MAC}",
                f"ip,nw_dst={address},dl_dst={DESTINATION_MAC}",
            ),
        )[i % 4]


def flower(source: str, target: str, count: int, where: str) -> float:
    """Insert TC rules that send packets from one representor to the other; seconds that it took."""
    run("tc", "qdisc", "add", "dev", source, "ingress")
    with RULES.open("w") as file:
        for match, _ in matches(count):
            file.write(
                f"filter add dev {source} ingress protocol ip pref 1 flower {where} {match}"
                f" action mirred egress redirect dev {target}\n"
            )
    return timed(lambda: run("tc", "-batch", str(RULES), timeout=None))


def openflow(source: str, target: str) -> None:
    """The same rules for Open vSwitch, and its flows kept in the kernel between two blasts."""
    run("ovs-vsctl", "add-br", BRIDGE, "--", "add-port", BRIDGE, source,
        "--", "add-port", BRIDGE, target,
        "--", "set", "Open_vSwitch", ".", "other_config:max-idle=600000")  # fmt: skip
    flows = (f"in_port={source},{match},actions=output:{target}\n" for _, match in matches(FEW))
    run("ovs-ofctl", "del-flows", BRIDGE)
    run("ovs-ofctl", "add-flows", BRIDGE, "-", input="".join(flows))


def prepare(nic: Nic, vfs: int) -> list[str]:
    """Make VFs that this machine keeps; returns their interfaces. All links are up."""
    run("devlink", "dev", "eswitch", "set", nic.handle, "mode", "switchdev")
    (nic.sysfs / "sriov_numvfs").write_text(str(vfs))
    run("udevadm", "settle")
    netdevs = [nic.wait_vf_netdev(vf) for vf in range(vfs)]
    for name in (*netdevs, *(nic.representor(vf) for vf in range(vfs))):
        # Router solicitations would be counted among the packets.
        Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
        run("ip", "link", "set", name, "up")
    return netdevs


def no_offload() -> None:
    """Open vSwitch gives up offload only when it starts anew."""
    run("ovs-vsctl", "remove", "Open_vSwitch", ".", "other_config", "hw-offload")
    run("systemctl", "restart", "openvswitch-switch")


def lanes(first: Nic, second: Nic, costs: Costs) -> list[Lane]:
    """Set all of them up."""
    no_offload()
    few = prepare(first, 6)
    many = prepare(second, 2)
    rep = [first.representor(vf) for vf in range(6)]
    other = [second.representor(vf) for vf in range(2)]
    flower(rep[0], rep[1], FEW, "skip_sw")
    openflow(rep[2], rep[3])
    flower(rep[4], rep[5], FEW, "skip_hw")
    progress(f"inserting {MANY:,} rules")
    costs.insert_seconds = flower(other[0], other[1], MANY, "skip_sw")
    progress(f"inserted in {costs.insert_seconds:.0f} s")
    return [
        Lane(FEW_LANE, few[0], few[1], rep[0], FEW, hardware=True),
        Lane(MANY_LANE, many[0], many[1], other[0], FEW, hardware=True),
        Lane(ALL_LANE, many[0], many[1], other[0], MANY, hardware=True),
        Lane(OVS_LANE, few[2], few[3], rep[2], FEW, hardware=False),
        Lane(TC_LANE, few[4], few[5], rep[4], FEW, hardware=False),
    ]


def measure(nics: list[Nic], repeat: int | None) -> Costs:
    """Blast through all lanes in turns."""
    costs = Costs()
    blast.load()
    try:
        ready = lanes(nics[0], nics[1], costs)
        for lane in ready:
            wait_for_carrier(lane)
            costs.lanes[lane.name] = []
        # The first blast makes Open vSwitch's flows and tells how many packets fill the time.
        packets = {lane.name: int(SECONDS / blast.send(lane, 10_000)) for lane in warmed(ready)}
        own = int(SECONDS / blast.generate("sink0", 10_000, FEW))
        for number in range(repeat or ROUNDS):
            costs.generator.append(blast.generate("sink0", own, FEW))
            for lane in ready if number % 2 else reversed(ready):
                costs.lanes[lane.name].append(blast.send(lane, packets[lane.name]))
            latest = (f"{values[-1] * 1e6:.1f}" for values in costs.lanes.values())
            progress(f"forwarding, round {number + 1}: {', '.join(latest)} us for a packet")
    finally:
        undo(nics)
    return costs


def warmed(ready: list[Lane]) -> list[Lane]:
    """After a blast that may lose packets: Open vSwitch learns its flows from it."""
    for lane in ready:
        blast.generate(lane.source, 2_000, lane.addresses)
    return ready


def wait_for_carrier(lane: Lane) -> None:
    deadline = time.monotonic() + 60
    for name in (lane.source, lane.target):
        while Path(f"/sys/class/net/{name}/carrier").read_text().strip() != "1":
            if time.monotonic() > deadline:
                raise blast.Lost(f"{name} has no carrier")
            time.sleep(0.05)


def undo(nics: list[Nic]) -> None:
    """Whatever was set up, also after a failure."""
    run("ovs-vsctl", "--if-exists", "del-br", BRIDGE)
    run("ovs-vsctl", "remove", "Open_vSwitch", ".", "other_config", "max-idle")
    for nic in nics[:2]:
        for port in nic.vf_ports().values():
            argv = ["tc", "qdisc", "del", "dev", port["netdev"], "ingress"]
            subprocess.run(argv, capture_output=True, check=False)
        (nic.sysfs / "sriov_numvfs").write_text("0")
        run("devlink", "dev", "eswitch", "set", nic.handle, "mode", "legacy")
    blast.unload()
    RULES.unlink(missing_ok=True)


def report(costs: Costs) -> str:
    """Packets per second as measured; the ratios are of what is left without pktgen's share."""
    rows = [
        [
            name,
            f"{1 / median(values):,.0f}",
            f"{median(costs.net(name)) * 1e6:.1f} us",
            str(costs.ratio(name)),
            f"{costs.ratio(name).best:.2f}",
        ]
        for name, values in costs.lanes.items()
    ]
    own = median(costs.generator)
    rows.append(["(pktgen alone)", f"{1 / own:,.0f}", f"{own * 1e6:.1f} us", "", ""])
    head = ["forwarding", "packets/s", "net, each", "net ratio", "best"]
    return table(head, rows) + (
        f"\n{MANY:,} rules were inserted in {costs.insert_seconds:.0f} s,"
        f" {MANY / costs.insert_seconds:,.0f} a second"
    )
