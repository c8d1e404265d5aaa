"""What a person types on such a machine."""

from collections.abc import Callable

from machine.bootable import BootGuest

Maker = Callable[[BootGuest], BootGuest]

PF = "0000:01:00.0"
DEVICE = f"/sys/bus/pci/devices/{PF}"
# The earlier setting of a bare machine: Debian's kernels switch the IOMMU on by themselves.
OFF = ("intel_iommu=off",)


def done(guest: BootGuest, *argv: str) -> str:
    """stdout of a command that has to succeed."""
    result = guest.run(list(argv))
    assert result.status == 0, f"{argv}: {result}"
    return result.stdout


def shell(guest: BootGuest, script: str) -> str:
    """stdout of a shell script that has to succeed; no command of it may fail."""
    return done(guest, "bash", "-euc", script)
