"""A host that remembers what was done to it, and a clock that only sleeping moves."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from eswitch.errors import CommandFailed, HostError, NotFound
from eswitch.host import Result


class FakeHost:
    """Implements what the engine uses of the door; `log` holds every effect in order."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.log: list[str] = []
        self.time = 0.0
        self.fail: Callable[[str], HostError | None] = lambda effect: None

    def _effect(self, effect: str) -> None:
        error = self.fail(effect)
        if error:
            raise error
        self.log.append(effect)

    def read(self, path: str) -> str:
        if path not in self.files:
            raise NotFound(f"no {path}", where=path)
        return self.files[path].removesuffix("\n")

    def list(self, path: str) -> tuple[str, ...]:
        prefix = path + "/"
        names = {p[len(prefix) :].split("/")[0] for p in self.files if p.startswith(prefix)}
        if not names:
            raise NotFound(f"no {path}", where=path)
        return tuple(sorted(names))

    def append_lines(self, path: str, lines: Sequence[str]) -> None:
        assert not any("\n" in line for line in lines)
        error = self.fail(f"append {lines[0][:12]}")  # only its kind
        if error:
            raise error
        self.files[path] = self.files.get(path, "") + "".join(f"{line}\n" for line in lines)

    def write_attribute(self, path: str, value: str, timeout: float) -> None:
        assert timeout > 0
        self._effect(f"{path}={value}")

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
        if argv[0] == "dmesg":
            return Result(0, "eswitchsim 0000:07:00.0: not enough MMIO resources for SR-IOV\n", "")
        text = " ".join(argv) + (f" <<< {input!r}" if input else "")
        self._effect(text)
        del ok, whole
        return Result(0, "", "")

    @contextmanager
    def lock(self, path: str, *, keep: bool = True) -> Iterator[None]:
        assert path.startswith("/run/")
        yield

    def monotonic(self) -> float:
        return self.time

    def now(self) -> str:
        return "2026-01-02T03:04:05Z"

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds


def full(start: str) -> Callable[[str], HostError | None]:
    """The disk is full from the journal's line on that starts so."""
    error = HostError("cannot write x: No space left on device", errno=errno.ENOSPC)
    return lambda effect: error if effect.startswith(f"append {start}") else None


def fails(words: str, stderr: str, status: int = 1) -> Callable[[str], HostError | None]:
    """A command that contains `words` fails with this text."""

    def fail(effect: str) -> HostError | None:
        if words in effect:
            return CommandFailed(effect.split(), status, "", stderr)
        return None

    return fail
