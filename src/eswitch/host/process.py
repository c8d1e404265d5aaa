"""Run a program, never a shell: minimal environment, a deadline, the whole group killed at it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

from eswitch.errors import CommandFailed, HostError, NotFound, TimedOut

from .door import Result

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for. The user's PATH often lacks the sbin directories (`su` without
`-`, cron) and is not to be trusted with root's rights."""

_ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C"}
_GRACE = 1.0
"""Seconds for a killed program to end; one that is stuck in the kernel is left behind."""


def find_program(program: str) -> str | None:
    """The full path of an executable, or None; an absolute path is checked as it is."""
    places = [program] if "/" in program else [f"{place}/{program}" for place in PATH.split(":")]
    for place in places:
        with suppress(ValueError):  # a NUL in the name
            if os.access(place, os.X_OK) and os.path.isfile(place):
                return place
    return None


def run(
    argv: Sequence[str],
    *,
    input: str | None = None,
    timeout: float = 30.0,
    ok: Sequence[int] | None = (0,),
    whole: bool = False,
) -> Result:
    """Run a program and wait for it at most `timeout` seconds.

    Raises NotFound, TimedOut and CommandFailed as `door.Host.run` says. A program that dies from a
    signal has the status 128 + signal, as in a shell. In a session of its own, so that Ctrl-C
    reaches eswitch only, which decides what to do with a half-finished change: a program that has
    to do the `whole` of its work ends first, unless its time is up.
    """
    where = find_program(argv[0])
    if where is None:
        raise NotFound(f"`{argv[0]}` is not installed")
    try:
        # No preexec_fn and no change of user: CPython then uses vfork(), whose cost does not grow
        # with our memory. Not as a context manager: that would wait without a deadline.
        process = subprocess.Popen(
            list(argv),
            executable=where,
            stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError) as refusal:
        raise _cannot_run(argv, refusal) from None
    data = None if input is None else input.encode("utf-8", "surrogateescape")
    stopped: KeyboardInterrupt | None = None
    deadline = time.monotonic() + timeout
    try:
        while True:
            try:
                out, err = process.communicate(data, max(deadline - time.monotonic(), 0.0))
                break
            except KeyboardInterrupt as stop:
                if not whole:
                    raise
                stopped, data = stop, None  # what is left of the input it still gets
    except subprocess.TimeoutExpired:
        _kill(process)
        raise TimedOut(f"`{argv[0]}` did not end within {timeout:g} s") from None
    except BaseException:
        _kill(process)
        raise
    status = process.returncode if process.returncode >= 0 else 128 - process.returncode
    result = Result(status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
    if ok is not None and status not in ok:
        raise CommandFailed(argv, status, result.stdout, result.stderr)
    if stopped is not None:
        raise stopped
    return result


def _cannot_run(argv: Sequence[str], refusal: OSError | ValueError) -> HostError:
    """Exec format error, permission denied, argument list too long, a NUL in an argument."""
    number = refusal.errno if isinstance(refusal, OSError) else None
    words = os.strerror(number) if number else str(refusal)
    return HostError(f"cannot run `{argv[0]}`: {words}", errno=number)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a program with all its children, and wait for it as long as that makes sense."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            # A pipe with unsent input flushes at close, which a dead reader answers with EPIPE.
            with suppress(OSError):
                pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
