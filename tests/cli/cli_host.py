"""A machine for the command line: files, answers of programs, and what `observe` shows of it."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from eswitch.errors import CommandFailed, HostError, Locked, NotFound
from eswitch.host import Result
from eswitch.model.observed import KernelState, ObservedState


@dataclass
class CliHost:
    """`states` is what one look after the other shows; the last one stays. `answers` maps the
    beginning of a command to what it prints, or to the error that it ends with, `signals` to what
    this process gets while it runs. `log` has every effect in order."""

    states: list[ObservedState] = field(
        default_factory=lambda: [ObservedState(KernelState("6.14"))]
    )
    files: dict[str, bytes | HostError] = field(default_factory=dict)
    answers: dict[str, str | BaseException] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    root: bool = True
    locked: bool = False
    signals: dict[str, signal.Signals] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    time: float = 0.0

    def look(self) -> ObservedState:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def read_bytes(self, path: str, limit: int) -> bytes:
        if any(name.startswith(f"{path}/") for name in self.files):
            raise HostError(f"cannot read {path}: Is a directory", errno=errno.EISDIR)
        content = self.files.get(path)
        if content is None:
            raise NotFound(f"cannot read {path}: No such file or directory", errno=errno.ENOENT)
        if isinstance(content, HostError):
            raise content
        return content[:limit]

    def read(self, path: str) -> str:
        return self.read_bytes(path, 1 << 30).decode().removesuffix("\n")

    def list(self, path: str) -> tuple[str, ...]:
        names = {
            name[len(path) + 1 :].split("/")[0] for name in self.files if name.startswith(path)
        }
        if not names:
            raise NotFound(f"no {path}")
        return tuple(sorted(names))

    def append_lines(self, path: str, lines: Sequence[str]) -> None:
        old = self.files.get(path, b"")
        assert isinstance(old, bytes)
        self.files[path] = old + "".join(f"{line}\n" for line in lines).encode()

    def write_attribute(self, path: str, value: str, timeout: float) -> None:
        assert timeout > 0
        self._effect(f"echo {value} > {path}")

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
        del ok, whole
        return Result(0, self._effect(" ".join(argv) + (f" <<< {input!r}" if input else "")), "")

    def _effect(self, text: str) -> str:
        self.log.append(text)
        self.time += 0.25
        for start, number in self.signals.items():
            if text.startswith(start):
                signal.raise_signal(number)
        for start, answer in self.answers.items():
            if text.startswith(start):
                if not isinstance(answer, str):
                    raise answer
                return answer
        return ""

    def which(self, program: str) -> str | None:
        return f"/usr/bin/{program}"

    @contextmanager
    def lock(self, path: str, *, keep: bool = True) -> Iterator[None]:
        if self.locked:
            raise Locked(f"process 812 (eswitch) holds {path}", hint="wait until it has ended")
        yield

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


def failed(argv: str, stderr: str, status: int = 1) -> CommandFailed:
    """How a program ended that was not content."""
    return CommandFailed(argv.split(), status, "", stderr)
