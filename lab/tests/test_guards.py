"""Nobody is cut off: guests keep their VFs, administrators their session."""

from __future__ import annotations

import os
import pty
from pathlib import Path

from guest import MakeGuest
from host import run, wait_until
from nic import Nic
from program import apply, eswitch
from specs import RECIPE, simple


def test_a_vf_in_a_guest_is_not_pulled(nic: Nic, guest: MakeGuest) -> None:
    apply(simple(2, driver="host"))
    one = guest("one", nic.wait_vf_netdev(0), "10.3.0.1/24")
    refused = apply(simple(4, driver="host"), status=4)
    assert "in use" in refused.err
    assert "hint:" in refused.err
    assert nic.numvfs == 2
    refused = eswitch("rollback", "--yes")
    assert refused.status == 4
    assert "in use" in refused.err
    assert nic.numvfs == 2
    assert "10.3.0.1" in one.run("ip", "addr", "show", one.netdev)


def test_the_session_is_not_cut(nic: Nic) -> None:
    run("ip", "addr", "add", "192.168.7.2/24", "dev", nic.uplink)
    run("ip", "link", "set", nic.uplink, "up")
    session = {"SSH_CONNECTION": "192.168.7.9 50000 192.168.7.2 22"}
    refused = eswitch("apply", "--yes", "-", input=RECIPE, env=session)
    assert refused.status == 4
    assert "192.168.7.2" in refused.err
    assert nic.mode == "legacy"
    assert "192.168.7.2" in run("ip", "addr", "show", nic.uplink)


def test_a_change_that_somebody_notices_needs_consent(nic: Nic) -> None:
    run("ip", "addr", "add", "192.168.7.2/24", "dev", nic.uplink)
    run("ip", "link", "set", nic.uplink, "up")
    asked = eswitch("apply", "-", input=RECIPE)
    assert asked.status == 2
    assert "--yes" in asked.err
    assert nic.mode == "legacy"


def test_another_prefix_length_keeps_the_routes(nic: Nic) -> None:
    apply(RECIPE)
    run("ip", "route", "add", "10.77.0.0/16", "via", "192.168.1.7")

    def kept() -> bool:
        routes = run("ip", "route")
        return "default via 192.168.1.1 dev vmbr2" in routes and "10.77.0.0/16 via" in routes

    apply(RECIPE.replace("192.168.1.101/24", "192.168.1.101/16"))
    addresses = run("ip", "-4", "addr", "show", "vmbr2")
    assert "192.168.1.101/16" in addresses
    assert "192.168.1.101/24" not in addresses
    assert kept()
    assert eswitch("rollback", "--yes").status == 0
    assert "192.168.1.101/24" in run("ip", "-4", "addr", "show", "vmbr2")
    assert kept()


def test_a_route_with_a_metric_is_replaced_not_doubled(nic: Nic) -> None:
    apply(RECIPE)
    run("ip", "route", "del", "default")
    run("ip", "route", "add", "default", "via", "192.168.1.1", "dev", "vmbr2", "metric", "50")
    apply(RECIPE.replace("gateway: 192.168.1.1", "gateway: 192.168.1.9"))
    shown = run("ip", "route", "show", "default").splitlines()
    assert [line.strip() for line in shown] == ["default via 192.168.1.9 dev vmbr2 metric 50"]
    assert eswitch("rollback", "--yes").status == 0
    shown = run("ip", "route", "show", "default").splitlines()
    assert [line.strip() for line in shown] == ["default via 192.168.1.1 dev vmbr2 metric 50"]


