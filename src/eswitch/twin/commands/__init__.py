"""The programs of a simulated machine: which there are, of which package, and who plays them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eswitch.host import Result
from eswitch.twin.state import State

from . import appctl, devlink, ethtool, firmware, ip, system, tc, vsctl
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
    "modprobe": ("/usr/sbin/modprobe", "kmod", system.modprobe),
    "mstconfig": ("/usr/bin/mstconfig", "mstflint", firmware.mstconfig),
    "update-grub": ("/usr/sbin/update-grub", "grub2-common", firmware.update_grub),
    "proxmox-boot-tool": ("/usr/sbin/proxmox-boot-tool", "proxmox-kernel", firmware.boot_tool),
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
