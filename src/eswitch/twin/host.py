"""The door of a simulated machine: every operation takes its time."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NoReturn, TypeVar

from eswitch.errors import CommandFailed, HostError, Locked, NotFound, TimedOut
from eswitch.host import Result

from . import boot, commands, files, guests, units
from .clock import advance
from .commands.tool import NotSimulated
from .nics import Blocks
from .paths import NoPath
from .procfs import Root
from .refusal import Refusal
from .state import Conversation, Guest, State
from .traffic import check
from .tree import Directory, File, walk
from .units import Start

Answer = TypeVar("Answer")

_DELIVERED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_PROCESS = 0.01
"""Seconds that a process takes; measured 10 to 40 ms in the lab."""
_PER_VF = 0.15
"""Seconds that the kernel takes for a VF (facts 10.1: 127 VFs in 20 s)."""
_MODE = 1.5
"""Seconds that a mode change takes; on a ConnectX three to four (facts 9.2)."""


class Twin:
    """Implements `host.Host` on a State.

    `operations` is every operation that was asked for, in order; `state` may be looked at and, by
    tests, changed.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.operations: list[str] = []
        self._locked: set[str] = set()

    # ---- what a person or a test does to the machine

    def reboot(self) -> None:
        """Lose what a reboot loses, and come up again. What systemd starts then, somebody has to
        play: `to_start`, and `end_boot` after it."""
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

    # ---- what is read

    def _begin(self, operation: str) -> None:
        """Whatever is asked of the machine is told here first."""
        self.operations.append(operation)

    def _look(self, verb: str, path: str, look: Callable[[], Answer]) -> Answer:
        """One operation that changes nothing."""
        self._begin(f"{verb} {path}")
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
        self._begin(f"write {path} {value}")
        try:
            self._write(path, value)
        except Refusal as refusal:
            words = f"writing {value!r} to {path}: {refusal.words}"
            raise HostError(words, errno=refusal.errno) from None
        except Blocks:
            self._hang(path, value, timeout)
        advance(self.state, 0.0)

    def _write(self, path: str, value: str) -> None:
        """Raises Refusal, Blocks and NotFound."""
        try:
            _, node = walk(Root(self.state).node(), path)
        except Refusal as refusal:
            if refusal.errno == errno.ENOENT:
                raise NotFound(f"{path} does not exist", errno=errno.ENOENT) from None
            raise
        if not isinstance(node, File) or node.write is None:
            raise Refusal(errno.EACCES)
        # The kernel is at it for a while; udev begins with what is there at the end.
        vfs = path.endswith("/sriov_numvfs") and value.isdecimal()
        advance(self.state, _PER_VF * min(int(value), 256) if vfs else 0.0)
        node.write(value)

    def _hang(self, path: str, value: str, timeout: float) -> NoReturn:
        advance(self.state, timeout)
        raise TimedOut(f"the kernel is still busy with {value!r} to {path} after {timeout:g} s")

    def replace_file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """A file's new content; all of it or nothing."""
        del mode
        self._begin(f"replace {path}")
        self._change("write", path, content.decode("utf-8", "surrogateescape"))

    def remove_file(self, path: str) -> None:
        """Remove a file; one that is not there is no error."""
        self._begin(f"remove {path}")
        self._change("remove", path, None)

    def check_writable(self, path: str) -> None:
        """Every file is; its directories are made of themselves."""
        self._begin(f"check {path}")

    def append_lines(self, path: str, lines: Sequence[str]) -> None:
        """Append lines in one write; a line that a crash cut short is ended first."""
        self._begin(f"append {path}")
        old = self.state.files.get(path, "")
        torn = "\n" if old and not old.endswith("\n") else ""
        self._change("write", path, old + torn + "".join(f"{line}\n" for line in lines))

    def _change(self, verb: str, path: str, text: str | None) -> None:
        try:
            self._store(path, text)
        except Refusal as refusal:
            raise _refused(verb, path, refusal) from None

    def _store(self, path: str, text: str | None) -> None:
        """What the file holds from now on; None for no file. Raises Refusal."""
        if text is None:
            files.remove(self.state, path)
            units.unlink(self.state, path)
        else:
            files.check_place(self.state, path)
            self.state.files[path] = text

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
        self._begin(f"run {' '.join(argv)}" + (f" <<< {input!r}" if input is not None else ""))
        if commands.which(self.state, argv[0]) is None:
            raise NotFound(f"`{argv[0]}` is not installed")
        result = self._play(argv, input, timeout)
        if ok is not None and result.status not in ok:
            raise CommandFailed(argv, result.status, result.stdout, result.stderr)
        return result

    def _play(self, argv: Sequence[str], input: str | None, timeout: float) -> Result:
        """How the program ended; none of the machine's own takes longer than it may."""
        del timeout
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
        self._begin(f"lock {path}")
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
        advance(self.state, seconds)


def _refused(verb: str, path: str, refusal: Refusal) -> HostError:
    kind = NotFound if refusal.errno in (errno.ENOENT, errno.ENOTDIR) else HostError
    return kind(f"cannot {verb} {path}: {refusal.words}", errno=refusal.errno)


__all__ = ["NotSimulated", "Twin"]
