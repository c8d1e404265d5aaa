"""What a machine can be made to do wrong, for the tests of the bad cases."""

from machine.bootable import BootGuest
from typed import DEVICE, OFF, PF, Maker, done, shell

SET = ("mstconfig", "-d", PF, "-y", "set", "SRIOV_EN=1", "NUM_OF_VFS=4")


def test_firmware_that_does_not_obey_and_power_cuts(machine: Maker) -> None:
    guest = machine(BootGuest("grub", arguments=OFF, iommu=None))
    guest.boot()
    # Without an IOMMU in the BIOS there is no table.
    assert shell(guest, "ls /sys/firmware/acpi/tables | grep -c DMAR || true") == "0\n"

    guest.behave(mode="lockdown")
    refused = guest.run(SET)
    assert refused.status != 0
    assert refused.stdout == (
        "write counter to semaphore: Operation not permitted\n-E- Failed to open the device\n"
    )
    guest.behave(mode="forgets")
    assert "Applying... Done!" in done(guest, *SET)
    assert guest.firmware()["SRIOV_EN"]["next"] == 0

    guest.behave(mode="normal", cold=True)
    done(guest, *SET)
    shell(guest, "echo before >/root/note; sync")
    guest.reboot()
    assert guest.firmware()["SRIOV_EN"]["current"] == 0
    guest.power_cut()
    assert guest.firmware()["SRIOV_EN"]["current"] == 1
    assert done(guest, "cat", f"{DEVICE}/sriov_totalvfs") == "4\n"
    assert done(guest, "cat", "/root/note") == "before\n"

    guest.iommu = "amd"
    guest.unplugged = {0}
    guest.reboot()
    assert guest.run(["test", "-e", DEVICE]).status == 1
    assert "-E- Failed to open the device" in guest.run(["mstconfig", "-d", PF, "q"]).stdout
    assert "ivhd0" in shell(guest, "ls /sys/class/iommu /sys/firmware/acpi/tables/IVRS")
