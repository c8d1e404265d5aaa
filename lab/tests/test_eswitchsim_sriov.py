"""eswitchsim: PCI functions, VF attributes and faults of their creation."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import fails, run, run_json, settle, wait_until
from kernel_log import KernelLog
from nic import Nic, nics
from reset import reset

FIRST_MAC = 0x08C0EB329811


@pytest.fixture(scope="module", autouse=True)
def leave_nothing_behind() -> Iterator[None]:
    yield
    reset()


@pytest.fixture
def card() -> Nic:
    reset()
    return nics()[0]


def write_error(nic: Nic, count: int) -> int:
    """errno of a write to sriov_numvfs that must fail."""
    with pytest.raises(OSError, match="Errno") as caught:
        (nic.sysfs / "sriov_numvfs").write_text(str(count))
    assert caught.value.errno is not None
    return caught.value.errno


def netdev(name: str) -> dict[str, object]:
    return dict(run_json("ip", "-j", "link", "show", name)[0])


def test_identity(card: Nic) -> None:
    seen = set()
    for index, nic in enumerate(nics()):
        mac = f"{FIRST_MAC + 0x10 * index:012x}"
        want = ":".join(mac[at : at + 2] for at in range(0, 12, 2))
        assert netdev(nic.uplink)["address"] == want
        assert want in run("ethtool", "-P", nic.uplink)
        info = run("ethtool", "-i", nic.uplink)
        assert "driver: eswitchsim\n" in info
        assert f"bus-info: {nic.pci}\n" in info
        assert "driver: eswitchsim_wire" in run("ethtool", "-i", nic.wire)
        assert not Path(f"/sys/class/net/{nic.wire}/device").exists()
        assert Path(f"/sys/class/net/{nic.uplink}/phys_port_name").read_text() == "p0\n"
        seen.add(nic.switch_id)
        port = nic.ports()["65535"]
        assert port["flavour"] == "physical"
        assert port["port"] == 0
        assert port["netdev"] == nic.uplink
        assert nic.eswitch() == {"mode": "legacy", "inline-mode": "none", "encap-mode": "basic"}
    assert len(seen) == len(nics()), "each NIC is a switch of its own"
    shown = run_json("devlink", "-j", "dev", "info", card.handle)["info"][card.handle]
    assert shown["driver"] == "eswitchsim"
    assert shown["versions"]["running"]["fw"]


def test_numvfs_semantics(card: Nic) -> None:
    log = KernelLog()
    assert write_error(card, card.totalvfs + 1) == errno.ERANGE
    card.set_numvfs(4)
    assert card.numvfs == 4
    assert {path.name for path in card.sysfs.glob("virtfn*")} == {f"virtfn{n}" for n in range(4)}
    card.set_numvfs(4)
    assert write_error(card, 2) == errno.EBUSY
    assert log.has("4 VFs already enabled. Disable before enabling 2 VFs")
    assert log.has("E-Switch: Enable: mode(LEGACY), nvfs(4)")
    card.set_numvfs(0)
    assert not list(card.sysfs.glob("virtfn*"))
    assert not log.complaints()


def test_vf_is_a_device_of_its_own(card: Nic) -> None:
    card.set_numvfs(1)
    vf = card.vf_pci(0)
    assert (card.sysfs / "virtfn0" / "driver").resolve().name == "eswitchsim"
    assert "driver: eswitchsim\n" in run("ethtool", "-i", card.vf_netdev(0))
    ports = run_json("devlink", "-j", "port", "show")["port"]
    assert ports[f"pci/{vf}/0"]["flavour"] == "virtual"
    card.vf_unbind(0)
    assert not (card.sysfs / "virtfn0" / "net").exists()
    assert f"pci/{vf}" not in run("devlink", "dev", "show")


def test_admin_mac_takes_effect_at_probe(card: Nic) -> None:
    card.set_autoprobe(False)
    card.set_numvfs(2)
    assert not (card.sysfs / "virtfn0" / "driver").exists()
    assert card.link_vf(0)["address"] == "00:00:00:00:00:00"
    run("ip", "link", "set", card.uplink, "vf", "0", "mac", "52:54:00:aa:bb:01")
    card.set_autoprobe(True)
    card.vf_bind(0)
    assert netdev(card.vf_netdev(0))["address"] == "52:54:00:aa:bb:01"
    run("ip", "link", "set", card.uplink, "vf", "0", "mac", "52:54:00:aa:bb:02")
    assert card.link_vf(0)["address"] == "52:54:00:aa:bb:02"
    assert netdev(card.vf_netdev(0))["address"] == "52:54:00:aa:bb:01", "not before the next probe"
    card.vf_unbind(0)
    card.vf_bind(0)
    assert netdev(card.vf_netdev(0))["address"] == "52:54:00:aa:bb:02"
    fails("ip", "link", "set", card.uplink, "vf", "0", "mac", "01:00:5e:00:00:01")
    fails("ip", "link", "set", card.uplink, "vf", "2", "mac", "52:54:00:aa:bb:03")
    card.set_numvfs(0)
    card.set_numvfs(1)
    assert card.link_vf(0)["address"] == "00:00:00:00:00:00", "gone with the VFs"


def test_no_admin_mac_is_another_random_one_at_each_probe(card: Nic) -> None:
    card.set_numvfs(1)
    seen = set()
    for _ in range(3):
        log = KernelLog()
        card.vf_unbind(0)
        card.vf_bind(0)
        line = next(line for line in log.since() if "Assigned random MAC address" in line)
        seen.add(line.split()[-1])
    assert len(seen) == 3


def test_attributes_in_legacy_mode(card: Nic) -> None:
    card.set_numvfs(1)
    run("ip", "link", "set", card.uplink, "vf", "0", "max_tx_rate", "500", "min_tx_rate", "100")
    run("ip", "link", "set", card.uplink, "vf", "0", "vlan", "7", "qos", "3")
    run("ip", "link", "set", card.uplink, "vf", "0", "spoofchk", "on")
    run("ip", "link", "set", card.uplink, "vf", "0", "trust", "on")
    run("ip", "link", "set", card.uplink, "vf", "0", "state", "enable")
    shown = card.link_vf(0)
    assert shown["rate"] == {"max_tx": 500, "min_tx": 100}
    assert shown["vlan_list"][0]["vlan"] == 7
    assert shown["vlan_list"][0]["qos"] == 3
    assert shown["spoofchk"]
    assert shown["trust"]
    assert shown["link_state"] == "enable"
    fails("ip", "link", "set", card.uplink, "vf", "0", "max_tx_rate", "5", "min_tx_rate", "10")
    fails("ip", "link", "set", card.uplink, "vf", "0", "vlan", "7", "proto", "802.1ad")


def test_attributes_in_switchdev_mode(card: Nic) -> None:
    log = KernelLog()
    card.set_mode("switchdev")
    card.set_numvfs(1)
    for accepted in (
        "mac 52:54:00:aa:bb:01",
        "max_tx_rate 500",
        "rate 400",
        "state disable",
        "vlan 0",
        "spoofchk off",
        "trust off",
    ):
        run("ip", "link", "set", card.uplink, "vf", "0", *accepted.split())
    for refused in ("vlan 7", "spoofchk on", "trust on"):
        said = fails("ip", "link", "set", card.uplink, "vf", "0", *refused.split())
        assert "Operation not supported" in said
    assert log.has("legacy vf vlan setting isn't supported in switchdev mode")


def test_fault_no_room_for_vfs(card: Nic) -> None:
    log = KernelLog()
    card.set_fault("fail_sriov", errno.ENOMEM)
    assert write_error(card, 2) == errno.ENOMEM
    assert card.numvfs == 0
    assert log.has(f"{card.pci}: not enough MMIO resources for SR-IOV")
    assert log.has("pci_enable_sriov failed : -12")
    card.set_fault("fail_sriov", 0)
    card.set_numvfs(2)
    assert card.numvfs == 2


def test_fault_vfs_do_not_answer(card: Nic) -> None:
    log = KernelLog()
    card.set_mode("switchdev")
    card.set_fault("fail_sriov", errno.EIO)
    assert write_error(card, 2) == errno.EIO
    assert log.has("unknown header type 7f, ignoring device")
    assert log.has("pci_enable_sriov failed : -5")
    assert list(card.ports()) == ["65535"], "no representors left behind"


def test_fault_only_some_vfs_come(card: Nic) -> None:
    log = KernelLog()
    card.set_fault("max_vfs_created", 3)
    card.set_numvfs(8)
    assert card.numvfs == 3
    assert log.has("8 VFs requested; only 3 enabled")


def test_fault_slow_creation(card: Nic) -> None:
    card.set_fault("sriov_delay_ms", 1500)
    start = time.monotonic()
    card.set_numvfs(1)
    assert time.monotonic() - start >= 1.5


@pytest.mark.parametrize("first", ["mode", "vfs"])
def test_all_vfs(card: Nic, first: str) -> None:
    """As many VFs as there are (127 with `lab/vm run --vfs-max 127`), with representors."""
    total, log = card.totalvfs, KernelLog()
    card.set_autoprobe(False)
    if first == "mode":
        card.set_mode("switchdev")
    card.set_numvfs(total)
    card.set_mode("switchdev")
    ports = card.ports()
    for vf in range(total):
        port = ports[str(vf + 1)]
        assert port["flavour"] == "pcivf"
        assert port["pfnum"] == 0
        assert port["vfnum"] == vf
        assert port["controller"] == 0
        net = Path("/sys/class/net") / port["netdev"]
        assert (net / "phys_port_name").read_text().strip() == f"pf0vf{vf}"
        assert (net / "phys_switch_id").read_text().strip() == card.switch_id
        assert (net / "device").resolve() == card.sysfs.resolve()
    card.set_numvfs(0)
    wait_until(lambda: list(card.ports()) == ["65535"], "representors are gone")
    assert not log.complaints()


def test_vfs_probed_and_gone_again(card: Nic) -> None:
    count, log = min(card.totalvfs, 16), KernelLog()
    card.set_mode("switchdev")
    card.set_numvfs(count)
    for vf in range(count):
        assert card.vf_netdev(vf)
    card.set_numvfs(0)
    settle()
    assert not log.complaints()
