"""A file with every byte of it: what is planned on, compared and put back is one reading."""

from __future__ import annotations

from eswitch.errors import NotFound

from .door import Host

_LARGEST = 1 << 20
"""Bytes; the files that eswitch edits are a boot loader's and modprobe's settings."""


def read_lossless(host: Host, path: str) -> str | None:
    """With its last newline, what is no UTF-8 as surrogates; None without such a file."""
    try:
        return host.read_bytes(path, _LARGEST).decode("utf-8", "surrogateescape")
    except NotFound:
        return None
