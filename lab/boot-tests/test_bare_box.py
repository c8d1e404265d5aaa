"""From the bare machine to offloaded flows with one spec and one command, on each loader."""

import pytest

from bare_box import DROP_IN, arrive, bare, eswitch, nothing_left, offloaded, reboots, story
from machine.bootimage import LOADERS
from typed import DEVICE, Maker, done, shell

HEADINGS = ("Driver", "NIC firmware", "PCI passthrough", "Reboot", "E-switch and VFs",
            "Open vSwitch, links and addresses")  # fmt: skip


@pytest.mark.parametrize("loader", LOADERS)
def test_one_command(machine: Maker, loader: str) -> None:
    guest = arrive(machine, loader)
    bare(guest)
    grub = shell(guest, "cat /etc/default/grub 2>/dev/null || true")
    before = guest.firmware()

    plan = eswitch(guest, "plan")
    assert plan.status == 2, plan
    places = [plan.stdout.index(f"{heading}\n") for heading in HEADINGS]
    assert places == sorted(places), plan.stdout
    for word in ("SRIOV_EN", "intel_iommu=on", "eswitchsim-en", "switchdev", "vmbr2"):
        assert word in plan.stdout, plan.stdout
    assert guest.firmware() == before

    assert reboots(guest) <= 2

    words = done(guest, "cat", "/proc/cmdline").split()
    assert [word for word in words if word.startswith("intel_iommu=")][-1] == "intel_iommu=on"
    now = guest.firmware()
    assert (now["SRIOV_EN"]["current"], now["NUM_OF_VFS"]["current"]) == (1, 3)
    changed = {name for name in now if now[name] != before[name]}
    assert changed == {"SRIOV_EN", "NUM_OF_VFS"}
    groups = shell(guest, f"readlink -e {DEVICE}/virtfn*/iommu_group").split()
    assert len(set(groups)) == 3
    assert len(shell(guest, f"ls -d {DEVICE}/virtfn*/iommu_group/devices/0000:*").split()) == 3
    assert shell(guest, "cat /etc/default/grub 2>/dev/null || true") == grub
    assert guest.run(["test", "-e", DROP_IN]).status == (0 if loader == "grub" else 1)
    assert "each was read back" in story(guest)
    nothing_left(guest)

    again = eswitch(guest, "apply")
    assert (again.status, "nothing to change" in again.stdout) == (0, True), again
    assert eswitch(guest, "plan").status == 0
    offloaded(guest)
