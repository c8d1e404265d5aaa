"""The recipe's steps as a person does them, on any of the loaders."""

from collections.abc import Callable

from machine.bootable import BootGuest, Result
from machine.driverarchive import NAME

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


def unpack(guest: BootGuest, variant: str = ".") -> Result:
    """Unpack a driver archive in /root, after its sum was checked."""
    script = (
        f"cd /srv/driver/{variant} && sha256sum -c {NAME}.tgz.sha256 && tar -C /root -xf {NAME}.tgz"
    )
    return guest.run(["bash", "-euc", script])


def install(guest: BootGuest, *options: str, stdin: bytes = b"") -> Result:
    """The archive's own installer."""
    return guest.run([f"/root/{NAME}/install", *options], stdin=stdin)


def switch_iommu_on(guest: BootGuest) -> None:
    """``intel_iommu=on`` on the kernel command line, after what is there."""
    if guest.loader == "grub":
        line = 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT intel_iommu=on"'
        shell(guest, f"mkdir -p /etc/default/grub.d; echo '{line}' >/etc/default/grub.d/iommu.cfg")
        done(guest, "update-grub")
        return
    done(guest, "sed", "-i", "s/$/ intel_iommu=on/", "/etc/kernel/cmdline")
    if guest.loader == "proxmox":
        done(guest, "proxmox-boot-tool", "refresh")
    else:
        shell(guest, 'kernel-install add "$(uname -r)" "/boot/vmlinuz-$(uname -r)"')
