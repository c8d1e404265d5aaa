"""127 VFs: the most that the lab's NIC has."""

from __future__ import annotations

from lab import Nic, apply, eswitch, run
from specs import simple


def test_127_vfs(nic: Nic) -> None:
    spec = simple(127)
    apply(spec)
    assert nic.vfs == 127
    ports = nic.ports()
    assert len(ports) == 127
    assert len({port["function"]["hw_addr"] for port in ports.values()}) == 127
    assert len(run("ovs-vsctl", "list-ports", "vmbr2").split()) == 128
    assert eswitch("plan", "-", input=spec).status == 0
    shown = eswitch("show")
    assert shown.status == 0
    assert len(shown.out.splitlines()) < 60
    undone = eswitch("rollback", "--yes")
    assert undone.status == 0, undone.err
    assert nic.vfs == 0
    assert nic.mode == "legacy"
