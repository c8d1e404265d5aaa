"""Who holds the lock: what the holder writes into the lock file, and how others read it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass

from eswitch.errors import Locked


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lock; `since` is ISO 8601 in UTC. Zero and empty: not known."""

    pid: int = 0
    command: str = ""
    since: str = ""

    @classmethod
    def myself(cls, now: str) -> Holder:
        """The calling process, which is about to change the host."""
        return cls(os.getpid(), shlex.join(sys.argv), now)

    @classmethod
    def parse(cls, data: bytes) -> Holder:
        """Read a lock file; anything unexpected is nobody known (its writer may be half way)."""
        try:
            found = json.loads(data)
            return cls(int(found["pid"]), str(found["command"]), str(found["since"]))
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            return cls()

    def text(self) -> str:
        """The lock file's content: one line of JSON."""
        return json.dumps({"pid": self.pid, "command": self.command, "since": self.since}) + "\n"

    def refusal(self, path: str) -> Locked:
        """The error for somebody who wants the lock now."""
        if not self.pid:
            return Locked("another eswitch process is changing this host", where=path)
        return Locked(
            f"process {self.pid} (`{self.command}`) has been changing this host since {self.since}",
            hint=f"wait for it, or look at it: ps -fp {self.pid}",
        )
