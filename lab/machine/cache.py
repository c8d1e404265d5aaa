"""Finished images, each in a directory named by the hash of what it was made from.

::

    ~/.cache/eswitch-lab/
        build.lock          flock held by the one that builds; its text is the holder's pid
        accel.json          whether KVM works, per boot of the host machine
        base-<key>/         disk.qcow2, vmlinuz, initrd, id_ed25519, known_hosts
        deps-<key>/         disk.qcow2 on top of a base
        module-<key>/       disk.qcow2 on top of a deps or base
        tmp-<random>/       being built; whoever holds the lock may remove others' remains

A directory with one of the three names is complete: it is made elsewhere and renamed.
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

KEPT = {"base": 2, "deps": 3, "module": 6}
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
    """The directory above. All methods that write need ``lock()`` held."""

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
    def lock(self, waiting: Callable[[str], None]) -> Iterator[None]:
        """Only one builds at a time; ``waiting`` is called with the holder's pid if we wait."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle = open(self.root / "build.lock", "a+", encoding="ascii")
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
            self._remove_remains()
            yield

    @contextlib.contextmanager
    def building(self, kind: str, key: str) -> Iterator[Path]:
        """A scratch directory that becomes the entry if the block ends without an error."""
        scratch = Path(tempfile.mkdtemp(prefix="tmp-", dir=self.root))
        try:
            yield scratch
            scratch.chmod(0o700)
            scratch.rename(self.entry(kind, key))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        self.prune(keep=self.entry(kind, key))

    def _remove_remains(self) -> None:
        for path in self.root.glob("tmp-*"):
            shutil.rmtree(path, ignore_errors=True)

    def prune(self, keep: Path | None = None) -> list[Path]:
        """Remove the images that were not used for longest, beyond ``KEPT`` per kind."""
        removed = []
        for kind, count in KEPT.items():
            entries = sorted(
                self.root.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime, reverse=True
            )
            for path in entries[count:]:
                if path != keep:
                    shutil.rmtree(path, ignore_errors=True)
                    removed.append(path)
        return removed
