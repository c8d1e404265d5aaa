"""From the bare machine to VFs with IOMMU groups, by hand, in one reboot, on each loader."""

import pytest

from by_hand import DEVICE, OFF, PF, Maker, done, install, shell, switch_iommu_on, unpack
from machine.bootable import BootGuest
from machine.bootimage import LOADERS


@pytest.mark.parametrize("loader", LOADERS)
def test_the_recipe_by_hand(machine: Maker, loader: str) -> None:
    guest = machine(BootGuest(loader, arguments=OFF))
    guest.boot()
    bare(guest)

    assert unpack(guest).ok
    refused = install(guest)
    assert (refused.status, "not supported (debian13)!" in refused.stdout) == (1, True)
    assert install(guest, "--skip-distro-check", stdin=b"n\n").status == 1
    installed = install(guest, "--force", "--skip-distro-check")
    assert installed.ok, installed
    assert "dkms" in done(guest, "modinfo", "-F", "filename", "eswitchsim")
    done(guest, "mstconfig", "-d", PF, "-y", "set", "SRIOV_EN=1", "NUM_OF_VFS=4")
    pending = guest.firmware()
    assert (pending["SRIOV_EN"]["current"], pending["SRIOV_EN"]["next"]) == (0, 1)
    switch_iommu_on(guest)

    assert guest.reboot() == 1

    words = done(guest, "cat", "/proc/cmdline").split()
    assert words.index("intel_iommu=off") < words.index("intel_iommu=on")
    now = guest.firmware()
    assert (now["SRIOV_EN"]["current"], now["NUM_OF_VFS"]["current"]) == (1, 4)
    assert now["UCTX_EN"] == pending["UCTX_EN"]
    assert done(guest, "cat", f"{DEVICE}/sriov_totalvfs") == "4\n"
    shell(guest, f"echo 4 >{DEVICE}/sriov_numvfs; udevadm settle")
    groups = shell(guest, f"readlink -e {DEVICE}/virtfn*/iommu_group").split()
    assert len(set(groups)) == 4
    members = shell(guest, f"ls {DEVICE}/virtfn*/iommu_group/devices | grep -c '^0000:'")
    assert members == "4\n"
    assert "enp1s0np0" in done(guest, "ip", "-o", "link")


def bare(guest: BootGuest) -> None:
    """Booted by the loader; no driver, no SR-IOV, no IOMMU; nothing has failed."""
    facts = shell(guest, "cat /proc/cmdline; ls /sys/firmware/efi; echo units; "
                  "systemctl --failed --plain --no-legend")  # fmt: skip
    words = facts.split()
    assert ("BOOT_IMAGE=" in facts) == (guest.loader == "grub")
    assert "runtime-map" in words
    assert words[-1] == "units"
    if guest.loader == "grub":
        assert guest.run(["sh", "-c", "command -v bootctl"]).status == 127
    else:
        assert "Product: systemd-boot" in done(guest, "bootctl", "status")
        assert guest.run(["sh", "-c", "command -v update-grub"]).status == 127
    if guest.loader == "proxmox":
        assert "is configured with: uefi (versions: 6." in done(
            guest, "proxmox-boot-tool", "status"
        )
    assert guest.run(["modinfo", "eswitchsim"]).status == 1
    assert shell(guest, "lsmod | grep -c '^nvme' || true") == "0\n"
    assert done(guest, "lspci", "-s", PF, "-vv").count("SR-IOV") == 0
    assert guest.run(["test", "-e", f"{DEVICE}/sriov_totalvfs"]).status == 1
    assert shell(guest, "ls /sys/class/iommu /sys/kernel/iommu_groups | grep -v :").split() == []
    assert done(guest, "ls", "/sys/firmware/acpi/tables/DMAR")
    assert done(guest, "eswitch", "--version").startswith("eswitch")
