"""The door of a simulated machine: every operation takes its time, and may go wrong by plan."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import NoReturn, TypeVar

from eswitch.errors import CommandFailed, HostError, Locked, NotFound, TimedOut
from eswitch.host import Result

from . import boot, commands, files, guests, units
from .clock import advance
from .commands.tool import NotSimulated
from .faults import Fault, Kind, Plan, PowerLoss
from .nics import Blocks
from .paths import NoPath
from .procfs import Root
from .refusal import Refusal, strerror
from .state import Conversation, Guest, State
from .traffic import check
from .tree import Directory, File, walk
from .units import Start

Answer = TypeVar("Answer")

_DELIVERED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_PROCESS = 0.01
"""Seconds that a process takes; measured 10 to 40 ms in the lab."""
_PER_VF = 0.15
"""Seconds that the kernel takes for a VF (lab-notes.md: 127 VFs in 20 s)."""
_MODE = 1.5
"""Seconds that a mode change takes on a ConnectX (peers.md: one to two)."""
_READING = frozenset(
    (
        *("show", "list", "get", "dump-flows", "-json", "--json", "settle", "dmesg"),
        *("q", "modinfo", "sha256sum", "status", "--version", "is-active", "--test-key"),
    )
)


class Twin:
    """Implements `host.Host` on a State.

    `operations` is every operation that was asked for, in order; `state` may be looked at and, by
    tests, changed. Raises PowerLoss for everything between a loss of power and `reboot`.
    """

    def __init__(self, state: State, faults: Iterable[Fault] = ()) -> None:
        self.state = state
        self.faults = Plan(faults)
        self.operations: list[str] = []
        self._locked: set[str] = set()

    # ---- what a person or a test does to the machine

    def reboot(self) -> None:
        """Lose what a reboot loses, and come up again; also after a loss of power. What systemd
        starts then, somebody has to play: `to_start`, and `end_boot` after it."""
        boot.reboot(self.state)
        self._locked.clear()

    def to_start(self) -> tuple[Start, ...]:
        """The services that systemd starts in this boot: asked once, and empty from then on."""
        found = units.to_start(self.state)
        self.state.begun = self.state.boots
        return found

    def end_boot(self) -> None:
        """What comes after those services: guests."""
        boot.finish(self.state)

    def guest(self, name: str) -> Guest:
        """The guest of that name; raises NotFound."""
        try:
            return self.state.guests[name]
        except KeyError:
            there = ", ".join(sorted(self.state.guests)) or "none"
            raise NotFound(f"no guest {name}", hint=f"guests: {there}") from None

    def start_guest(self, name: str) -> None:
        """Start it; raises HostError with Proxmox's words if it cannot."""
        guest = self.guest(name)
        try:
            guests.start(self.state, guest)
        except guests.CannotStart as why:
            raise HostError(str(why), where=name) from None
        advance(self.state, 0.0)

    def stop_guest(self, name: str) -> None:
        """Stop it, and let its VF go."""
        guests.stop(self.state, self.guest(name))
        advance(self.state, 0.0)

    def traffic(
        self,
        one: str,
        other: str,
        *,
        seconds: float = 10.0,
        watch: float = 2.0,
        rate: int = 100,
        size: int = 98,
    ) -> None:
        """Let two ends talk for so long, in packets a second and bytes; wait the first `watch`
        seconds of it. Raises HostError with the reason if no packet can come through.
        """
        try:
            check(self.state, one, other)
        except NoPath as why:
            raise HostError(str(why)) from None
        until = self.state.clock + seconds
        self.state.conversations.append(Conversation(one, other, rate, size, until))
        advance(self.state, min(watch, seconds))

    # ---- operations, and how they go wrong

    def _operation(self, text: str, *, change: bool) -> Fault | None:
        if not self.state.powered:
            raise PowerLoss("the machine has no power")
        self.operations.append(text)
        return self.faults.next(text, change=change)

    def _lose_power(self) -> NoReturn:
        self.state.powered = False
        raise PowerLoss("the machine has lost power")

    def _look(self, verb: str, path: str, look: Callable[[], Answer]) -> Answer:
        """One operation that changes nothing; whatever goes wrong with it is a failure."""
        fault = self._operation(f"{verb} {path}", change=False)
        if fault is not None and fault.kind is Kind.POWER:
            self._lose_power()
        if fault is not None:
            raise _refused(verb, path, Refusal(fault.errno))
        try:
            return look()
        except Refusal as refusal:
            raise _refused(verb, path, refusal) from None

    def _content(self, path: str) -> bytes:
        _, node = walk(Root(self.state).node(), path)
        if not isinstance(node, File):
            raise Refusal(errno.EISDIR)
        return node.read()

    def read(self, path: str) -> str:
        """The whole file as text, without its last newline."""
        content = self._look("read", path, lambda: self._content(path))
        return content.decode("utf-8", "replace").removesuffix("\n")

    def read_bytes(self, path: str, limit: int) -> bytes:
        """At most `limit` bytes of the file."""
        content = self._look("read", path, lambda: self._content(path))
        return content[: limit if limit >= 0 else None]

    def list(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""

        def names() -> tuple[str, ...]:
            _, node = walk(Root(self.state).node(), path)
            if not isinstance(node, Directory):
                raise Refusal(errno.ENOTDIR)
            return tuple(sorted(node.names()))

        return self._look("list", path, names)

    def resolve(self, path: str) -> str:
        """The path with all symbolic links followed."""
        return self._look("resolve", path, lambda: walk(Root(self.state).node(), path)[0])

    # ---- writes

    def write_attribute(self, path: str, value: str, timeout: float) -> None:
        """One write() to an existing attribute."""
        fault = self._operation(f"write {path} {value}", change=True)
        kind = fault.kind if fault else None
        if fault is not None and kind is Kind.FAIL:
            raise _not_written(path, value, Refusal(fault.errno))
        if kind is Kind.HANG:
            self._hang(path, value, timeout)
        numvfs = path.endswith("/sriov_numvfs")
        if kind is not Kind.LIE:
            self._write(path, value, timeout, half=numvfs and kind is Kind.HALF)
        if kind is Kind.POWER:
            self._lose_power()
        if kind is Kind.LATE:
            self._hang(path, value, timeout)
        if fault is not None and kind is Kind.HALF and not numvfs:
            raise _not_written(path, value, Refusal(fault.errno))

    def _write(self, path: str, value: str, timeout: float, *, half: bool) -> None:
        root = Root(self.state)
        if half and value.isdecimal():
            came = ceil(int(value) / 2)
            self.state.say(f"{path}: {value} VFs requested; only {came} enabled")
            value = str(came)
        try:
            _, node = walk(root.node(), path)
        except Refusal as refusal:
            if refusal.errno == errno.ENOENT:
                raise NotFound(f"{path} does not exist", errno=errno.ENOENT) from None
            raise _not_written(path, value, refusal) from None
        if not isinstance(node, File) or node.write is None:
            raise _not_written(path, value, Refusal(errno.EACCES))
        # The kernel is at it for a while; udev begins with what is there at the end.
        vfs = path.endswith("/sriov_numvfs") and value.isdecimal()
        advance(self.state, _PER_VF * min(int(value), 256) if vfs else 0.0)
        try:
            node.write(value)
        except Refusal as refusal:
            raise _not_written(path, value, refusal) from None
        except Blocks:
            self._hang(path, value, timeout)
        advance(self.state, 0.0)

    def _hang(self, path: str, value: str, timeout: float) -> NoReturn:
        advance(self.state, timeout)
        raise TimedOut(f"the kernel is still busy with {value!r} to {path} after {timeout:g} s")

    def replace_file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """A file's new content; all of it or nothing."""
        del mode
        self._store(f"replace {path}", path, content.decode("utf-8", "surrogateescape"), "")

    def remove_file(self, path: str) -> None:
        """Remove a file; one that is not there is no error."""
        fault = self._operation(f"remove {path}", change=True)
        if fault is not None and fault.kind in (Kind.FAIL, Kind.HANG, Kind.HALF):
            raise HostError(f"cannot remove {path}: {strerror(fault.errno)}", errno=fault.errno)
        try:
            files.remove(self.state, path)
        except Refusal as refusal:
            raise _refused("remove", path, refusal) from None
        units.unlink(self.state, path)
        if fault is not None and fault.kind is Kind.POWER:
            self._lose_power()

    def check_writable(self, path: str) -> None:
        """Every file is; its directories are made of themselves."""
        self._operation(f"check {path}", change=False)

    def append_lines(self, path: str, lines: Sequence[str]) -> None:
        """Append lines in one write; a line that a crash cut short is ended first."""
        old = self.state.files.get(path, "")
        torn = "\n" if old and not old.endswith("\n") else ""
        text = torn + "".join(f"{line}\n" for line in lines)
        self._store(f"append {path}", path, text, old)

    def _store(self, operation: str, path: str, text: str, old: str) -> None:
        """An append may stop half way, a replacement cannot. Disks do not lie here."""
        fault = self._operation(operation, change=True)
        kind = fault.kind if fault else None
        if fault is not None and kind in (Kind.FAIL, Kind.HANG):
            raise HostError(f"cannot write {path}: {strerror(fault.errno)}", errno=fault.errno)
        try:
            files.check_place(self.state, path)
        except Refusal as refusal:
            raise _refused("write", path, refusal) from None
        half = kind in (Kind.HALF, Kind.POWER) and operation.startswith("append")
        self.state.files[path] = old + (text[: len(text) // 2] if half else text)
        if kind is Kind.POWER:
            self._lose_power()
        if fault is not None and kind is Kind.HALF:
            raise HostError(f"cannot write {path}: {strerror(errno.ENOSPC)}", errno=errno.ENOSPC)

    # ---- programs

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,
        timeout: float = 30.0,
        ok: Sequence[int] | None = (0,),
        whole: bool = False,
    ) -> Result:
        """Run a program; raises NotSimulated for one that the twin cannot play."""
        del whole
        text = " ".join(argv) + (f" <<< {input!r}" if input is not None else "")
        reading = any(word in _READING or word.startswith("dpctl/") for word in argv)
        change = not (reading or tuple(argv[:2]) == ("ethtool", "-k"))
        fault = self._operation(f"run {text}", change=change)
        if commands.which(self.state, argv[0]) is None:
            raise NotFound(f"`{argv[0]}` is not installed")
        result = self._ended(argv, input, timeout, fault)
        if ok is not None and result.status not in ok:
            raise CommandFailed(argv, result.status, result.stdout, result.stderr)
        return result

    def _ended(
        self, argv: Sequence[str], input: str | None, timeout: float, fault: Fault | None
    ) -> Result:
        kind = fault.kind if fault else None
        if fault is None:
            return self._play(argv, input)
        if kind is Kind.LIE:
            return Result(0, "", "")
        if kind is Kind.HALF:
            return self._half(argv, input, fault)
        if kind in (Kind.LATE, Kind.POWER):
            self._play(argv, input)
        if kind is Kind.POWER:
            self._lose_power()
        if kind in (Kind.LATE, Kind.HANG):
            advance(self.state, timeout)
            raise TimedOut(f"`{argv[0]}` did not end within {timeout:g} s")
        return Result(1, "", f"{argv[0]}: {strerror(fault.errno)}\n")

    def _half(self, argv: Sequence[str], input: str | None, fault: Fault) -> Result:
        """The first half of a batch; of anything else the whole, reported as failed."""
        lines = (input or "").splitlines(keepends=True)
        half = len(lines) // 2
        words = f"{argv[0]}: {strerror(fault.errno)}\n"
        if len(lines) < 2:
            self._play(argv, input)
            return Result(1, "", words)
        done = self._play(argv, "".join(lines[:half]))
        return Result(1, done.stdout, f"{done.stderr}{words}Command failed -:{half + 1}\n")

    def _play(self, argv: Sequence[str], input: str | None) -> Result:
        modes = f"{' '.join(argv)} {input or ''}".count(" mode ")
        boots = self.state.boots
        result = commands.run(self.state, argv, input)
        if self.state.boots != boots:
            self._locked.clear()
        advance(self.state, _PROCESS + _MODE * modes)
        return result

    def which(self, program: str) -> str | None:
        """Where a program is, or None."""
        return commands.which(self.state, program)

    # ---- the rest of the door

    @contextmanager
    def lock(self, path: str, *, keep: bool = True) -> Iterator[None]:
        """Hold an exclusive lock."""
        del keep
        self._operation(f"lock {path}", change=False)
        if path in self._locked:
            raise Locked("another eswitch process is changing this host", where=path)
        self._locked.add(path)
        try:
            yield
        finally:
            self._locked.discard(path)

    def is_root(self) -> bool:
        """Whether the user is the superuser."""
        return self.state.root

    def environment(self, name: str) -> str | None:
        """One variable of the user's environment on that machine."""
        return self.state.environment.get(name)

    def monotonic(self) -> float:
        """Simulated seconds."""
        return self.state.clock

    def now(self) -> str:
        """The simulated wall clock."""
        moment = _DELIVERED + timedelta(seconds=self.state.clock)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def sleep(self, seconds: float) -> None:
        """Time passes on the machine, and none here."""
        if not self.state.powered:
            raise PowerLoss("the machine has no power")
        advance(self.state, seconds)


def _refused(verb: str, path: str, refusal: Refusal) -> HostError:
    kind = NotFound if refusal.errno in (errno.ENOENT, errno.ENOTDIR) else HostError
    return kind(f"cannot {verb} {path}: {refusal.words}", errno=refusal.errno)


def _not_written(path: str, value: str, refusal: Refusal) -> HostError:
    words = f"writing {value!r} to {path}: {refusal.words}"
    return HostError(words, errno=refusal.errno)


__all__ = ["NotSimulated", "Twin"]