def test_an_address_that_changes_takes_nothing_of_others_along(nic: Nic) -> None:
    apply(RECIPE)
    run("ip", "addr", "add", "192.168.1.200/24", "dev", "vmbr2")
    run("ip", "route", "add", "10.77.0.0/16", "via", "192.168.1.7")
    session = {"SSH_CONNECTION": "192.168.1.9 50000 192.168.1.200 22"}
    moved = RECIPE.replace("192.168.1.101/24", "192.168.1.111/24")
    changed = eswitch("apply", "--yes", "-", input=moved, env=session)
    assert changed.status == 0, changed.err

    def shown() -> tuple[str, str]:
        return run("ip", "-4", "addr", "show", "vmbr2"), run("ip", "route")

    addresses, routes = shown()
    assert "192.168.1.111/24" in addresses
    assert "192.168.1.200/24" in addresses
    assert "192.168.1.101/24" not in addresses
    assert "10.77.0.0/16 via 192.168.1.7" in routes
    assert "default via 192.168.1.1 dev vmbr2" in routes
    undone = eswitch("rollback", "--yes")
    assert undone.status == 0, undone.err
    addresses, routes = shown()
    assert "192.168.1.101/24" in addresses
    assert "192.168.1.200/24" in addresses
    assert "192.168.1.111/24" not in addresses
    assert "10.77.0.0/16 via 192.168.1.7" in routes
    assert "default via 192.168.1.1 dev vmbr2" in routes


def test_another_default_route_needs_consent_and_no_session(nic: Nic) -> None:
    apply(RECIPE)
    other = RECIPE.replace("gateway: 192.168.1.1", "gateway: 192.168.1.99")
    asked = eswitch("apply", "-", input=other)
    assert asked.status == 2
    session = {"SSH_CONNECTION": "198.51.100.8 50000 192.168.1.101 22"}
    refused = eswitch("apply", "--yes", "-", input=other, env=session)
    assert refused.status == 4
    assert "default via 192.168.1.1 dev vmbr2" in run("ip", "route")


def test_the_terminal_hangs_up(nic: Nic, tmp_path: Path) -> None:
    spec = tmp_path / "recipe.yaml"
    spec.write_text(RECIPE)
    nic.set_fault("sriov_delay_ms", 3000)
    child, terminal = pty.fork()
    if child == 0:
        os.execvp("eswitch", ["eswitch", "apply", "--yes", str(spec)])
    wait_until(lambda: nic.mode == "switchdev", "the apply is under way")
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 1), "1: nobody was there to read the end"
    assert nic.numvfs == 2
    assert eswitch("plan", str(spec)).status == 0


def test_a_competing_default_route_is_refused(nic: Nic) -> None:
    run("ip", "link", "add", "dummy7", "type", "dummy")
    try:
        run("ip", "addr", "add", "192.168.9.2/24", "dev", "dummy7")
        run("ip", "link", "set", "dummy7", "up")
        run("ip", "route", "add", "default", "via", "192.168.9.1", "dev", "dummy7")
        refused = apply(RECIPE, status=4)
        assert "default route" in refused.err
        assert nic.mode == "legacy"
    finally:
        run("ip", "link", "del", "dummy7")


def test_open_vswitch_is_not_running(nic: Nic) -> None:
    run("systemctl", "stop", "openvswitch-switch", "ovs-vswitchd", "ovsdb-server")
    refused = apply(RECIPE, status=4)
    assert "systemctl start openvswitch-switch" in refused.err
    assert nic.mode == "legacy"
    shown = eswitch("show")
    assert shown.status == 0
    assert "not running" in shown.out


def test_not_root(nic: Nic) -> None:
    refused = run("setpriv", "--reuid=nobody", "sh", "-c", "eswitch apply - 2>&1", ok=(1, 4))
    assert "root" in refused
    assert "Traceback" not in refused
    assert nic.mode == "legacy"


def test_a_wrong_spec_touches_nothing(nic: Nic) -> None:
    wrong = apply(RECIPE.replace("vfs:", "vsf:"), status=3)
    assert "<stdin>:5:5" in wrong.err
    assert "vfs" in wrong.err
    assert nic.mode == "legacy"
    most = nic.totalvfs
    too_many = apply(simple(most + 1), status=4)
    assert f"can have {most}" in too_many.err
    assert nic.mode == "legacy"
