"""From a spec to the wanted state on a real kernel, and nothing more than that."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from host import run
from nic import Nic, nics
from program import apply, eswitch
from reset import reset
from specs import RECIPE, simple


def test_the_untouched_guest_gives_a_spec_that_can_be_planned(machine: list[Nic]) -> None:
    spec = eswitch("init")
    assert spec.status == 0, spec.err
    assert machine[0].mac in spec.out
    valid = eswitch("validate", "-", input=spec.out)
    assert valid.status == 0, valid.err
    plan = eswitch("plan", "-", input=spec.out)
    assert plan.status == 2, plan.err
    assert "switchdev" in plan.out


def test_apply_makes_what_the_recipe_wants(nic: Nic) -> None:
    apply(RECIPE)
    assert nic.mode == "switchdev"
    assert nic.numvfs == 2
    macs = {vf: port["function"]["hw_addr"] for vf, port in nic.vf_ports().items()}
    assert macs == {0: "ba:dd:ad:de:ad:30", 1: "ba:dd:ad:de:ad:31"}
    for vf in (0, 1):
        netdev = nic.wait_vf_netdev(vf)
        assert Path(f"/sys/class/net/{netdev}/address").read_text().strip() == macs[vf]
    ports = set(run("ovs-vsctl", "list-ports", "vmbr2").split())
    assert ports == {nic.uplink, nic.representor(0), nic.representor(1)}
    assert run("ovs-vsctl", "get", "Open_vSwitch", ".", "other_config:hw-offload") == '"true"\n'
    assert "192.168.1.101/24" in run("ip", "addr", "show", "vmbr2")
    assert "via 192.168.1.1 dev vmbr2" in run("ip", "route", "show", "default")


def test_vfs_for_vms_stay_unbound_with_stable_macs(nic: Nic) -> None:
    apply(simple(4))
    assert not any((nic.sysfs / f"virtfn{vf}" / "driver").exists() for vf in range(4))
    first = {vf: port["function"]["hw_addr"] for vf, port in nic.vf_ports().items()}
    assert len(set(first.values())) == 4
    assert "00:00:00:00:00:00" not in first.values()
    reset()
    apply(simple(4))
    assert {vf: port["function"]["hw_addr"] for vf, port in nic.vf_ports().items()} == first


def fingerprint() -> dict[str, str]:
    """OVSDB's file, what sysfs and devlink show, and eswitch's own files."""
    database = Path("/var/lib/openvswitch/conf.db").read_bytes()
    state = {"ovsdb": hashlib.sha256(database).hexdigest(), "ports": run("devlink", "port")}
    for nic in nics():
        for name in ("sriov_numvfs", "sriov_drivers_autoprobe"):
            state[f"{nic.pci} {name}"] = (nic.sysfs / name).read_text()
    files = sorted(Path("/var/lib/eswitch").rglob("*"))
    state["files"] = "\n".join(f"{path} {path.stat().st_mtime_ns}" for path in files)
    return state


def test_a_second_apply_writes_nothing(nic: Nic, tmp_path: Path) -> None:
    apply(RECIPE)
    before = fingerprint()
    assert eswitch("plan", "-", input=RECIPE).status == 0
    (tmp_path / "spec").write_text(RECIPE)
    trace = tmp_path / "trace"
    calls = "trace=open,openat,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,execve"
    argv = ["strace", "-f", "-qq", "-e", calls, "-o", str(trace)]
    run(*argv, "eswitch", "apply", "--yes", str(tmp_path / "spec"), timeout=None)
    assert fingerprint() == before
    lines = trace.read_text().splitlines()
    opened = [line for line in lines if any(w in line for w in ("O_WRONLY", "O_RDWR"))]
    touched = [line for line in opened if '"/sys/' in line or '"/etc/' in line or '"/var/' in line]
    assert not touched
    changing = ('"-b"', "eswitch set", '"add-', '"del-', '"set"')
    execs = [line for line in lines if "execve(" in line]
    assert execs, "the trace shows no program at all: it proves nothing"
    assert not [line for line in execs if any(word in line for word in changing)]


@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_vfs(nic: Nic, count: int) -> None:
    apply(simple(2))
    apply(simple(count))
    assert nic.numvfs == count
    assert len(run("ovs-vsctl", "list-ports", "vmbr2").split()) == count + 1


def test_what_leaves_the_spec_leaves_the_host(nic: Nic) -> None:
    apply(RECIPE)
    apply(RECIPE.replace("192.168.1.101/24", "192.168.1.102/24"))
    addresses = run("ip", "addr", "show", "vmbr2")
    assert "192.168.1.102/24" in addresses
    assert "192.168.1.101/24" not in addresses
    apply(RECIPE.replace("ports: [cx6]", "ports: [cx6/uplink, cx6/0]"))
    assert set(run("ovs-vsctl", "list-ports", "vmbr2").split()) == {
        nic.uplink,
        nic.representor(0),
    }


def test_ports_of_others_stay(nic: Nic) -> None:
    apply(simple(2))
    run("ovs-vsctl", "add-port", "vmbr2", "tap0", "--", "set", "interface", "tap0", "type=internal")
    apply(simple(1))
    assert "tap0" in run("ovs-vsctl", "list-ports", "vmbr2").split()


def test_drift_is_repaired(nic: Nic) -> None:
    apply(RECIPE)
    run("ip", "link", "set", nic.representor(1), "down")
    run("ovs-vsctl", "del-port", "vmbr2", nic.representor(0))
    run("ovs-vsctl", "remove", "Open_vSwitch", ".", "other_config", "hw-offload")
    plan = eswitch("plan", "-o", "json", "-", input=RECIPE)
    assert plan.status == 2
    assert len(plan.json["steps"]) == 3
    apply(RECIPE)
    assert eswitch("plan", "-", input=RECIPE).status == 0


def test_the_same_after_a_reboot_that_kept_only_the_database(nic: Nic) -> None:
    """A reboot forgets modes and VFs; Debian's Open vSwitch remembers its ports."""
    apply(RECIPE)
    (nic.sysfs / "sriov_numvfs").write_text("0")
    run("ovs-vsctl", "--no-wait", "del-port", "vmbr2", nic.uplink)
    run("tc", "qdisc", "del", "dev", nic.uplink, "ingress")
    run("devlink", "dev", "eswitch", "set", nic.handle, "mode", "legacy")
    run("ovs-vsctl", "add-port", "vmbr2", nic.uplink)
    apply(RECIPE)
    assert nic.mode == "switchdev"
    assert eswitch("plan", "-", input=RECIPE).status == 0


def test_a_feature_and_a_policy_that_forbid_offload_are_mended(nic: Nic) -> None:
    apply(RECIPE)
    names = (nic.uplink, nic.representor(0))
    for name in names:
        run("ethtool", "-K", name, "hw-tc-offload", "off")
    run("ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:tc-policy=skip_hw")
    assert len(eswitch("plan", "-o", "json", "-", input=RECIPE).json["steps"]) == 3
    apply(RECIPE)
    for name in names:
        assert "hw-tc-offload: on\n" in run("ethtool", "-k", name)
    assert "tc-policy" not in run("ovs-vsctl", "get", "Open_vSwitch", ".", "other_config")
    assert eswitch("rollback", "--yes").status == 0
    for name in names:
        assert "hw-tc-offload: off\n" in run("ethtool", "-k", name)
    assert "tc-policy=skip_hw" in run("ovs-vsctl", "get", "Open_vSwitch", ".", "other_config")
    run("ovs-vsctl", "remove", "Open_vSwitch", ".", "other_config", "tc-policy")
