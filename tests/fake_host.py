"""The fake host: files, answers of programs, what `observe` shows, and a log of every effect."""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from eswitch.errors import CommandFailed, HostError, Locked, NotFound
from eswitch.host import Result
from eswitch.model.observed import KernelState, ObservedState

Answer = str | Result | BaseException | Callable[[float], str]
"""What a program prints, how it ends, or what is raised; or what it prints at a time."""
Failure = Callable[[str], BaseException | None]
"""What an effect ends with instead of happening, by its text in the log."""


@dataclass
class FakeHost:
    """Implements `door.Host`. `log` has every effect in order, as it would be typed.

    `states` is what one look after the other shows; the last one stays. `answers` maps the
    beginning of a command to its answer (the longest counts), `signals` to what this process gets
    while it runs. What is not in `answers` is silent and ends well, unless `strict`. Each effect
    takes `cost` seconds. `held` is the lock that is held now.
    """

    states: list[ObservedState] = field(
        default_factory=lambda: [ObservedState(KernelState("6.14"))]
    )
    files: dict[str, bytes | HostError] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    root: bool = True
    locked: bool = False
    signals: dict[str, signal.Signals] = field(default_factory=dict)
    fail: Failure = lambda _effect: None
    log: list[str] = field(default_factory=list)
    time: float = 0.0
    cost: float = 0.25
    strict: bool = False
    held: str | None = None

    def look(self) -> ObservedState:
        """What `observe` shows where a test puts this in its place."""
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def text(self, path: str) -> str:
        """The whole file, with its last newline."""
        return self.read_bytes(path, 1 << 30).decode()

    # ---- the door

    def read(self, path: str) -> str:
        return self.text(path).removesuffix("\n")

    def read_bytes(self, path: str, limit: int) -> bytes:
        if self._below(path):
            raise HostError(f"cannot read {path}: Is a directory", errno=errno.EISDIR)
        content = self.files.get(path)
        if content is None:
            raise _absent(path)
        if isinstance(content, HostError):
            raise content
        return content[:limit]

    def list(self, path: str) -> tuple[str, ...]:
        names = {name.split("/")[0] for name in self._below(path)}
        if not names:
            raise _absent(path)
        return tuple(sorted(names))

    def resolve(self, path: str) -> str:
        if path not in self.files and not self._below(path):
            raise _absent(path)
        return path

    def write_attribute(self, path: str, value: str, timeout: float) -> None:
        assert timeout > 0
        self._effect(f"echo {value} > {path}")

    def replace_file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        self._effect(f"replace {path}")
        self.files[path] = content

    def remove_file(self, path: str) -> None:
        self._effect(f"rm {path}")
        self.files.pop(path, None)

    def check_writable(self, path: str) -> None:
        if isinstance(refused := self.files.get(path), HostError):
            raise refused

    def append_lines(self, path: str, lines: Sequence[str]) -> None:
        assert not any("\n" in line for line in lines)
        error = self.fail(f"append {lines[0][:12]}")  # only its kind
        if error:
            raise error
        old = self.files.get(path, b"")
        assert isinstance(old, bytes)
        self.files[path] = old + "".join(f"{line}\n" for line in lines).encode()

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,
        timeout: float = 30.0,
        ok: Sequence[int] | None = (0,),
        whole: bool = False,
    ) -> Result:
        assert timeout > 0
        line = " ".join(argv) + (f" <<< {input!r}" if input else "")
        answer = self._effect(line)
        result = answer if isinstance(answer, Result) else Result(0, answer, "")
        if ok is not None and result.status not in ok:
            raise CommandFailed(argv, result.status, result.stdout, result.stderr)
        return result

    def which(self, program: str) -> str | None:
        return f"/usr/bin/{program}"

    @contextmanager
    def lock(self, path: str, *, keep: bool = True) -> Iterator[None]:
        assert path.startswith("/run/")
        assert self.held is None, "it would wait for itself"
        if self.locked:
            raise Locked(f"process 812 (eswitch) holds {path}", hint="wait until it has ended")
        self.held = path
        try:
            yield
        finally:
            self.held = None

    def is_root(self) -> bool:
        return self.root

    def environment(self, name: str) -> str | None:
        return self.variables.get(name)

    def monotonic(self) -> float:
        return self.time

    def now(self) -> str:
        return "2026-01-02T03:04:05Z"

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds

    # ---- inside

    def _below(self, path: str) -> tuple[str, ...]:
        prefix = f"{path}/"
        return tuple(name.removeprefix(prefix) for name in self.files if name.startswith(prefix))

    def _effect(self, text: str) -> str | Result:
        error = self.fail(text)
        if error:
            raise error
        self.log.append(text)
        self.time += self.cost
        for start, number in self.signals.items():
            if text.startswith(start):
                signal.raise_signal(number)
        known = [start for start in self.answers if text.startswith(start)]
        assert known or not self.strict, f"nobody foresaw {text}"
        answer = self.answers[max(known, key=len)] if known else ""
        if isinstance(answer, BaseException):
            raise answer
        return answer(self.time) if callable(answer) else answer


def _absent(path: str) -> NotFound:
    message = f"cannot read {path}: No such file or directory"
    return NotFound(message, where=path, errno=errno.ENOENT)


def scripted(answers: dict[str, Answer]) -> FakeHost:
    """One that is only asked, and whose clock moves only when somebody sleeps."""
    return FakeHost(answers=answers, time=1000.0, cost=0.0, strict=True)


def failed(argv: str, stderr: str, status: int = 1) -> CommandFailed:
    """How a program ended that was not content."""
    return CommandFailed(argv.split(), status, "", stderr)


def fails(words: str, stderr: str, status: int = 1) -> Failure:
    """A command that contains `words` fails with this text."""
    return lambda effect: failed(effect, stderr, status) if words in effect else None


def full(start: str) -> Failure:
    """The disk is full from the journal's line on that starts so."""
    error = HostError("cannot write x: No space left on device", errno=errno.ENOSPC)
    return lambda effect: error if effect.startswith(f"append {start}") else None
