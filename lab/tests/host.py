"""The machine under test: run its commands, and have patience with it.

Root inside the lab's guest, with the standard library and Debian's tools. What drives the kernel
here, and in `nic`, `guest`, `workbench`, `frame`, `kernel_log` and `reset`, are the commands that
an administrator types; nothing of the ``eswitch`` program is used, so that the tests of the module
(test_eswitchsim_*) judge the module alone: tests/lab/test_lab_independence.py sees to it. The
program is run by `program`.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Container
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE = 120.0
"""Seconds that a condition may take on a slow, emulated machine."""
HUNG = 600.0
"""Seconds after which a command will not end any more."""


def run(
    *argv: str,
    input: str | None = None,
    ok: Container[int] = (0,),
    timeout: float | None = HUNG,
) -> str:
    """Run a program and return what it printed.

    Raises AssertionError with both streams if its status is none of `ok`.
    """
    done = subprocess.run(
        argv, input=input, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode in ok, (
        f"{' '.join(argv)}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
    )
    return done.stdout


def says(*argv: str) -> str:
    """Run a command that must succeed; return all that it said, warnings too."""
    status, said = _heard(argv)
    assert status == 0, f"{' '.join(argv)}: status {status}\n{said}"
    return said


def fails(*argv: str) -> str:
    """Run a command that must fail; return all that it said."""
    status, said = _heard(argv)
    assert status != 0, f"{' '.join(argv)} should fail, but said:\n{said}"
    return said


def _heard(argv: tuple[str, ...]) -> tuple[int, str]:
    """Status of a command, and its standard output and error, mixed."""
    done = subprocess.run(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HUNG,
        check=False,
    )
    return done.returncode, done.stdout


def run_json(*argv: str) -> Any:  # noqa: ANN401 - JSON of many shapes
    """Run a command that prints JSON; no output counts as an empty list."""
    return json.loads(run(*argv) or "[]")


def batch(tool: str, lines: list[str], *options: str) -> None:
    """Give `ip` or `tc` many lines at once; AssertionError if one of them fails."""
    run(tool, *options, "-batch", "-", input="\n".join(lines) + "\n")


def wait_until(
    condition: Callable[[], T | None], what: str, patience: float = PATIENCE, pause: float = 0.1
) -> T:
    """Look again and again until `condition` is true; return its value.

    Raises AssertionError naming `what` after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {what}"
        time.sleep(pause)
    return value


def settle() -> None:
    """Wait until udev has named all netdevs."""
    run("udevadm", "settle", "--timeout=240")
