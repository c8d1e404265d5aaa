"""What the BIOS offers, and what `eswitch` says of it."""

from bare_box import arrive, eswitch
from machine.bootable import BootGuest
from typed import Maker, done, shell


def test_none_and_then_amds(machine: Maker) -> None:
    guest: BootGuest = arrive(machine, "grub", iommu=None)
    assert shell(guest, "ls /sys/firmware/acpi/tables | grep -c -e DMAR -e IVRS || true") == "0\n"
    plan = eswitch(guest, "plan")
    assert plan.status == 4, plan
    assert "by hand: IOMMU: the BIOS offers none" in plan.stdout, plan
    refused = eswitch(guest, "apply", "--reboot", "--yes")
    assert (refused.status, "nothing was touched" in refused.stderr) == (4, True), refused

    guest.iommu = "amd"
    guest.reboot()
    assert "ivhd0" in done(guest, "ls", "/sys/class/iommu")
    plan = eswitch(guest, "plan")
    assert plan.status == 2, plan
    assert "intel_iommu" not in plan.stdout, plan
    assert "IOMMU  on, ivhd0" in done(guest, "eswitch", "show")
