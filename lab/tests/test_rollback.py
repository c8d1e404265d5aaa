"""Rollback restores what was before the last apply."""

from __future__ import annotations

import json
import subprocess

from host import run, wait_until
from nic import Nic
from program import apply, eswitch
from specs import RECIPE, simple


def rollback(status: int = 0) -> str:
    answer = eswitch("rollback", "--yes")
    assert answer.status == status, answer.out + answer.err
    return answer.out


def picture(nic: Nic) -> dict[str, object]:
    """The start, as the tools show it (not as eswitch does)."""
    links = json.loads(run("ip", "-j", "-d", "link", "show"))
    return {
        "mode": nic.mode,
        "vfs": nic.numvfs,
        "autoprobe": (nic.sysfs / "sriov_drivers_autoprobe").read_text(),
        "links": sorted((link["ifname"], "UP" in link["flags"]) for link in links),
        "vf": [link.get("vfinfo_list") for link in links if link["ifname"] == nic.uplink],
        # The database has no order among ports.
        "ovs": sorted(run("ovs-vsctl", "show").splitlines()[1:]),
        "config": run("ovs-vsctl", "get", "Open_vSwitch", ".", "other_config"),
        "addresses": run("ip", "-br", "addr", "show", "scope", "global"),
        "routes": run("ip", "route"),
        "drivers": [(nic.sysfs / f"virtfn{vf}" / "driver").exists() for vf in range(nic.numvfs)],
    }


def test_from_nothing_and_back(nic: Nic) -> None:
    start = picture(nic)
    apply(RECIPE)
    assert picture(nic) != start
    rollback()
    assert picture(nic) == start


def test_back_to_legacy_vfs_with_their_macs(nic: Nic) -> None:
    (nic.sysfs / "sriov_drivers_autoprobe").write_text("0")
    (nic.sysfs / "sriov_numvfs").write_text("4")
    for vf in range(4):
        mac = f"52:54:00:00:00:{vf:02x}"
        run("ip", "link", "set", nic.uplink, "vf", str(vf), "mac", mac)
    run("ip", "link", "set", nic.uplink, "vf", "1", "vlan", "7")
    (nic.sysfs / "sriov_drivers_autoprobe").write_text("1")
    nic.vf_bind(0)
    start = picture(nic)
    apply(RECIPE)
    rollback()
    assert picture(nic) == start


def test_back_to_the_spec_before(nic: Nic) -> None:
    apply(simple(2))
    start = picture(nic)
    apply(RECIPE)
    rollback()
    assert picture(nic) == start
    rollback()
    assert nic.mode == "legacy"
    assert nic.numvfs == 0
    assert "nothing to roll back" in rollback()


def test_a_port_comes_back_with_its_trunks_and_marks(nic: Nic) -> None:
    only_uplink = "version: 1\nnics: {{cx6: {{match: {{mac: {mac}}}, vfs: 0, mode: legacy}}}}\n"
    spec = only_uplink.format(mac=f'"{nic.mac}"') + "bridges: {vmbr2: {ports: [cx6/uplink]}}\n"
    apply(spec)
    run(
        "ovs-vsctl",
        "set",
        "port",
        nic.uplink,
        "trunks=10,20",
        'external_ids:"owner:id"="a \\"b\\""',
    )
    columns = ("get", "port", nic.uplink, "trunks", "external_ids")
    start, port = picture(nic), run("ovs-vsctl", *columns)
    assert "owner:id" in port
    apply(RECIPE.replace("gateway", "# gateway"))
    assert nic.mode == "switchdev"
    rollback()
    assert picture(nic) == start
    assert run("ovs-vsctl", *columns) == port


def test_after_a_failed_apply(nic: Nic) -> None:
    start = picture(nic)
    nic.set_fault("max_vfs_created", 3)
    apply(simple(8), status=1)
    nic.set_fault("max_vfs_created", 0)
    rollback()
    assert picture(nic) == start


def test_after_a_killed_apply(nic: Nic) -> None:
    start = picture(nic)
    nic.set_fault("sriov_delay_ms", 3000)
    process = subprocess.Popen(["eswitch", "apply", "--yes", "-"], stdin=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(RECIPE)
    process.stdin.close()
    wait_until(lambda: nic.mode == "switchdev", "the apply is under way")
    process.kill()
    process.wait()
    nic.set_fault("sriov_delay_ms", 0)
    wait_until(lambda: nic.numvfs in (0, 2), "the kernel has finished")
    rollback()
    assert picture(nic) == start


def test_nothing_is_begun_while_open_vswitch_is_stopped(nic: Nic) -> None:
    apply(RECIPE)
    run("systemctl", "stop", "ovs-vswitchd")
    try:
        refused = eswitch("rollback", "--yes")
        assert refused.status == 4, refused.err
        assert "nothing was touched" in refused.err
        assert "systemctl start openvswitch-switch" in refused.err
        assert nic.mode == "switchdev"
        assert nic.numvfs == 2
    finally:
        run("systemctl", "start", "openvswitch-switch", "ovs-vswitchd")
    rollback()
    assert nic.mode == "legacy"
