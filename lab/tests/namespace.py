"""Network namespaces: which there are, and how to open a socket in one."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

from host import run_json

CLONE_NEWNET = 0x40000000


def names() -> list[str]:
    """Of all network namespaces that `ip netns` knows."""
    return [entry["name"] for entry in run_json("ip", "-j", "netns")]


def _setns(fd: int) -> None:
    """setns(2) into a network namespace; os.setns() is there from Python 3.12 on only."""
    if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def in_netns(name: str) -> Iterator[None]:
    """Be in a network namespace for a while, to open a socket there."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _setns(there)
        yield
    finally:
        _setns(home)
        os.close(there)
        os.close(home)
