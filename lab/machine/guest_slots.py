"""No more guests at once than the host has cores: emulated guests that starve miss their time-outs.

A slot is a flock on ``locks/guest-N`` in the cache; it goes with the process that holds it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

PAUSE = 0.5


def slot_count() -> int:
    """How many guests may run at once."""
    return max(1, os.cpu_count() or 1)


@contextlib.contextmanager
def guest_slot(root: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a slot while the block runs; ``waiting`` is called once if all are taken."""
    locks = root / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    said = False
    while (slot := take(locks, slot_count())) is None:
        if not said:
            waiting()
            said = True
        time.sleep(PAUSE)
    with slot:
        yield


def take(locks: Path, count: int) -> IO[str] | None:
    """An open, locked slot file, or None if all are taken."""
    for number in range(count):
        handle = (locks / f"guest-{number}").open("a", encoding="ascii")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            continue
        return handle
    return None
