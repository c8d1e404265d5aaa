"""What makes a kernel command line count: update-grub, proxmox-boot-tool, kernel-install.

Formats: facts 3.4.
"""

from __future__ import annotations

from collections.abc import Sequence

from eswitch.host import Result
from eswitch.twin import loader
from eswitch.twin.state import State

from .tool import NotSimulated

_FULL = "cp: error writing '{}': No space left on device\n"


def update_grub(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`update-grub`: the next boot has what /etc/default/grub and its drop-ins say now."""
    del input
    if state.platform.loader != "grub" or len(argv) > 1:
        raise NotSimulated(f"`{' '.join(argv)}` on this machine")
    release = state.kernel.release
    sourced = sorted(path for path in state.files if path.startswith(loader.DROP_INS))
    loader.write_grub(state)
    said = [f"Sourcing file `{path}'" for path in (loader.GRUB, *sourced)]
    if state.platform.naming >= 257:
        said = []  # Debian 13's GRUB says no more of it
    said += ["Generating grub configuration file ..."]
    said += [f"Found linux image: /boot/vmlinuz-{release}"]
    said += [f"Found initrd image: /boot/initrd.img-{release}"]
    if state.platform.efi:
        said += ["Adding boot menu entry for UEFI Firmware Settings ..."]
    said += ["done"]
    return Result(0, "", "".join(f"{line}\n" for line in said))


def boot_tool(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`proxmox-boot-tool refresh|status`."""
    del input
    managed = loader.UUIDS in state.files
    if list(argv[1:]) not in (["status"], ["refresh"]):
        raise NotSimulated(f"`{' '.join(argv)}`")
    missing = f"E: {loader.UUIDS} does not exist.\n"
    if not managed and argv[1] == "status":
        return Result(2, "", missing)
    again = "Re-executing '/usr/sbin/proxmox-boot-tool' in new private mount namespace..\n"
    release = state.kernel.release
    if argv[1] == "status":
        line = f"{loader.ESP} is configured with: uefi (versions: {release})"
        return Result(0, f"{again}System currently booted with uefi\n{line}\n", "")
    said = "Running hook script 'proxmox-auto-removal'..\n"
    said += f"Running hook script 'zz-proxmox-boot'..\n{again}"
    if not managed:
        return Result(1, said, missing)
    said += f"Copying and configuring kernels on /dev/disk/by-uuid/{loader.ESP}\n"
    said += f"\tCopying kernel and creating boot-entry for {release}\n"
    if state.esp_full:
        return Result(1, said, _FULL.format(f"{_place(release)}/initrd.img-{release}"))
    loader.write_entries(state)
    return Result(0, said, "")


def _place(release: str) -> str:
    return f"/var/tmp/espmounts/{loader.ESP}/EFI/proxmox/{release}"  # noqa: S108 (its own words)


def kernel_install(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`kernel-install add-all`: entries anew for all kernels (systemd 255 and later)."""
    del input
    if list(argv[1:]) != ["add-all"] or state.platform.loader != "systemd-boot":
        raise NotSimulated(f"`{' '.join(argv)}` on this machine")
    release = state.kernel.release
    if state.esp_full:
        return Result(1, "", _FULL.format(f"/boot/efi/debian/{release}/initrd.img-{release}"))
    loader.write_entries(state)
    return Result(0, "", "")
