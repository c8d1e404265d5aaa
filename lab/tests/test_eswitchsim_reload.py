"""eswitchsim comes and goes under load, and the kernel has nothing to complain about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guest import make_guest
from host import batch, run, settle, wait_until
from kernel_log import KernelLog
from nic import DRIVER, MODULE, Nic, load_module, nics
from reset import reset
from workbench import Bench, make_bench, vf_mac


@pytest.fixture(scope="module", autouse=True)
def leave_nothing_behind() -> Iterator[None]:
    yield
    reset()


@pytest.fixture
def card() -> Nic:
    reset()
    return nics()[0]


class Traffic:
    """Floods from one guest to another and to the outside until stopped."""

    def __init__(self, bench: Bench) -> None:
        targets = ("10.0.0.2", "10.0.0.100")
        self._pings = [bench.vfs[0].start("ping", "-q", "-f", address) for address in targets]
        before = bench.nic.counters()["vf0"]["rx_packets"]
        wait_until(
            lambda: bench.nic.counters()["vf0"]["rx_packets"] > before + 200, "traffic flows"
        )

    def stop(self) -> None:
        for ping in self._pings:
            ping.kill()
            ping.wait()


def loaded_bench(card: Nic) -> Bench:
    """Guests that reach each other by rules, some on the slow path, and idle rules besides."""
    bench = make_bench(card, 4)
    ports = {vf_mac(vf): rep for vf, rep in enumerate(bench.reps)} | {
        bench.outside.mac: card.uplink
    }
    lines = [f"qdisc add dev {dev} clsact" for dev in (card.uplink, *bench.reps)]
    for dev in (card.uplink, *bench.reps):
        lines += [
            f"filter add dev {dev} ingress protocol ip prio 1 flower skip_sw dst_mac {mac} "
            f"action mirred egress redirect dev {out}"
            for mac, out in ports.items()
            if out != dev
        ]
    lines += [
        f"filter add dev {bench.reps[3]} ingress protocol ip prio 2 flower skip_sw ip_proto "
        f"udp dst_port {port} action drop"
        for port in range(1, 501)
    ]
    batch("tc", lines)
    neighbours = {"10.0.0.1": bench.vfs[0], "10.0.0.2": bench.vfs[1], "10.0.0.100": bench.outside}
    for guest in (bench.vfs[0], bench.vfs[1], bench.outside):
        batch(
            "ip",
            [
                f"neigh replace {address} lladdr {other.mac} dev {guest.netdev}"
                for address, other in neighbours.items()
                if other is not guest
            ],
            "-n",
            guest.name,
        )
    return bench


def test_unload_under_traffic(card: Nic) -> None:
    log = KernelLog()
    for _ in range(2):
        traffic = Traffic(loaded_bench(card))
        try:
            run("rmmod", MODULE)
        finally:
            traffic.stop()
        assert not DRIVER.exists()
        load_module()
        assert len(nics()) >= 2
        reset()
    assert not log.complaints()


def test_unbind_the_pf_under_traffic(card: Nic) -> None:
    log = KernelLog()
    traffic = Traffic(loaded_bench(card))
    try:
        (DRIVER / "unbind").write_text(card.pci)
    finally:
        traffic.stop()
    assert not list(card.sysfs.glob("virtfn*"))
    assert not (card.sysfs / "net").exists()
    (DRIVER / "bind").write_text(card.pci)
    settle()
    assert card.eswitch()["mode"] == "legacy"
    assert not log.complaints()


def test_vfs_go_under_traffic(card: Nic) -> None:
    log = KernelLog()
    traffic = Traffic(loaded_bench(card))
    try:
        card.set_numvfs(0)
    finally:
        traffic.stop()
    assert list(card.ports()) == ["65535"]
    assert not log.complaints()


def test_one_vf_is_rebound_under_traffic(card: Nic) -> None:
    log, bench = KernelLog(), loaded_bench(card)
    traffic = Traffic(bench)
    try:
        for _ in range(5):
            card.vf_unbind(1)
            card.vf_bind(1)
    finally:
        traffic.stop()
    run("ip", "netns", "del", "g1")
    again = make_guest("g1", card.vf_netdev(1), "10.0.0.2/24")
    assert again.mac == vf_mac(1)
    again.wait_carrier()
    run("ip", "-n", "g1", "neigh", "replace", "10.0.0.1", "lladdr", vf_mac(0), "dev", again.netdev)
    bench.vfs[0].run("ping", "-c", "1", "-W", "20", "10.0.0.2")
    assert not log.complaints()


def test_a_namespace_goes_with_its_vf(card: Nic) -> None:
    log = KernelLog()
    bench = loaded_bench(card)
    traffic = Traffic(bench)
    try:
        run("ip", "netns", "del", "g1")
        wait_until(lambda: list((card.sysfs / "virtfn1" / "net").iterdir()), "the VF is back")
    finally:
        traffic.stop()
    run("ip", "netns", "del", "w")
    wait_until(lambda: card.wire in run("ip", "-br", "link"), "the wire is back")
    assert not log.complaints()


def test_rules_go_while_they_are_hit(card: Nic) -> None:
    log, bench = KernelLog(), loaded_bench(card)
    traffic = Traffic(bench)
    add = (
        f"filter add dev {bench.reps[0]} ingress protocol ip prio 5 flower skip_sw dst_mac "
        f"{vf_mac(1)} action mirred egress redirect dev {bench.reps[1]}"
    )
    try:
        for _ in range(20):
            batch(
                "tc",
                [
                    f"filter del dev {bench.reps[0]} ingress prio 1",
                    add,
                    f"filter del dev {bench.reps[0]} ingress prio 5",
                    add.replace("prio 5", "prio 1"),
                ],
            )
    finally:
        traffic.stop()
    assert not log.complaints()
