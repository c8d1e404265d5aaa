"""Archives for the kernel's initramfs.

Format "newc" as in the kernel's Documentation/driver-api/early-userspace/buffer-format.rst:
a header of 110 hexadecimal characters, the name, the content, each padded to 4 bytes.
"""

from __future__ import annotations

import stat

TRAILER = "TRAILER!!!"


def archive(files: dict[str, bytes]) -> bytes:
    """Regular files of mode 644 owned by root, and the directories they need."""
    directories = {parent for name in files for parent in parents(name)}
    output = bytearray()
    for number, name in enumerate(sorted(directories | set(files)), start=1):
        content = files.get(name)
        if content is None:
            output += entry(name, b"", stat.S_IFDIR | 0o755, number)
        else:
            output += entry(name, content, stat.S_IFREG | 0o644, number)
    output += entry(TRAILER, b"", 0, 0)
    return bytes(output)


def parents(name: str) -> list[str]:
    """All directories above a relative path, outermost first."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def entry(name: str, content: bytes, mode: int, number: int) -> bytes:
    """One header with name and content."""
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08x" % value for value in fields)
    return padded(header + encoded) + padded(content)


def padded(data: bytes) -> bytes:
    """Zero bytes up to a multiple of 4."""
    return data + b"\0" * (-len(data) % 4)
