"""Runs the command line in this process, and compares what it shows with a file."""

from __future__ import annotations

import errno
import io
import os
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from fake_host import FakeHost
from hydrate import host_of
from ruamel.yaml import YAML

from eswitch.cli import main
from eswitch.model.observed import ObservedState

SCREENS = Path(__file__).parent / "screens"
CASES = Path(__file__).parent.parent / "cases"


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def screen(self) -> str:
        """All that a person sees, and the exit code that a script sees."""
        parts = [f"$ eswitch {' '.join(self.argv)}\n", self.out]
        if self.err:
            parts += ["--- stderr\n", self.err]
        return "".join([*parts, f"--- exit {self.code}\n"])


class Stream(io.TextIOWrapper):
    """A stream in memory that may claim to be a terminal."""

    def __init__(
        self, content: bytes = b"", *, terminal: bool = False, encoding: str = "utf-8"
    ) -> None:
        self.bytes = io.BytesIO(content)
        self.terminal = terminal
        super().__init__(self.bytes, encoding=encoding, newline="")

    def isatty(self) -> bool:
        return self.terminal

    @property
    def text(self) -> str:
        self.flush()
        return self.bytes.getvalue().decode(self.encoding)


class Full(Stream):
    """A file on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


class Command:
    """`eswitch`, on a machine of the test's choice."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        modules = ("eswitch.engine.look", "eswitch.engine.revert", "eswitch.observe")
        # A module that is imported only once another one is patched would keep the patch.
        for module in (*modules, "eswitch.cli.performance"):
            import_module(module)
        for module in modules:
            monkeypatch.setattr(f"{module}.observe", lambda host: host.look())
            monkeypatch.setattr(f"{module}.answer", lambda host, state, questions: state)

    def __call__(
        self,
        *argv: str,
        host: FakeHost | None = None,
        stdin: str | bytes = b"",
        terminal: bool = False,
        encoding: str = "utf-8",
        out: Stream | None = None,
    ) -> Answer:
        content = stdin.encode() if isinstance(stdin, str) else stdin
        out = out or Stream(terminal=terminal, encoding=encoding)
        err = Stream(terminal=terminal, encoding=encoding)
        with self._patch.context() as patch:
            patch.setattr(sys, "stdin", Stream(content, terminal=terminal))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code = main(argv, host=host or FakeHost())
        return Answer(argv, code, out.text, err.text)


def expect(answer: Answer, name: str) -> None:
    """Compare with screens/NAME.txt; UPDATE_SCREENS=1 writes it anew: read it then."""
    path = SCREENS / f"{name}.txt"
    if os.environ.get("UPDATE_SCREENS"):
        path.write_text(answer.screen)
    assert path.exists(), f"no {path.name}: run once with UPDATE_SCREENS=1, and read it"
    assert answer.screen == path.read_text()


def plan_case(name: str) -> tuple[str, ObservedState]:
    """Spec and host of tests/cases/plan/NAME.yaml."""
    case = YAML(typ="safe").load(CASES / "plan" / f"{name}.yaml")
    return case["spec"], host_of(case)
