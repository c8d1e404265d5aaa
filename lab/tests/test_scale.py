"""127 VFs: the most that the lab's NIC has."""

from __future__ import annotations

import os
import sys

sys.path.append("/opt/eswitch-program")
from eswitch.host.local import LocalHost
from eswitch.model.identifiers import PciAddress
from eswitch.observe import names_to_come
from host import run, wait_until
from nic import Nic
from program import apply, eswitch
from specs import simple


def test_names_stay_once_the_wait_is_over(nic: Nic) -> None:
    host, pf = LocalHost(), PciAddress(nic.pci)
    run("devlink", "dev", "eswitch", "set", nic.handle, "mode", "switchdev")
    (nic.sysfs / "sriov_drivers_autoprobe").write_text("0")
    for _ in range(2):
        (nic.sysfs / "sriov_numvfs").write_text("127")
        assert names_to_come(host, pf), "udev was quicker than this test can see"
        wait_until(lambda: not names_to_come(host, pf), "all have names")
        early = sorted(os.listdir(nic.sysfs / "net"))
        run("udevadm", "settle", "--timeout=180")
        assert sorted(os.listdir(nic.sysfs / "net")) == early
        assert len(early) == 128
        assert not [name for name in early if name.startswith("eth")]
        (nic.sysfs / "sriov_numvfs").write_text("0")
        run("udevadm", "settle", "--timeout=180")


def test_127_vfs(nic: Nic) -> None:
    spec = simple(127)
    apply(spec)
    assert nic.numvfs == 127
    ports = nic.vf_ports()
    assert len(ports) == 127
    assert len({port["function"]["hw_addr"] for port in ports.values()}) == 127
    assert len(run("ovs-vsctl", "list-ports", "vmbr2").split()) == 128
    assert eswitch("plan", "-", input=spec).status == 0
    shown = eswitch("show")
    assert shown.status == 0
    assert len(shown.out.splitlines()) < 60
    undone = eswitch("rollback", "--yes")
    assert undone.status == 0, undone.err
    assert nic.numvfs == 0
    assert nic.mode == "legacy"
