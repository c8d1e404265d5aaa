"""Actions: what a step does to the host, as a person would type it. Values: nothing here runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from shlex import quote
from typing import ClassVar

from .identifiers import PciAddress


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Stands where a name will be: the thing does not exist yet, so only its identity is known."""

    identity: str

    def __str__(self) -> str:
        return f"<{self.identity}>"


def printf(text: str) -> str:
    """What prints exactly this text when a shell runs it, in one line that can be read and typed.

    What no terminal shows is written as octal digits. A text that is no UTF-8 has its bytes.
    """
    lines = text.split("\n")
    whole = lines[-1] == ""  # printf uses its format again for each further argument
    lines = lines[:-1] if whole else lines
    plain = all(char.isprintable() for line in lines for char in line)
    conversion = "%s" if plain else "%b"
    words = (quote(line if plain else _octal(line)) for line in lines)
    shape = f"{conversion}\\n" if whole else "\\n".join([conversion] * len(lines))
    shape = quote(shape) if "\\" in shape else shape
    return " ".join(("printf", shape, *words)) if text else "printf ''"


def _octal(line: str) -> str:
    return "".join(
        char
        if char.isprintable() and char != "\\"
        else "".join(f"\\0{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))
        for char in line
    )


Word = str | Unnamed
"""One argument of a command: text, or the identity of what has no name yet."""


class Tool(StrEnum):
    """Programs that change something. The engine joins neighbouring commands of one where it can:
    one process, or one OVSDB transaction."""

    IP = "ip"
    DEVLINK = "devlink"
    OVS = "ovs-vsctl"
    TC = "tc"
    ETHTOOL = "ethtool"  # takes one command at a time


@dataclass(frozen=True, slots=True)
class Write:
    """One write to an attribute of the kernel. `timeout` in seconds."""

    KIND: ClassVar[str] = "write"
    path: str
    value: Word
    timeout: float = 10.0

    def __str__(self) -> str:
        value = str(self.value) if isinstance(self.value, Unnamed) else quote(self.value)
        return f"echo {value} > {self.path}"

    @property
    def unnamed(self) -> bool:
        """True while the value is an identity without a name: the write cannot happen yet."""
        return isinstance(self.value, Unnamed)


@dataclass(frozen=True, slots=True)
class SetVfCount:
    """Make, or remove, a PF's VFs: one write to its `sriov_numvfs`, which goes from one number to
    another only over 0. `timeout` in seconds: it can block for minutes, and forever while a guest
    holds a VF (domain.md 1.2)."""

    KIND: ClassVar[str] = "set-vf-count"
    pf: PciAddress
    count: int
    timeout: float

    def __str__(self) -> str:
        return f"echo {self.count} > {self.path}"

    @property
    def path(self) -> str:
        """The attribute."""
        return f"/sys/bus/pci/devices/{self.pf}/sriov_numvfs"

    @property
    def unnamed(self) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a tool, as a person would type it (without `--` and batch files)."""

    KIND: ClassVar[str] = "command"
    tool: Tool
    args: tuple[Word, ...]

    def __str__(self) -> str:
        words = (str(word) if isinstance(word, Unnamed) else quote(word) for word in self.args)
        return " ".join((self.tool.value, *words))

    @property
    def unnamed(self) -> bool:
        """True while an argument is an identity without a name: the command cannot run yet."""
        return any(isinstance(word, Unnamed) for word in self.args)


@dataclass(frozen=True, slots=True)
class Settle:
    """Wait until udev has named new devices: until then their names may change at any moment.

    With `pf` only until the interfaces of that PF, its representors among them, have their names:
    udev's other work on new VFs takes several times as long, and nobody needs to wait for it.
    `timeout` in seconds. A wait that is not `urgent` may be put off behind writes that follow.
    """

    KIND: ClassVar[str] = "settle"
    timeout: int = 180
    urgent: bool = False
    pf: PciAddress | None = None

    def __str__(self) -> str:
        typed = f"udevadm settle --timeout={self.timeout}"
        return f"{typed}  # until the interfaces of {self.pf} have names" if self.pf else typed

    @property
    def unnamed(self) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is run by itself, never joined with others. Never a shell.

    `timeout` in seconds; what it says is kept in the file `log` if that is given. A Ctrl-C waits
    for the end of one that is `whole`: half of it is worse than all or nothing (what a machine
    boots from, what a card starts with). One that is `brought` came with what it undoes: where it
    does not exist, there is nothing to undo.
    """

    KIND: ClassVar[str] = "program"
    argv: tuple[str, ...]
    input: str | None = None
    timeout: float = 120.0
    log: str = ""
    whole: bool = False
    brought: bool = False

    def __str__(self) -> str:
        typed = " ".join(quote(word) for word in self.argv)
        if self.input is not None:
            typed = f"{printf(self.input)} | {typed}"
        return f"{typed} > {self.log} 2>&1" if self.log else typed

    @property
    def unnamed(self) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class Replace:
    """A whole file's text becomes another; None is no file. If it is neither `old` nor `new`,
    somebody else has changed it since the plan was made, and nothing is written."""

    KIND: ClassVar[str] = "replace"
    path: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        if self.new is None:
            return f"rm {quote(self.path)}"
        return f"{printf(self.new)} > {quote(self.path)}"

    @property
    def unnamed(self) -> bool:
        """Never."""
        return False

    @property
    def inverse(self) -> Replace:
        """What puts the old text back."""
        return Replace(self.path, self.new, self.old)


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep, for eswitch itself, what a file says now: `note` becomes a copy of `path`. No change of
    the host that anybody would type."""

    KIND: ClassVar[str] = "remember"
    path: str
    note: str

    def __str__(self) -> str:
        return f"remember {self.path} in {self.note}"

    @property
    def unnamed(self) -> bool:
        """Never."""
        return False


Action = Write | SetVfCount | Command | Settle | Program | Replace | Remember


def by_hand(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Those that a person would type to do the same."""
    return tuple(action for action in actions if not isinstance(action, Remember))
