"""mstconfig, and what makes a kernel command line count: update-grub, proxmox-boot-tool.

Formats: domain.md 2.1 (mstflint 4.21 and 4.31) and 3.4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from eswitch.host import Result
from eswitch.twin.state import Card, State

from .tool import Failed, NotSimulated, ended

_LOCKED = "write counter to semaphore: Operation not permitted\n-E- Failed to open the device"
_GRUB = "/etc/default/grub"
_CMDLINE = "/etc/kernel/cmdline"
_DEFAULT = re.compile(r'^GRUB_CMDLINE_LINUX_DEFAULT="?([^"\n]*)"?$', re.MULTILINE)


def mstconfig(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`mstconfig -d PCI [-e] [-y] q [NAME...]` and `... set NAME=VALUE...`."""
    del input
    return ended(lambda words: _mstconfig(state, words), argv[1:])


def _mstconfig(state: State, words: Sequence[str]) -> str:
    left = [word for word in words if word not in ("-e", "-y", "--yes")]
    if len(left) < 3 or left[0] != "-d":
        raise NotSimulated(f"`mstconfig {' '.join(words)}`")
    _, device, verb, *rest = left
    if state.kernel.lockdown:
        raise Failed(_LOCKED, 3)
    card = _card(state, device)
    if verb in ("q", "query"):
        return _query(card, device, rest, every="-e" in words)
    if verb != "set":
        raise NotSimulated(f"`mstconfig {verb}`")
    return _set(card, rest)


def _card(state: State, device: str) -> Card:
    pci = device if device.count(":") == 2 else f"0000:{device}"
    function = state.functions.get(pci)
    if function is None or function.pf is None or function.vendor != "15b3":
        raise Failed("-E- Failed to open the device", 3)
    return state.cards[function.pf.card]


def _shown(value: str) -> str:
    return {"True": "True(1)", "False": "False(0)", "EMBEDDED_CPU": "EMBEDDED_CPU(1)"}.get(
        value, value
    )


def _query(card: Card, device: str, names: Sequence[str], *, every: bool) -> str:
    lines = ["", "Device #1:", "----------", "", f"Device:             {device}", ""]
    heads = f"{'Current':<21}Next Boot" if every else "Next Boot"
    lines.append(f"Configurations:{'':37}{heads}")
    for name in names or sorted(card.pending):
        if name not in card.pending:
            raise Failed(f"-E- The Device doesn't support {name} parameter", 3)
        now, later = card.current[name], card.pending[name]
        mark = "*" if now != later else " "
        values = f"{_shown(now):<20} {_shown(later):<20}" if every else f"{_shown(later):<20}"
        lines.append(f"{mark}       {name:<44}{values}")
    if card.current != card.pending:
        lines.append(
            "The '*' shows parameters with next value different from default/current value."
        )
    return "\n".join(lines) + "\n"


_FLAGS = {"1": "True", "True": "True", "0": "False", "False": "False"}
_MOST_VFS = 127
"""What firmware takes at most for a PF (domain.md 2.3)."""


def _set(card: Card, settings: Sequence[str]) -> str:
    """All of them or none."""
    new = dict(card.pending)
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in new:
            raise Failed(f"-E- The Device doesn't support {name} parameter", 3)
        is_flag = new[name] in ("True", "False")
        if is_flag and value not in _FLAGS:
            raise NotSimulated(f"`mstconfig set {setting}`: what it says of such a value")
        if not is_flag and not (value.isascii() and value.isdecimal() and int(value) <= _MOST_VFS):
            raise NotSimulated(f"`mstconfig set {setting}`: what it says of such a value")
        new[name] = _FLAGS[value] if is_flag else str(int(value))
    card.pending = new
    return "Applying... Done!\n-I- Please reboot machine to load new configurations.\n"


def update_grub(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`update-grub`: the next boot has what /etc/default/grub says now."""
    del input
    if state.platform.loader != "grub":
        raise NotSimulated(f"`{argv[0]}` on a machine without GRUB")
    found = _DEFAULT.search(state.files.get(_GRUB, ""))
    root = state.kernel.cmdline.partition(" quiet")[0]
    state.kernel.next_cmdline = f"{root} {found.group(1) if found else 'quiet'}".strip()
    return Result(0, "Generating grub configuration file ...\ndone\n", "")


def boot_tool(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`proxmox-boot-tool refresh|status`."""
    del input
    uefi = state.platform.loader == "systemd-boot"
    if list(argv[1:]) == ["status"]:
        if not uefi:
            text = "E: /etc/kernel/proxmox-boot-uuids does not exist.\n"
            return Result(1, "", text)
        line = f"E014-501F is configured with: uefi (versions: {state.kernel.release})"
        return Result(0, f"System currently booted with uefi\n{line}\n", "")
    if list(argv[1:]) != ["refresh"] or not uefi:
        raise NotSimulated(f"`{' '.join(argv)}`")
    state.kernel.next_cmdline = state.files.get(_CMDLINE, state.kernel.cmdline).strip()
    return Result(0, "Running hook script 'proxmox-auto-removal'..\n", "")
