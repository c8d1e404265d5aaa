"""The protocol that every adapter implements: the local machine, recorded cases, a simulation."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended. Texts are UTF-8 with undecodable bytes replaced."""

    status: int
    stdout: str
    stderr: str


class Host(Protocol):
    """Everything eswitch may ask of, or do to, a machine. Paths are absolute.

    All methods raise `errors.HostError`; `NotFound` if the path or program does not exist, so that
    a caller can tell absent from unreadable.
    """

    def read(self, path: str) -> str:
        """The whole file as text, without its last newline."""

    def read_bytes(self, path: str, limit: int) -> bytes:
        """At most `limit` bytes of the file."""

    def list(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""

    def resolve(self, path: str) -> str:
        """The path with all symbolic links followed."""

    def write_attribute(self, path: str, value: str, timeout: float) -> None:
        """One write() to an existing sysfs attribute, never create, rename or retry.

        Raises TimedOut after `timeout` seconds; the kernel may then still be at it.
        """

    def replace_file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Atomically: temporary file, fsync, rename, fsync of the directory; owner and mode of an
        existing file are kept. Missing parent directories are made."""

    def remove_file(self, path: str) -> None:
        """Remove a file, and fsync its directory; one that is not there is no error."""

    def check_writable(self, path: str) -> None:
        """Raises HostError where `replace_file` would be refused now; NotFound, too, where the
        directory is missing: for files that a user names, nobody makes it."""

    def append_lines(self, path: str, lines: Sequence[str]) -> None:
        """Append lines in one write and fsync; the file and its directories are made if missing."""

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,
        timeout: float = 30.0,
        ok: Sequence[int] | None = (0,),
        whole: bool = False,
    ) -> Result:
        """Run a program (never a shell) with a minimal environment and LC_ALL=C.

        Raises NotFound if it is not installed, TimedOut after `timeout` seconds (it is killed) and
        CommandFailed for a status outside `ok`; `ok=None` accepts every status. A KeyboardInterrupt
        kills it; if it must do the `whole` of its work, that is raised only once it has ended.
        """

    def which(self, program: str) -> str | None:
        """Where a program is, or None."""

    def lock(self, path: str, *, keep: bool = True) -> AbstractContextManager[None]:
        """Hold an exclusive lock; raises errors.Locked with the holder if somebody else does.

        The lock's file stays behind unless `keep` is false.
        """

    def is_root(self) -> bool:
        """True with the rights to change the network."""

    def environment(self, name: str) -> str | None:
        """One variable of the user's environment."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""

    def now(self) -> str:
        """Wall clock, ISO 8601 in UTC with seconds: `2026-01-02T03:04:05Z`."""

    def sleep(self, seconds: float) -> None:
        """Wait; callers wait on conditions, so this is the pause between two looks."""
