"""mstconfig and mstfwreset: what a card's firmware says, and what makes it count.

Formats: domain.md 2.1 (mstflint 4.21 and 4.31) and 2.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eswitch.host import Result
from eswitch.twin import modules
from eswitch.twin.state import Card, Function, State

from .tool import Failed, NotSimulated, ended

_LOCKED = "write counter to semaphore: Operation not permitted\n-E- Failed to open the device"


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
    card = _card(state, device)  # before anything else: it may not open
    if verb in ("q", "query"):
        return _query(state, device, rest, every="-e" in words)
    if verb != "set":
        raise NotSimulated(f"`mstconfig {verb}`")
    return _set(card, rest)


def _function(state: State, device: str) -> Function:
    pci = device if device.count(":") == 2 else f"0000:{device}"
    function = state.functions.get(pci)
    if function is None or function.pf is None or not _has_tool(function):
        raise Failed("-E- Failed to open the device", 3)
    return function


def _has_tool(function: Function) -> bool:
    """The lab's NIC plays along; others than NVIDIA's have tools of their own."""
    return function.vendor == "15b3" or function.native == "eswitchsim"


def _card(state: State, device: str) -> Card:
    pf = _function(state, device).pf
    return state.cards[pf.card if pf else ""]


_TYPES = {
    "1013": "ConnectX4",
    "1015": "ConnectX4LX",
    "1017": "ConnectX5",
    "1019": "ConnectX5",
    "101b": "ConnectX6",
    "101d": "ConnectX6DX",
    "101f": "ConnectX6LX",
    "1021": "ConnectX7",
    "1023": "ConnectX8",
    "a2d6": "BlueField2",
    "a2dc": "BlueField3",
}
_BOARDS = {
    "101d": (
        "MCX623106AN-CDA_Ax",
        "ConnectX-6 Dx EN adapter card; 100GbE; Dual-port QSFP56; PCIe 4.0/3.0 x16;",
    ),
}
"""Name and description by PCI device; of others the twin knows none, and the tool then says N/A."""
_DEFAULTS = {"SRIOV_EN": "True", "NUM_OF_VFS": "8", "INTERNAL_CPU_MODEL": "EMBEDDED_CPU"}
"""What the cards leave the factory with (domain.md 2.1, 2.3); of others it is not known."""
_DIFFERS = "The '*' shows parameters with next value different from default/current value."


@dataclass(frozen=True, slots=True)
class _Layout:
    """Widths in characters (domain.md 2.1). The heads are flush right, the values flush left.

    `mark` is the place for the star, `gap` the width of a value from which a blank follows it.
    """

    label: int
    mark: int
    name: int
    value: int
    gap: int
    heads: tuple[int, int, int]
    alone: int


_OLD = _Layout(16, 9, 36, 16, 17, (36, 16, 18), 38)  # mstflint 4.21, of Debian 12
_NEW = _Layout(20, 8, 44, 20, 20, (48, 20, 18), 50)  # 4.31, of Debian 13


def _layout(state: State) -> _Layout:
    """Debian's releases tell themselves apart by systemd, as in the names of interfaces."""
    return _OLD if state.platform.naming < 254 else _NEW


def _shown(value: str) -> str:
    return {"True": "True(1)", "False": "False(0)", "EMBEDDED_CPU": "EMBEDDED_CPU(1)"}.get(
        value, value
    )


def _query(state: State, device: str, names: Sequence[str], *, every: bool) -> str:
    """`every` is `-e`; without it there is the value of the next boot only, and no star."""
    card, layout = _card(state, device), _layout(state)
    lines = [*_opening(_function(state, device), device, layout), _heads(layout, every=every)]
    differs = False
    for name in names or sorted(card.pending):
        if name not in card.pending:
            raise Failed(f"-E- The Device doesn't support {name} parameter", 3)
        values = [_DEFAULTS.get(name, "N/A"), card.current[name], card.pending[name]]
        star = every and len(set(values)) > 1
        differs |= star
        lines.append(_row(layout, name, values if every else values[2:], star=star))
    return "\n".join([*lines, *([_DIFFERS] if differs else [])]) + "\n"


def _opening(function: Function, device: str, layout: _Layout) -> list[str]:
    name, description = _BOARDS.get(function.device, ("N/A", "N/A"))
    told = {
        "Device type": _TYPES.get(function.device, "N/A"),
        "Name": name,
        "Description": description,
        "Device": device,
    }
    width = layout.label
    shown = [f"{f'{label}:':<{width}}{value:<{width}}" for label, value in told.items()]
    return ["", "Device #1:", "----------", "", *shown, ""]


def _heads(layout: _Layout, *, every: bool) -> str:
    if not every:
        return f"{'Configurations:':<16}{'Next Boot':>{layout.alone}}"
    texts = zip(("Default", "Current", "Next Boot"), layout.heads, strict=True)
    return f"{'Configurations:':<16}" + "".join(f"{text:>{width}}" for text, width in texts)


def _row(layout: _Layout, name: str, values: Sequence[str], *, star: bool) -> str:
    printed = [f"{_shown(value):<{layout.value}}" for value in values]
    spaced = [f"{text} " if len(text) >= layout.gap else text for text in printed[:-1]]
    mark = "*" if star else ""
    return f"{mark:<{layout.mark}}{name:<{layout.name}}{''.join(spaced)}{printed[-1]}"


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


_TOO_FAR = "-E- The tool supports only reset-level 4 on UEFI Secure Boot"
_NOT_EMPTY = "-E- Firmware reset failed, retry operation or reboot machine."
_STAGES = ("Sending Reset Command To Fw", "Stopping Driver", "Resetting PCI", "Starting Driver")


def mstfwreset(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`mstfwreset -d PCI -y -l 3 reset`: the card starts anew, and what was set counts."""
    del input
    return ended(lambda words: _reset(state, words), argv[1:])


def _reset(state: State, words: Sequence[str]) -> str:
    left = [word for word in words if word not in ("-y", "--yes")]
    if (
        len(left) != 5
        or (left[0], *left[2:4]) != ("-d", "-l", "3")
        or left[4] not in ("r", "reset")
    ):
        raise NotSimulated(f"`mstfwreset {' '.join(words)}`")
    if state.platform.secure_boot:
        raise Failed(_TOO_FAR, 1)
    pf = _function(state, left[1]).pf
    card = pf.card if pf else ""
    mine = [f.pf for f in state.functions.values() if f.pf is not None and f.pf.card == card]
    if any(each.vports for each in mine):
        raise Failed(_NOT_EMPTY, 1)
    modules.restart(state, card)
    done = "".join(f"-I- {text:<40}-Done\n" for text in _STAGES)
    return f"{done}-I- FW reset success.\n"
