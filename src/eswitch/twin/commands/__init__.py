"""The programs of a simulated machine: which there are, of which package, and who plays them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eswitch.host import Result
from eswitch.twin.state import State

from . import (
    appctl,
    bootloader,
    coreutils,
    devlink,
    driverkit,
    ethtool,
    firmware,
    ip,
    system,
    tc,
    vsctl,
)
from .tool import NotSimulated

Program = Callable[[State, Sequence[str], str | None], Result]

# Program: where it is, Debian's package, and its handler.
_PROGRAMS: dict[str, tuple[str, str, Program]] = {
    "ip": ("/usr/sbin/ip", "iproute2", ip.run),
    "tc": ("/usr/sbin/tc", "iproute2", tc.run),
    "devlink": ("/usr/sbin/devlink", "iproute2", devlink.run),
    "ethtool": ("/usr/sbin/ethtool", "ethtool", ethtool.run),
    "ovs-vsctl": ("/usr/bin/ovs-vsctl", "openvswitch-switch", vsctl.run),
    "ovs-appctl": ("/usr/bin/ovs-appctl", "openvswitch-switch", appctl.run),
    "udevadm": ("/usr/bin/udevadm", "udev", system.udevadm),
    "dmesg": ("/usr/bin/dmesg", "util-linux", system.dmesg),
    "systemctl": ("/usr/bin/systemctl", "systemd", system.systemctl),
    "modprobe": ("/usr/sbin/modprobe", "kmod", driverkit.modprobe),
    "modinfo": ("/usr/sbin/modinfo", "kmod", driverkit.modinfo),
    "update-initramfs": ("/usr/sbin/update-initramfs", "initramfs-tools", driverkit.initramfs),
    "dkms": ("/usr/sbin/dkms", "dkms", driverkit.dkms),
    "mokutil": ("/usr/bin/mokutil", "mokutil", driverkit.mokutil),
    "wget": ("/usr/bin/wget", "wget", driverkit.fetch),
    "curl": ("/usr/bin/curl", "curl", driverkit.fetch),
    "tar": ("/usr/bin/tar", "tar", driverkit.tar),
    "env": ("/usr/bin/env", "coreutils", driverkit.env),
    "cp": ("/usr/bin/cp", "coreutils", coreutils.cp),
    "mkdir": ("/usr/bin/mkdir", "coreutils", coreutils.mkdir),
    "rm": ("/usr/bin/rm", "coreutils", coreutils.rm),
    "sha256sum": ("/usr/bin/sha256sum", "coreutils", coreutils.sha256sum),
    "mstconfig": ("/usr/bin/mstconfig", "mstflint", firmware.mstconfig),
    "mstfwreset": ("/usr/bin/mstfwreset", "mstflint", firmware.mstfwreset),
    "mlxconfig": ("/usr/bin/mlxconfig", "mft", firmware.mstconfig),
    "mlxfwreset": ("/usr/bin/mlxfwreset", "mft", firmware.mstfwreset),
    "update-grub": ("/usr/sbin/update-grub", "grub2-common", bootloader.update_grub),
    "proxmox-boot-tool": ("/usr/sbin/proxmox-boot-tool", "proxmox-kernel", bootloader.boot_tool),
    "kernel-install": ("/usr/bin/kernel-install", "systemd", bootloader.kernel_install),
}
CHANGES_NOTHING = frozenset(("dmesg",))


def which(state: State, program: str) -> str | None:
    """Where a program is; None if its package is not installed.

    Raises NotSimulated for a program that the twin has never heard of.
    """
    name = program.rpartition("/")[2]
    if name not in _PROGRAMS:
        raise NotSimulated(f"program {program}")
    place, package, _ = _PROGRAMS[name]
    return place if package in state.packages else None


def run(state: State, argv: Sequence[str], input: str | None) -> Result:
    """Run one; raises NotSimulated for what the twin does not know."""
    name = argv[0].rpartition("/")[2]
    if name not in _PROGRAMS:
        raise NotSimulated(f"program {argv[0]}")
    return _PROGRAMS[name][2](state, argv, input)


__all__ = ["CHANGES_NOTHING", "NotSimulated", "run", "which"]
