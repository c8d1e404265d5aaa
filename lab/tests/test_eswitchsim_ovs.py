"""eswitchsim under an unmodified Open vSwitch: what is offloaded really goes past the CPU."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from frame import ETH_P_IPV6, TCP, UDP, Frame, tap
from host import run, run_json, wait_until
from kernel_log import KernelLog
from nic import cpu_hits, nics
from reset import reset
from workbench import Bench, make_bench

BRIDGE = "simbr0"


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    reset()
    run(
        "ovs-vsctl",
        "set",
        "Open_vSwitch",
        ".",
        "other_config:hw-offload=true",
        "other_config:max-idle=30000",
    )
    run("systemctl", "restart", "openvswitch-switch", timeout=120)
    made = make_bench(nics()[0], 3)
    add = ["--", "add-br", BRIDGE]
    for port in (made.nic.uplink, *made.reps):
        add += ["--", "add-port", BRIDGE, port]
    run("ovs-vsctl", *add[1:])
    yield made
    run("ovs-vsctl", "del-br", BRIDGE)
    run(
        "ovs-vsctl",
        "remove",
        "Open_vSwitch",
        ".",
        "other_config",
        "hw-offload",
        "--",
        "remove",
        "Open_vSwitch",
        ".",
        "other_config",
        "max-idle",
    )
    reset()


def flows() -> list[str]:
    return run("ovs-appctl", "dpctl/dump-flows", "-m", "type=offloaded").splitlines()


def offloaded(in_port: str, *parts: str) -> bool:
    return any(
        f"in_port({in_port})" in line
        and "offloaded:yes, dp:tc" in line
        and all(part in line for part in parts)
        for line in flows()
    )


def ping(bench: Bench, address: str) -> None:
    bench.vfs[0].run("ping", "-c", "3", "-i", "0.2", "-W", "20", address)


@pytest.mark.parametrize(
    ("address", "eth_type", "port"),
    [
        ("10.0.0.2", "0x0800", 1),
        ("fd00::2", "0x86dd", 1),
        ("10.0.0.100", "0x0800", None),
        ("fd00::100", "0x86dd", None),
    ],
)
def test_ping_is_offloaded_both_ways(
    bench: Bench, address: str, eth_type: str, port: int | None
) -> None:
    ping(bench, address)
    ping(bench, address)
    there = bench.nic.uplink if port is None else bench.reps[port]
    kind = f"eth_type({eth_type})"
    assert offloaded(bench.reps[0], kind, f"actions:{there}")
    assert offloaded(there, kind, f"actions:{bench.reps[0]}")


def test_unicast_arp_is_offloaded(bench: Bench) -> None:
    ping(bench, "10.0.0.2")
    ask = Frame(bench.vfs[0].mac, bench.vfs[1].mac, eth_type=0x0806, payload=b"<arp>" + bytes(40))
    with tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender:

        def seen() -> bool:
            sender.send(ask)
            return offloaded(bench.reps[0], "eth_type(0x0806)", f"actions:{bench.reps[1]}")

        wait_until(seen, "unicast ARP in hardware")


def test_representors_see_nothing_of_an_offloaded_run(bench: Bench) -> None:
    nic, log = bench.nic, KernelLog()
    ping(bench, "10.0.0.2")
    bench.vfs[1].run("iperf3", "-s", "-1", "-D")
    wait_until(lambda: ":5201" in bench.vfs[1].run("ss", "-ltn"), "iperf3 listens")
    before, cpu_before = nic.counters(), cpu_hits(bench.reps[0], ("rx",))
    rep_before = run_json("ip", "-j", "-s", "link", "show", bench.reps[0])[0]["stats64"]
    with tap(bench.reps[0]) as first, tap(bench.reps[1]) as second:
        report = json.loads(bench.vfs[0].run("iperf3", "-J", "-t", "2", "-c", "10.0.0.2"))
        on_reps = len(first.pending(b"")) + len(second.pending(b""))
    after, cpu_after = nic.counters(), cpu_hits(bench.reps[0], ("rx",))
    rep_after = run_json("ip", "-j", "-s", "link", "show", bench.reps[0])[0]["stats64"]
    sent = report["end"]["sum_sent"]["bytes"]
    assert after["vf0"]["hw_rx_bytes"] - before["vf0"]["hw_rx_bytes"] > sent
    assert after["vf1"]["hw_tx_bytes"] - before["vf1"]["hw_tx_bytes"] > sent
    assert rep_after["rx"]["bytes"] - rep_before["rx"]["bytes"] > sent, "the VF's whole traffic"
    # A few packets (neighbour discovery) may take the slow path; the run itself must not.
    assert on_reps < 20
    assert cpu_after - cpu_before < 20
    assert not log.complaints()


def test_vlan_tags_of_ports(bench: Bench) -> None:
    first, second, third = bench.reps
    run(
        "ovs-vsctl",
        "set",
        "port",
        first,
        "tag=10",
        "--",
        "set",
        "port",
        second,
        "tag=10",
        "--",
        "set",
        "port",
        third,
        "tag=20",
    )
    try:
        ping(bench, "10.0.0.2")
        assert bench.vfs[0].fails("ping", "-c", "1", "-W", "2", "10.0.0.3")
        mark = b"<to the wire>"
        frame = Frame(bench.vfs[0].mac, bench.outside.mac, payload=mark)
        back = Frame(bench.outside.mac, bench.vfs[0].mac, vlan=10, payload=b"<to the vf>")
        with (
            tap(bench.vfs[0].netdev, bench.vfs[0].name) as vf,
            tap(bench.outside.netdev, bench.outside.name) as wire,
        ):
            wire.send(back)  # teaches the bridge where the wire's address is
            assert vf.catch(b"<to the vf>").data == back.but(vlan=None).pack()
            vf.send(frame)
            assert wire.catch(mark).data == frame.but(vlan=10).pack()
            for direction, parts in (
                (first, f"push_vlan(vid=10,pcp=0),{bench.nic.uplink}"),
                (bench.nic.uplink, f"pop_vlan,{first}"),
            ):

                def seen(direction: str = direction, parts: str = parts) -> bool:
                    vf.send(frame)
                    wire.send(back)
                    return offloaded(direction, f"actions:{parts}")

                wait_until(seen, f"{parts} in hardware")
            # And now the packets that the hardware tags.
            vf.send(frame.but(payload=b"<in hardware>"))
            assert wire.catch(b"<in hardware>").data == (
                frame.but(vlan=10, payload=b"<in hardware>").pack()
            )
    finally:
        run("ovs-vsctl", *" -- ".join(f"clear port {rep} tag" for rep in bench.reps).split())


def test_openflow_on_transport_ports(bench: Bench) -> None:
    """A full five-tuple match, and a header rewrite that OVS splits over pedit and csum."""
    run(
        "ovs-ofctl",
        "add-flow",
        BRIDGE,
        "priority=100,udp,tp_dst=2000,"
        f"in_port={bench.reps[0]},actions=mod_nw_tos:32,mod_tp_dst:2001,output:{bench.reps[1]}",
    )
    run(
        "ovs-ofctl",
        "add-flow",
        BRIDGE,
        f"priority=100,tcp6,tp_src=1000,in_port={bench.reps[0]},actions=output:{bench.reps[1]}",
    )
    udp = Frame(bench.vfs[0].mac, bench.vfs[1].mac, payload=b"<udp>")
    tcp = udp.but(eth_type=ETH_P_IPV6, proto=TCP, ip_src="fd00::1", ip_dst="fd00::2")
    try:
        with (
            tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender,
            tap(bench.vfs[1].netdev, bench.vfs[1].name) as receiver,
        ):
            for frame, parts in ((udp, "udp(src=0/0,dst=2000)"), (tcp, "tcp(src=1000,dst=0/0)")):

                def seen(frame: Frame = frame, parts: str = parts) -> bool:
                    sender.send(frame)
                    return offloaded(bench.reps[0], parts)

                wait_until(seen, f"{parts} in hardware")
            sender.send(udp.but(payload=b"<rewritten>"))
            assert (
                receiver.catch(b"<rewritten>").data
                == udp.but(payload=b"<rewritten>", tos=32, dport=2001, proto=UDP).pack()
            )
    finally:
        run("ovs-ofctl", "del-flows", BRIDGE, "udp")
        run("ovs-ofctl", "del-flows", BRIDGE, "tcp6")


def test_flood_among_ports_without_the_local_port(bench: Bench) -> None:
    run(
        "ovs-ofctl",
        "add-flow",
        BRIDGE,
        f"priority=90,in_port={bench.reps[0]},"
        "dl_dst=ff:ff:ff:ff:ff:ff,"
        f"actions=output:{bench.reps[1]},{bench.reps[2]},{bench.nic.uplink}",
    )
    frame = Frame(bench.vfs[0].mac, "ff:ff:ff:ff:ff:ff", payload=b"<flood>")
    try:
        with tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender:

            def seen() -> bool:
                sender.send(frame)
                return offloaded(bench.reps[0], "dst=ff:ff:ff:ff:ff:ff")

            wait_until(seen, "the flood in hardware")
            taps = [
                tap(guest.netdev, guest.name)
                for guest in (bench.vfs[1], bench.vfs[2], bench.outside)
            ]
            for opened in taps:
                with opened as receiver:
                    sender.send(frame.but(payload=b"<all>"))
                    assert receiver.catch(b"<all>").data == frame.but(payload=b"<all>").pack()
    finally:
        run("ovs-ofctl", "del-flows", BRIDGE, "dl_dst=ff:ff:ff:ff:ff:ff")


def test_a_port_of_another_switch_stays_in_software(bench: Bench) -> None:
    other = nics()[1]
    other.set_mode("switchdev")
    run("ip", "link", "set", other.uplink, "up")
    run("ip", "link", "set", other.wire, "up")
    run("ovs-vsctl", "add-port", BRIDGE, other.uplink)
    run(
        "ovs-ofctl",
        "add-flow",
        BRIDGE,
        f"priority=95,in_port={bench.reps[0]},dl_dst=02:00:00:00:00:44,"
        f"actions=output:{other.uplink}",
    )
    frame = Frame(bench.vfs[0].mac, "02:00:00:00:00:44", payload=b"<other switch>")
    try:
        with tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender, tap(other.wire) as receiver:
            sender.send(frame)
            receiver.catch(b"<other switch>")

            def in_software() -> bool:
                sender.send(frame)
                lines = run("ovs-appctl", "dpctl/dump-flows", "-m", "type=tc").splitlines()
                return any(
                    "dst=02:00:00:00:00:44" in line
                    and "offloaded:" not in line
                    and re.search(r"dp:tc, actions:", line)
                    for line in lines
                )

            wait_until(in_software, "the flow in TC software")
    finally:
        run("ovs-vsctl", "del-port", BRIDGE, other.uplink)
        run("ovs-ofctl", "del-flows", BRIDGE, "dl_dst=02:00:00:00:00:44")
