"""eswitchsim: what a rule matches, and what it leaves to the representor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from frame import (
    ETH_P_ARP,
    ETH_P_IPV6,
    ICMP,
    ICMPV6,
    TCP,
    TCP_ACK,
    TCP_SYN,
    UDP,
    Frame,
    tap,
)
from host import run, run_json, wait_until
from nic import nics
from reset import reset
from workbench import Bench, make_bench, vf_mac

UDP4 = Frame(vf_mac(0), vf_mac(1))
TCP4 = UDP4.but(proto=TCP)
ICMP4 = UDP4.but(proto=ICMP)
UDP6 = UDP4.but(eth_type=ETH_P_IPV6, ip_src="fd00::1", ip_dst="fd00::2")
ARP = UDP4.but(eth_type=ETH_P_ARP)
V10 = UDP4.but(vlan=10, prio=3)
OTHER = "52:54:00:00:00:77"

#: name: (TC protocol, flower match, a frame that hits, frames that miss)
CASES: dict[str, tuple[str, str, Frame, list[Frame]]] = {
    "everything": ("all", "", UDP4, []),
    "dst_mac": ("all", f"dst_mac {vf_mac(1)}", UDP4, [UDP4.but(dst=OTHER)]),
    "src_mac": ("all", f"src_mac {vf_mac(0)}", UDP4, [UDP4.but(src=OTHER)]),
    "dst_mac with a mask": (
        "all",
        "dst_mac 52:54:00:00:00:00/ff:ff:ff:00:00:00",
        UDP4,
        [UDP4.but(dst="52:54:01:00:00:02")],
    ),
    "ethertype arp": ("arp", "", ARP, [UDP4, UDP6]),
    "ethertype ipv4": ("ip", "", UDP4, [ARP, UDP6, V10]),
    "ethertype ipv6": ("ipv6", "", UDP6, [UDP4]),
    "vlan id": ("802.1Q", "vlan_id 10", V10, [UDP4, V10.but(vlan=11)]),
    "vlan priority": ("802.1Q", "vlan_id 10 vlan_prio 3", V10, [V10.but(prio=4)]),
    "any vlan": ("802.1Q", "", V10, [UDP4]),
    "vlan and inner type": (
        "802.1Q",
        "vlan_id 10 vlan_ethtype ipv4",
        V10,
        [V10.but(eth_type=ETH_P_IPV6, ip_src="fd00::1", ip_dst="fd00::2")],
    ),
    "vlan and inner address": (
        "802.1Q",
        "vlan_id 10 vlan_ethtype ipv4 dst_ip 10.0.0.2",
        V10,
        [V10.but(ip_dst="10.0.0.3")],
    ),
    "ipv4 source": ("ip", "src_ip 10.0.0.1", UDP4, [UDP4.but(ip_src="10.0.0.9")]),
    "ipv4 destination net": ("ip", "dst_ip 10.0.0.0/24", UDP4, [UDP4.but(ip_dst="10.0.1.2")]),
    "ipv6 source": ("ipv6", "src_ip fd00::1", UDP6, [UDP6.but(ip_src="fd00::9")]),
    "ipv6 destination net": ("ipv6", "dst_ip fd00::/64", UDP6, [UDP6.but(ip_dst="fd01::2")]),
    "ip protocol": ("ip", "ip_proto udp", UDP4, [TCP4, ICMP4]),
    "ipv6 protocol": ("ipv6", "ip_proto tcp", UDP6.but(proto=TCP), [UDP6]),
    "tos": ("ip", "ip_tos 0x10/0xfc", UDP4.but(tos=0x11), [UDP4]),
    "traffic class": ("ipv6", "ip_tos 0x20", UDP6.but(tos=0x20), [UDP6]),
    "ttl": ("ip", "ip_ttl 5", UDP4.but(ttl=5), [UDP4]),
    "hop limit": ("ipv6", "ip_ttl 5", UDP6.but(ttl=5), [UDP6]),
    "udp ports": (
        "ip",
        "ip_proto udp src_port 1000 dst_port 2000",
        UDP4,
        [UDP4.but(sport=1001), UDP4.but(dport=2001), TCP4],
    ),
    "tcp port": ("ip", "ip_proto tcp dst_port 2000", TCP4, [TCP4.but(dport=80)]),
    "tcp port, ipv6": (
        "ipv6",
        "ip_proto tcp dst_port 2000",
        UDP6.but(proto=TCP),
        [UDP6.but(proto=TCP, dport=80)],
    ),
    "tcp port with a mask": (
        "ip",
        "ip_proto tcp dst_port 2000/0xfff0",
        TCP4.but(dport=2005),
        [TCP4.but(dport=1999)],
    ),
    "tcp flags": (
        "ip",
        "ip_proto tcp tcp_flags 0x2/0x12",
        TCP4.but(tcp_flags=TCP_SYN),
        [TCP4, TCP4.but(tcp_flags=TCP_SYN | TCP_ACK)],
    ),
    "icmp type": ("ip", "ip_proto icmp type 8 code 0", ICMP4, [ICMP4.but(icmp_type=0)]),
    "icmpv6 type": (
        "ipv6",
        "ip_proto icmpv6 type 128",
        UDP6.but(proto=ICMPV6, icmp_type=128),
        [UDP6.but(proto=ICMPV6, icmp_type=129)],
    ),
    "no fragment": (
        "ip",
        "ip_flags nofrag",
        UDP4,
        [UDP4.but(frag="first"), UDP4.but(frag="later")],
    ),
    "fragment": ("ip", "ip_flags frag", UDP4.but(frag="later"), [UDP4]),
    "first fragment": (
        "ip",
        "ip_flags frag/firstfrag",
        UDP4.but(frag="first"),
        [UDP4, UDP4.but(frag="later")],
    ),
    "later fragment": (
        "ip",
        "ip_flags frag/nofirstfrag",
        UDP4.but(frag="later"),
        [UDP4, UDP4.but(frag="first")],
    ),
    "ipv6 later fragment": (
        "ipv6",
        "ip_flags frag/nofirstfrag",
        UDP6.but(frag="later"),
        [UDP6, UDP6.but(frag="first")],
    ),
    "ports of a fragment": (
        "ip",
        "ip_proto udp dst_port 2000",
        UDP4.but(frag="first"),
        [UDP4.but(frag="later")],
    ),
    "indev": ("all", "indev {rep}", UDP4, []),
}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    reset()
    made = make_bench(nics()[0])
    for name in (made.nic.uplink, *made.reps):
        run("tc", "qdisc", "add", "dev", name, "clsact")
    yield made
    reset()


def rule(bench: Bench, protocol: str, match: str, action: str = "", prio: str = "1") -> None:
    """A rule on the first representor that sends to the second one, unless `action` differs."""
    action = action or f"action mirred egress redirect dev {bench.reps[1]}"
    run(
        *f"tc filter add dev {bench.reps[0]} ingress protocol {protocol} prio {prio} flower "
        f"skip_sw {match.format(rep=bench.reps[0])} {action}".split()
    )


@pytest.fixture
def no_rules(bench: Bench) -> Iterator[None]:
    yield
    for name in (bench.nic.uplink, *bench.reps):
        run("tc", "filter", "del", "dev", name, "ingress")
    assert bench.nic.n_rules() == 0


def mark(frame: Frame, text: str) -> Frame:
    return frame.but(payload=f"<{text}>".encode() + frame.payload)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("no_rules")
def test_match(bench: Bench, case: str) -> None:
    protocol, match, hit, misses = CASES[case]
    rule(bench, protocol, match)
    guest = bench.vfs[0]
    with (
        tap(guest.netdev, guest.name) as sender,
        tap(bench.reps[0]) as slow_path,
        tap(bench.vfs[1].netdev, bench.vfs[1].name) as receiver,
    ):
        for number, frame in enumerate(misses):
            sender.send(mark(frame, f"miss {number}"))
            slow_path.catch(f"<miss {number}>".encode())
            assert not receiver.pending(f"<miss {number}>".encode())
        sender.send(mark(hit, "hit"))
        caught = receiver.catch(b"<hit>")
        assert caught.data == mark(hit, "hit").pack()
        assert not slow_path.pending(b"<hit>"), "a packet that hits never reaches the representor"


@pytest.mark.usefixtures("no_rules")
def test_rules_of_another_port_do_not_match(bench: Bench) -> None:
    rule(bench, "all", "")
    with tap(bench.vfs[1].netdev, bench.vfs[1].name) as sender, tap(bench.reps[1]) as slow_path:
        sender.send(mark(UDP4.but(src=vf_mac(1), dst=vf_mac(0)), "back"))
        slow_path.catch(b"<back>")


@pytest.mark.usefixtures("no_rules")
def test_from_the_uplink(bench: Bench) -> None:
    run(
        *f"tc filter add dev {bench.nic.uplink} ingress protocol ip prio 1 flower skip_sw "
        f"dst_mac {vf_mac(0)} action mirred egress redirect dev {bench.reps[0]}".split()
    )
    frame = UDP4.but(src=bench.outside.mac, dst=vf_mac(0))
    with (
        tap(bench.outside.netdev, bench.outside.name) as sender,
        tap(bench.nic.uplink) as slow_path,
        tap(bench.vfs[0].netdev, bench.vfs[0].name) as receiver,
    ):
        sender.send(mark(frame, "hit"))
        receiver.catch(b"<hit>")
        sender.send(mark(frame.but(dst=vf_mac(1)), "miss"))
        slow_path.catch(b"<miss>")
        assert not slow_path.pending(b"<hit>")


@pytest.mark.usefixtures("no_rules")
def test_the_lower_priority_number_wins(bench: Bench) -> None:
    rule(bench, "ip", f"dst_mac {vf_mac(1)}", prio="20")
    rule(bench, "ip", "ip_proto udp", "action drop", prio="10")
    rule(bench, "ip", "", "action drop", prio="30")
    with (
        tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender,
        tap(bench.vfs[1].netdev, bench.vfs[1].name) as receiver,
    ):
        sender.send(mark(UDP4, "dropped"))
        sender.send(mark(TCP4, "passed"))
        receiver.catch(b"<passed>")
        assert not receiver.pending(b"<dropped>")


@pytest.mark.usefixtures("no_rules")
def test_a_replaced_rule_takes_over_at_once(bench: Bench) -> None:
    base = f"dev {bench.reps[0]} ingress protocol ip prio 1 handle 1 flower skip_sw dst_mac"
    run(*f"tc filter add {base} {vf_mac(1)} action drop".split())
    run(
        *f"tc filter replace {base} {vf_mac(1)} action mirred egress redirect "
        f"dev {bench.reps[1]}".split()
    )
    assert bench.nic.n_rules() == 1
    with (
        tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender,
        tap(bench.vfs[1].netdev, bench.vfs[1].name) as receiver,
    ):
        sender.send(mark(UDP4, "passed"))
        receiver.catch(b"<passed>")


@pytest.mark.usefixtures("no_rules")
def test_counters_reach_tc(bench: Bench) -> None:
    rule(bench, "ip", "ip_proto udp")
    before = bench.nic.counters()
    frame = mark(UDP4.but(proto=UDP), "counted")
    with (
        tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender,
        tap(bench.vfs[1].netdev, bench.vfs[1].name) as receiver,
    ):
        for _ in range(3):
            sender.send(frame)
            receiver.catch(b"<counted>")
    shown = run_json("tc", "-j", "-s", "filter", "show", "dev", bench.reps[0], "ingress")
    options = next(entry["options"] for entry in shown if "handle" in entry.get("options", {}))
    assert options["in_hw"] is True
    stats = options["actions"][0]["stats"]
    assert stats["hw_packets"] == 3
    assert stats["hw_bytes"] == 3 * len(frame.pack())
    assert options["actions"][0]["used_hw_stats"] == ["delayed"]
    after = bench.nic.counters()
    for port, name in (("vf0", "hw_rx_packets"), ("vf1", "hw_tx_packets")):
        assert after[port][name] - before[port][name] == 3


@pytest.mark.usefixtures("no_rules")
def test_shared_block(bench: Bench) -> None:
    for name in bench.reps:
        run("tc", "qdisc", "del", "dev", name, "clsact")
        run("tc", "qdisc", "add", "dev", name, "ingress_block", "7", "clsact")
    try:
        run(
            *f"tc filter add block 7 protocol ip prio 1 flower skip_sw dst_mac {vf_mac(1)} "
            f"action mirred egress redirect dev {bench.reps[1]}".split()
        )
        assert bench.nic.n_rules() == 2, "one for each port"
        with (
            tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender,
            tap(bench.vfs[1].netdev, bench.vfs[1].name) as receiver,
        ):
            sender.send(mark(UDP4, "shared"))
            receiver.catch(b"<shared>")
    finally:
        for name in bench.reps:
            run("tc", "qdisc", "del", "dev", name, "clsact")
            run("tc", "qdisc", "add", "dev", name, "clsact")
    wait_until(lambda: bench.nic.n_rules() == 0, "the block's rules are gone")
