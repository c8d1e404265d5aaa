"""Finished images, each in a directory named by the hash of what it was made from.

::

    ~/.cache/eswitch-lab/
        locks/<kind>-<key>      flock held by the one that builds; its text is that pid
        accel.json              whether KVM works, per boot of the host machine
        base-<key>/             disk.qcow2, vmlinuz, initrd, id_ed25519, known_hosts
        deps-<key>/             disk.qcow2 on top of a base
        tools-<key>/            the base's compiler and kernel headers as a file tree
        module-<key>/           overlay.cpio: eswitchsim compiled for a base
        program-<key>/          overlay.cpio: eswitch with bytecode of the base's Python
        bootbase-, bootdeps-, boottools-<key>/  the same for machines that boot by themselves
        boot-<key>/             disk.qcow2, esp.qcow2, variables.fd of one that does
        media-<key>/            disk.img: what such a guest has of this checkout
        tmp-<kind>-<key>-…/     being built, or the remains of a builder that was killed

A directory with one of these names is complete: it is made elsewhere and renamed.
Readers take no lock. The modification time of a directory is the time of its last use.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import LabError

KEPT = {"base": 2, "deps": 3, "tools": 2, "module": 8, "program": 8,
        "bootbase": 4, "bootdeps": 4, "boottools": 4, "boot": 8, "media": 8}  # fmt: skip
KEY_LENGTH = 16


def digest(*parts: bytes | str) -> str:
    """A key from parts; their lengths are hashed too, so that no two lists collide."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big"))
        total.update(data)
    return total.hexdigest()[:KEY_LENGTH]


def digest_tree(directory: Path) -> str:
    """A key from names, executable bits and contents of all files below a directory."""
    parts: list[bytes | str] = []
    for path in sorted(directory.rglob("*")):
        if path.is_symlink():
            parts += [str(path.relative_to(directory)), "link", os.readlink(path)]
        elif path.is_file():
            mode = "x" if path.stat().st_mode & 0o100 else "-"
            parts += [str(path.relative_to(directory)), mode, path.read_bytes()]
    return digest(*parts)


class Cache:
    """The directory above. ``building()`` needs the image's ``lock()`` held."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def entry(self, kind: str, key: str) -> Path:
        """Where the finished image of this kind and key is, or will be."""
        return self.root / f"{kind}-{key}"

    def find(self, kind: str, key: str) -> Path | None:
        """The finished image, marked as used now; None if it is yet to be built."""
        path = self.entry(kind, key)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        except PermissionError:
            pass
        return path

    @contextlib.contextmanager
    def lock(self, kind: str, key: str, waiting: Callable[[str], None]) -> Iterator[None]:
        """One builder per image at a time; ``waiting`` gets the holder's pid if we wait."""
        try:
            locks = self.root / "locks"
            locks.mkdir(parents=True, exist_ok=True)
            handle = (locks / f"{kind}-{key}").open("a+", encoding="ascii")
        except OSError as error:
            raise LabError(
                f"the cache {self.root} cannot be written: {error.strerror}.",
                hint="set ESWITCH_LAB_CACHE to a directory of your own",
            ) from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                waiting(handle.read().strip() or "unknown")
                fcntl.flock(handle, fcntl.LOCK_EX)
            handle.seek(0)
            handle.truncate()
            handle.write(f"{os.getpid()}\n")
            handle.flush()
            # Whoever left these was killed: we hold the lock now.
            for path in self.root.glob(f"tmp-{kind}-{key}-*"):
                shutil.rmtree(path, ignore_errors=True)
            yield

    @contextlib.contextmanager
    def building(self, kind: str, key: str) -> Iterator[Path]:
        """A scratch directory that becomes the entry if the block ends without an error."""
        scratch = Path(tempfile.mkdtemp(prefix=f"tmp-{kind}-{key}-", dir=self.root))
        try:
            yield scratch
            scratch.rename(self.entry(kind, key))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        self.prune(keep=self.entry(kind, key))

    def prune(self, keep: Path | None = None) -> list[Path]:
        """Remove the images that were not used for longest, beyond ``KEPT`` per kind."""
        removed = []
        for kind, count in KEPT.items():
            entries = sorted(self.root.glob(f"{kind}-*"), key=last_use, reverse=True)
            for path in entries[count:]:
                if path != keep:
                    shutil.rmtree(path, ignore_errors=True)
                    removed.append(path)
        return removed


def last_use(path: Path) -> float:
    """Modification time; 0 for a directory that another process has just removed."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
