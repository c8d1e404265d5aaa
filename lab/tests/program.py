"""The eswitch program, run as an administrator would. Not for the tests of the module."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """How one eswitch command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.out))


def eswitch(*args: str, input: str | None = None, env: dict[str, str] | None = None) -> Answer:
    """Run the real program; it reads nothing unless `input` is given."""
    done = subprocess.run(
        ["eswitch", *args],
        input=input if input is not None else "",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def apply(spec: str, *args: str, status: int = 0) -> Answer:
    """`eswitch apply --yes` of a spec given as text."""
    answer = eswitch("apply", "--yes", *args, "-", input=spec)
    assert answer.status == status, f"status {answer.status}\n{answer.out}\n{answer.err}"
    return answer
