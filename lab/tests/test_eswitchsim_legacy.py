"""eswitchsim in legacy mode: forwarding by MAC, per-VF VLAN, spoof check, trust and rate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from frame import Frame, tap
from guest import Guest, make_guest
from host import batch, run, wait_until
from nic import Nic, nics
from reset import reset
from workbench import vf_mac

FRAME = Frame(vf_mac(0), vf_mac(1), payload=b"<marked>")


@dataclass(frozen=True)
class Legacy:
    nic: Nic
    vfs: list[Guest]
    outside: Guest

    def vf(self, number: int, *setting: str) -> None:
        run("ip", "link", "set", self.nic.uplink, "vf", str(number), *setting)


@pytest.fixture(scope="module")
def legacy() -> Iterator[Legacy]:
    reset()
    nic = nics()[0]
    nic.set_autoprobe(False)
    nic.set_numvfs(2)
    nic.set_autoprobe(True)
    for vf in range(2):
        run("ip", "link", "set", nic.uplink, "vf", str(vf), "mac", vf_mac(vf))
        nic.vf_bind(vf)
    batch("ip", [f"link set {nic.uplink} up", f"addr add 10.0.0.50/24 dev {nic.uplink}"])
    guests = [make_guest(f"g{vf}", nic.vf_netdev(vf), f"10.0.0.{vf + 1}/24") for vf in range(2)]
    outside = make_guest("w", nic.wire, "10.0.0.100/24")
    for guest in (*guests, outside):
        guest.wait_carrier()
    yield Legacy(nic, guests, outside)
    reset()


def test_everybody_reaches_everybody(legacy: Legacy) -> None:
    for target in ("10.0.0.2", "10.0.0.50", "10.0.0.100"):
        legacy.vfs[0].run("ping", "-c", "1", "-W", "20", target)
    for target in ("10.0.0.1", "10.0.0.50"):
        legacy.outside.run("ping", "-c", "1", "-W", "20", target)
    run("ping", "-c", "1", "-W", "20", "10.0.0.2")


def test_unicast_reaches_only_its_receiver(legacy: Legacy) -> None:
    a, b, w = *legacy.vfs, legacy.outside
    with (
        tap(a.netdev, a.name) as sender,
        tap(b.netdev, b.name) as receiver,
        tap(w.netdev, w.name) as wire,
    ):
        sender.send(FRAME)
        receiver.catch(b"<marked>")
        sender.send(FRAME.but(dst="02:00:00:00:00:99", payload=b"<unknown>"))
        wire.catch(b"<unknown>")
        assert not wire.pending(b"<marked>")
        assert not receiver.pending(b"<unknown>")


def test_vlan_of_a_vf(legacy: Legacy) -> None:
    a, b, w = *legacy.vfs, legacy.outside
    legacy.vf(0, "vlan", "7", "qos", "2")
    try:
        with (
            tap(a.netdev, a.name) as vf,
            tap(b.netdev, b.name) as other,
            tap(w.netdev, w.name) as wire,
        ):
            out = FRAME.but(dst="ff:ff:ff:ff:ff:ff")
            vf.send(out)
            assert wire.catch(b"<marked>").data == out.but(vlan=7, prio=2).pack()
            back = FRAME.but(src=w.mac, dst=vf_mac(0), payload=b"<tagged>")
            wire.send(back.but(payload=b"<untagged>"))
            wire.send(back.but(vlan=8, payload=b"<other tag>"))
            wire.send(back.but(vlan=7))
            assert vf.catch(b"<tagged>").data == back.pack()
            assert not vf.pending(b"<untagged>")
            assert not vf.pending(b"<other tag>")
            vf.send(out.but(vlan=9, payload=b"<own tag>"))
            vf.send(out.but(payload=b"<later>"))
            other.catch(b"<later>")
            assert not other.pending(b"<own tag>")
    finally:
        legacy.vf(0, "vlan", "0")


def test_spoof_check(legacy: Legacy) -> None:
    a, b = legacy.vfs
    legacy.vf(0, "spoofchk", "on")
    try:
        with tap(a.netdev, a.name) as sender, tap(b.netdev, b.name) as receiver:
            sender.send(FRAME.but(src="02:00:00:00:00:66", payload=b"<spoofed>"))
            sender.send(FRAME)
            receiver.catch(b"<marked>")
            assert not receiver.pending(b"<spoofed>")
    finally:
        legacy.vf(0, "spoofchk", "off")


def test_only_a_trusted_vf_is_promiscuous(legacy: Legacy) -> None:
    a, b, w = *legacy.vfs, legacy.outside
    run("ip", "-n", b.name, "link", "set", b.netdev, "promisc", "on")
    stray = FRAME.but(dst="02:00:00:00:00:99")
    with (
        tap(a.netdev, a.name) as sender,
        tap(b.netdev, b.name) as listener,
        tap(w.netdev, w.name) as wire,
    ):
        sender.send(stray)
        wire.catch(b"<marked>")
        assert not listener.pending(b"<marked>")
        legacy.vf(1, "trust", "on")
        sender.send(stray)
        listener.catch(b"<marked>")


def test_max_tx_rate_limits(legacy: Legacy) -> None:
    """TCP at a limit of 40 Mbit/s keeps to it, give or take; without a limit it is faster."""
    server = legacy.vfs[1]
    rates = []
    for limit in ("40", "0"):
        legacy.vf(0, "max_tx_rate", limit)
        server.run("iperf3", "--server", "--one-off", "--daemon")
        wait_until(lambda: ":5201" in server.run("ss", "-ltn"), "iperf3 listens")
        out = legacy.vfs[0].run("iperf3", "-J", "-t", "3", "-c", "10.0.0.2")
        rates.append(json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e6)
    limited, free = rates
    assert 10 < limited < 44, f"{limited:.1f} Mbit/s with a limit of 40"
    assert free > limited
