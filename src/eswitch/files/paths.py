"""Every file that eswitch owns on a host, and every file of others that it edits.

What only an operation needs, the kernel's attributes and what a distribution puts where, stays with
whoever reads it.
"""

from __future__ import annotations

SPEC = "/etc/eswitch/eswitch.yaml"
"""The user's spec, where none is named; eswitch never writes it."""

STATE = "/var/lib/eswitch"
"""All that has to outlive a reboot, and is no setting of anything."""
JOURNAL = f"{STATE}/journal"
"""A directory: one file for each apply that changed something."""
RESUME = f"{STATE}/resume.json"
"""What goes on after a reboot; only over one."""
BOOT_REFRESHED = f"{STATE}/boot-refreshed"
"""A copy of KERNEL_CMDLINE as it was when the loader's entries were last written from it: where the
loader's partition is not mounted, nothing else tells."""
DRIVER = f"{STATE}/driver"
"""A directory: the unpacked archive of each driver that was installed."""
DRIVER_INSTALLED = f"{DRIVER}/installed"
"""The SHA-256 of the archive that eswitch installed last."""
DRIVER_LOG = "/var/log/eswitch-driver.log"
LOCK = "/run/eswitch/lock"
"""One apply or rollback at a time."""

RESUME_UNIT = "eswitch-resume.service"
RESUME_UNIT_FILE = f"/etc/systemd/system/{RESUME_UNIT}"
RESUME_UNIT_ENABLED = f"/etc/systemd/system/multi-user.target.wants/{RESUME_UNIT}"
GRUB_DROP_IN = "/etc/default/grub.d/eswitch.cfg"
MODULES = "/etc/modules-load.d/eswitch.conf"
"""Modules that systemd loads at each boot."""

KERNEL_CMDLINE = "/etc/kernel/cmdline"
"""Somebody else's: the one line from which systemd-boot's entries are written."""
