"""Signals while the host is being changed: a change outlives the terminal it was begun from.

The administrator often comes in over the very network that is being changed: the session may hang
up for a moment or for good, and a half-made change is the last thing that such a host needs.

A SIGINT that is ignored from the start stays so: `nohup`, cron and a script's `&` mean that by it,
and Ctrl-C is then for somebody else. SIGTERM ends a change cleanly there too.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def during_change() -> Iterator[None]:
    """Meanwhile a hang-up ends nothing, and SIGTERM (`kill`, `systemctl stop`) is a Ctrl-C: what
    had begun is written down and told."""
    before = {
        signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        signal.SIGTERM: signal.signal(signal.SIGTERM, _interrupt),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt
