"""mstconfig and mstfwreset: what a card's firmware says, and what makes it count.

Formats: facts 2.1 (mstflint 4.21 and 4.31) and facts 2.4.
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
    result = ended(lambda words: _mstconfig(state, words), argv[1:])
    # What it complains about it says on stdout, as mstflint 4.31 does in the lab.
    return Result(result.status, result.stdout + result.stderr, "")


def _mstconfig(state: State, words: Sequence[str]) -> str:
    left = [word for word in words if word not in ("-e", "-y", "--yes")]
    if len(left) < 3 or left[0] != "-d":
        raise NotSimulated(f"`mstconfig {' '.join(words)}`")
    _, device, verb, *rest = left
    _card(state, device)  # before anything else: it may not open
    if state.kernel.lockdown:
        raise Failed(_LOCKED, 3)
    if verb in ("q", "query"):
        return _query(state, device, rest, every="-e" in words)
    if verb != "set":
        raise NotSimulated(f"`mstconfig {verb}`")
    return _set(state, device, rest)


def _function(state: State, device: str) -> Function:
    pci = device if device.count(":") == 2 else f"0000:{device}"
    function = state.functions.get(pci)
    if function is None or function.pf is None or not _has_tool(state, function):
        raise Failed("-E- Failed to open the device", 3)
    return function


def _has_tool(state: State, function: Function) -> bool:
    """The lab's NIC plays along where it has such settings; others have tools of their own."""
    card = state.cards[function.pf.card if function.pf else ""]
    return function.vendor == "15b3" or (
        function.native == "eswitchsim" and "SRIOV_EN" in card.current
    )


def _card(state: State, device: str) -> Card:
    pf = _function(state, device).pf
    return state.cards[pf.card if pf else ""]


_LABS = "0010"
"""The lab's NIC, which says that it is a ConnectX-6 Dx."""
_TYPES = {
    _LABS: "ConnectX6DX",
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
_CX6DX = (
    "MCX623106AN-CDA_Ax",
    "ConnectX-6 Dx EN adapter card; 100GbE; Dual-port QSFP56; PCIe 4.0/3.0 x16;",
)
_BOARDS = {"101d": _CX6DX, _LABS: _CX6DX}
"""Name and description by PCI device; of others the twin knows none, and the tool then says N/A."""
_DEFAULTS = {"SRIOV_EN": "True", "NUM_OF_VFS": "8", "INTERNAL_CPU_MODEL": "EMBEDDED_CPU"}
"""What the cards leave the factory with (facts 2.1, 2.3); of others it is not known."""
_LABS_DEFAULTS = {**_DEFAULTS, "SRIOV_EN": "False"}
_DIFFERS = "The '*' shows parameters with next value different from default/current value."


@dataclass(frozen=True, slots=True)
class _Layout:
    """Widths in characters (facts 2.1). The heads are flush right, the values flush left.

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
        values = [_default(state, device, name), card.current[name], card.pending[name]]
        star = every and len(set(values)) > 1
        differs |= star
        lines.append(_row(layout, name, values if every else values[2:], star=star))
    return "\n".join([*lines, *([_DIFFERS] if differs else [])]) + "\n"


def _default(state: State, device: str, name: str) -> str:
    lab = _function(state, device).device == _LABS
    return (_LABS_DEFAULTS if lab else _DEFAULTS).get(name, "N/A")


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
    return ["", "Device #1:", "----------", "", *shown, *([] if layout is _OLD else [""])]


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
"""What firmware takes at most for a PF (facts 2.3)."""


def _set(state: State, device: str, settings: Sequence[str]) -> str:
    """All of them or none. It shows what is and what will be, and asks, which `-y` answers."""
    card, layout = _card(state, device), _layout(state)
    new: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise Failed(f"-E- Invalid Configuration argument: {setting}", 3)
        if name not in card.pending:
            raise Failed(f"-E- The Device doesn't support {name} parameter", 3)
        is_flag = card.pending[name] in ("True", "False")
        fits = value.isascii() and value.isdecimal() and int(value) <= _MOST_VFS
        if value not in _FLAGS if is_flag else not fits:
            raise Failed(f"-E- Failed to parse the value of parameter {name}: {value}", 3)
        new[name] = _FLAGS[value] if is_flag else str(int(value))
    lines = [*_opening(_function(state, device), device, layout), _heads(layout, every=False)]
    for name, value in new.items():
        was, will = _shown(card.pending[name]), _shown(value)
        lines.append(f"{'':9}{name:<{layout.name}}{was:<20}{will:<20}")
    card.pending = {**card.pending, **new}
    asked = "\n Apply new Configuration? (y/n) [n] : y\nApplying... Done!\n"
    told = "-I- Please reboot machine to load new configurations.\n"
    return "\n".join(lines) + f"\n{asked}{told}"


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
