"""eswitchsim: what a rule does to a packet, byte by byte and with its checksums."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from frame import (
    ETH_P_IPV6,
    ICMPV6,
    TCP,
    Caught,
    Frame,
    checksums_are_right,
    internet_sum,
    pseudo_header,
    tap,
)
from host import run
from namespace import in_netns
from nic import nics
from reset import reset
from workbench import Bench, make_bench, vf_mac

UDP4 = Frame(vf_mac(0), vf_mac(1), payload=b"<marked> some bytes more")
TCP4 = UDP4.but(proto=TCP)
UDP6 = UDP4.but(eth_type=ETH_P_IPV6, ip_src="fd00::1", ip_dst="fd00::2")
TCP6 = UDP6.but(proto=TCP)
OTHER = "02:00:00:00:00:42"

#: name: (TC protocol, match, actions before the redirect, frame in, frame out)
CASES: dict[str, tuple[str, str, str, Frame, Frame]] = {
    "push a VLAN": ("ip", "", "vlan push id 20 priority 5", UDP4, UDP4.but(vlan=20, prio=5)),
    "pop the VLAN": ("802.1Q", "vlan_id 10", "vlan pop", UDP4.but(vlan=10), UDP4),
    "modify the VLAN": (
        "802.1Q",
        "vlan_id 10",
        "vlan modify id 30 priority 2",
        UDP4.but(vlan=10),
        UDP4.but(vlan=30, prio=2),
    ),
    "source MAC": ("ip", "", f"pedit ex munge eth src set {OTHER}", UDP4, UDP4.but(src=OTHER)),
    "destination MAC": ("ip", "", f"pedit ex munge eth dst set {OTHER}", UDP4, UDP4.but(dst=OTHER)),
    "IPv4 source": (
        "ip",
        "ip_proto udp",
        "pedit ex munge ip src set 192.0.2.1 pipe csum ip udp",
        UDP4,
        UDP4.but(ip_src="192.0.2.1"),
    ),
    "IPv4 destination, TCP": (
        "ip",
        "ip_proto tcp",
        "pedit ex munge ip dst set 192.0.2.1 pipe csum ip tcp",
        TCP4,
        TCP4.but(ip_dst="192.0.2.1"),
    ),
    "TTL": (
        "ip",
        "ip_proto udp",
        "pedit ex munge ip ttl set 9 pipe csum ip",
        UDP4,
        UDP4.but(ttl=9),
    ),
    "TTL minus one": (
        "ip",
        "ip_proto udp",
        "pedit ex munge ip ttl add 0xff pipe csum ip",
        UDP4,
        UDP4.but(ttl=63),
    ),
    "TOS": (
        "ip",
        "ip_proto udp",
        "pedit ex munge ip tos set 0x28 pipe csum ip",
        UDP4,
        UDP4.but(tos=0x28),
    ),
    "UDP ports": (
        "ip",
        "ip_proto udp",
        "pedit ex munge udp sport set 53 munge udp dport set 54 pipe csum udp",
        UDP4,
        UDP4.but(sport=53, dport=54),
    ),
    "TCP port": (
        "ip",
        "ip_proto tcp",
        "pedit ex munge tcp dport set 8080 pipe csum tcp",
        TCP4,
        TCP4.but(dport=8080),
    ),
    "IPv6 source": (
        "ipv6",
        "ip_proto udp",
        "pedit ex munge ip6 src set 2001:db8::7 pipe csum udp",
        UDP6,
        UDP6.but(ip_src="2001:db8::7"),
    ),
    "IPv6 destination, TCP": (
        "ipv6",
        "ip_proto tcp",
        "pedit ex munge ip6 dst set 2001:db8::7 pipe csum tcp",
        TCP6,
        TCP6.but(ip_dst="2001:db8::7"),
    ),
    "IPv6 destination, ICMPv6": (
        "ipv6",
        "ip_proto icmpv6",
        "pedit ex munge ip6 dst set 2001:db8::7 pipe csum icmp",
        UDP6.but(proto=ICMPV6, icmp_type=128),
        UDP6.but(proto=ICMPV6, icmp_type=128, ip_dst="2001:db8::7"),
    ),
    "hop limit": (
        "ipv6",
        "ip_proto udp",
        "pedit ex munge ip6 hoplimit set 3",
        UDP6,
        UDP6.but(ttl=3),
    ),
    "IPv6 ports": (
        "ipv6",
        "ip_proto tcp",
        "pedit ex munge tcp sport set 99 pipe csum tcp",
        TCP6,
        TCP6.but(sport=99),
    ),
    "behind a VLAN": (
        "802.1Q",
        "vlan_id 10 vlan_ethtype ipv4 ip_proto udp",
        "pedit ex munge ip dst set 192.0.2.1 pipe csum ip udp",
        UDP4.but(vlan=10),
        UDP4.but(vlan=10, ip_dst="192.0.2.1"),
    ),
    "a route": (
        "ip",
        "ip_proto udp",
        (
            f"pedit ex munge eth src set {OTHER} munge eth dst set {vf_mac(1)} "
            "munge ip ttl set 63 pipe csum ip pipe action vlan push id 20"
        ),
        UDP4,
        UDP4.but(src=OTHER, dst=vf_mac(1), ttl=63, vlan=20),
    ),
}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    reset()
    made = make_bench(nics()[0], 3)
    for name in (made.nic.uplink, *made.reps):
        run("tc", "qdisc", "add", "dev", name, "clsact")
    yield made
    reset()


@pytest.fixture
def no_rules(bench: Bench) -> Iterator[None]:
    yield
    for name in (bench.nic.uplink, *bench.reps):
        run("tc", "filter", "del", "dev", name, "ingress")


def rule(dev: str, protocol: str, match: str, actions: str) -> None:
    run(
        *f"tc filter add dev {dev} ingress protocol {protocol} prio 1 flower skip_sw {match} "
        f"{actions}".split()
    )


def through(bench: Bench, frame: Frame) -> Caught:
    """Send from VF 0, catch on VF 1."""
    with (
        tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender,
        tap(bench.vfs[1].netdev, bench.vfs[1].name) as receiver,
    ):
        sender.send(frame)
        return receiver.catch(b"<marked>")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("no_rules")
def test_rewrite(bench: Bench, case: str) -> None:
    protocol, match, actions, given, expected = CASES[case]
    rule(
        bench.reps[0],
        protocol,
        match,
        f"action {actions} pipe action mirred egress redirect dev {bench.reps[1]}",
    )
    caught = through(bench, given)
    assert caught.data.hex() == expected.pack().hex()
    assert checksums_are_right(caught.data)


@pytest.mark.usefixtures("no_rules")
def test_udp_without_checksum_stays_without(bench: Bench) -> None:
    rule(
        bench.reps[0],
        "ip",
        "ip_proto udp",
        "action pedit ex munge ip dst set 192.0.2.1 pipe csum ip udp pipe "
        f"action mirred egress redirect dev {bench.reps[1]}",
    )
    data = bytearray(UDP4.pack())
    data[40:42] = b"\0\0"
    with (
        tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender,
        tap(bench.vfs[1].netdev, bench.vfs[1].name) as receiver,
    ):
        sender.send(bytes(data))
        assert receiver.catch(b"<marked>").data[40:42] == b"\0\0"


@pytest.mark.usefixtures("no_rules")
def test_truncated_headers_do_no_harm(bench: Bench) -> None:
    rule(
        bench.reps[0],
        "ip",
        "ip_proto udp",
        "action pedit ex munge ip dst set 192.0.2.1 munge udp dport set 7 pipe csum ip udp pipe "
        f"action mirred egress redirect dev {bench.reps[1]}",
    )
    whole = UDP4.pack()
    with (
        tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender,
        tap(bench.vfs[1].netdev, bench.vfs[1].name) as receiver,
    ):
        for length in range(15, 43):
            sender.send(whole[:length])
        sender.send(UDP4)
        assert checksums_are_right(receiver.catch(b"<marked>").data)


@pytest.mark.usefixtures("no_rules")
def test_drop(bench: Bench) -> None:
    rule(bench.reps[0], "ip", "ip_proto udp", "action drop")
    rule(bench.reps[0], "ip", "ip_proto tcp", f"action mirred egress redirect dev {bench.reps[1]}")
    with (
        tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender,
        tap(bench.reps[0]) as slow_path,
        tap(bench.vfs[1].netdev, bench.vfs[1].name) as receiver,
    ):
        sender.send(UDP4.but(payload=b"<dropped>"))
        sender.send(TCP4)
        receiver.catch(b"<marked>")
        assert not receiver.pending(b"<dropped>")
        assert not slow_path.pending(b"<dropped>")


@pytest.mark.usefixtures("no_rules")
def test_several_outputs_each_as_the_packet_is_then(bench: Bench) -> None:
    rule(
        bench.reps[0],
        "ip",
        "ip_proto udp",
        f"action mirred egress mirror dev {bench.nic.uplink} pipe "
        "action vlan push id 20 pipe "
        f"action mirred egress mirror dev {bench.reps[1]} pipe "
        f"action pedit ex munge eth src set {OTHER} pipe "
        f"action mirred egress redirect dev {bench.reps[2]}",
    )
    with (
        tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender,
        tap(bench.outside.netdev, bench.outside.name) as first,
        tap(bench.vfs[1].netdev, bench.vfs[1].name) as second,
        tap(bench.vfs[2].netdev, bench.vfs[2].name) as third,
    ):
        sender.send(UDP4)
        assert first.catch(b"<marked>").data == UDP4.pack()
        assert second.catch(b"<marked>").data == UDP4.but(vlan=20).pack()
        assert third.catch(b"<marked>").data == UDP4.but(vlan=20, src=OTHER).pack()


@pytest.mark.usefixtures("no_rules")
def test_to_a_vf_that_is_down(bench: Bench) -> None:
    rule(bench.reps[0], "ip", "", f"action mirred egress redirect dev {bench.reps[1]}")
    guest, before = bench.vfs[1], bench.nic.counters()["vf1"]["dropped_packets"]
    run("ip", "link", "set", bench.reps[1], "down")
    try:
        guest.wait_carrier(False)
        with tap(bench.vfs[0].netdev, bench.vfs[0].name) as sender, tap(bench.reps[0]) as slow_path:
            sender.send(UDP4)
            sender.send(UDP6.but(payload=b"<after>"))
            slow_path.catch(b"<after>")
        assert bench.nic.counters()["vf1"]["dropped_packets"] > before
    finally:
        run("ip", "link", "set", bench.reps[1], "up")
        guest.wait_carrier()


def nat_rules(bench: Bench) -> None:
    """10.0.0.1 reaches 10.0.0.2:5001 as 10.0.0.50:5000, all in the e-switch."""
    to_vf1 = f"action mirred egress redirect dev {bench.reps[1]}"
    to_vf0 = f"action mirred egress redirect dev {bench.reps[0]}"
    rule(
        bench.reps[0],
        "ip",
        "dst_ip 10.0.0.50 ip_proto tcp",
        "action pedit ex munge ip dst set 10.0.0.2 munge tcp dport set 5001 pipe "
        f"csum ip tcp pipe {to_vf1}",
    )
    rule(
        bench.reps[1],
        "ip",
        "src_ip 10.0.0.2 ip_proto tcp",
        "action pedit ex munge ip src set 10.0.0.50 munge tcp sport set 5000 pipe "
        f"csum ip tcp pipe {to_vf0}",
    )


@pytest.mark.parametrize("offload", ["on", "off"])
@pytest.mark.usefixtures("no_rules")
def test_tcp_through_address_translation(bench: Bench, offload: str) -> None:
    """With checksum offload the packets are GSO and half summed; without, the receiver checks."""
    nat_rules(bench)
    client, server = bench.vfs[0], bench.vfs[1]
    for guest in (client, server):
        guest.run("ethtool", "-K", guest.netdev, "tx", offload, "tso", offload)
    client.run("ip", "neigh", "replace", "10.0.0.50", "lladdr", server.mac, "dev", client.netdev)
    server.run("ip", "neigh", "replace", "10.0.0.1", "lladdr", client.mac, "dev", server.netdev)
    sent = bytes(range(256)) * 4096
    with in_netns(server.name):
        listener = socket.create_server(("10.0.0.2", 5001))
    with in_netns(client.name):
        outgoing = socket.socket()
    with listener, outgoing, tap(server.netdev, server.name) as watch:
        listener.settimeout(60)
        outgoing.settimeout(60)
        outgoing.connect(("10.0.0.50", 5000))
        incoming, _ = listener.accept()
        with incoming:
            incoming.settimeout(60)
            got = b""
            for start in range(0, len(sent), 65536):
                piece = sent[start : start + 65536]
                outgoing.sendall(piece)
                while len(got) < start + len(piece):
                    got += incoming.recv(1 << 20)
        assert got == sent
        caught = watch.catch(sent[:64])
    if offload == "on":
        assert caught.partial
        segment = caught.data[34:]
        pseudo = pseudo_header("10.0.0.1", "10.0.0.2", TCP, len(segment))
        assert struct.unpack("!H", segment[16:18])[0] == internet_sum(pseudo)
    else:
        assert not caught.partial
        assert checksums_are_right(caught.data)
