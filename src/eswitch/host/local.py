"""The machine that eswitch runs on; `attribute.py` and `process.py` do the delicate parts."""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from eswitch.errors import HostError, NotFound

from .attribute import AttributeWriter
from .door import Result
from .lock_holder import Holder
from .process import find_program, run

_READ_SIZE = 1 << 20


class LocalHost:
    """Implements `door.Host` with the real files and programs of this machine."""

    def __init__(self) -> None:
        self._writer = AttributeWriter()

    def read(self, path: str) -> str:
        """The whole file as text, without its last newline."""
        data = self.read_bytes(path, -1)
        return data.decode("utf-8", "replace").removesuffix("\n")

    def read_bytes(self, path: str, limit: int) -> bytes:
        """At most `limit` bytes of the file; all of it when `limit` is negative."""
        with _refusals("read", path):
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                _insist_on_file(file, path)
                return _read_to_end(file, limit)
            finally:
                os.close(file)

    def list(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""
        with _refusals("list", path):
            return tuple(sorted(os.listdir(path)))

    def resolve(self, path: str) -> str:
        """The path with all symbolic links followed; NotFound for a dangling one.

        The kernel walks the path once: with hundreds of VFs this is several times quicker than
        looking at each of its components from here.
        """
        with _refusals("resolve", path):
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                return os.readlink(f"/proc/self/fd/{place}")
            finally:
                os.close(place)

    def write_attribute(self, path: str, value: str, timeout: float) -> None:
        """One write() to an existing sysfs attribute; see `AttributeWriter.write`."""
        self._writer.write(path, value, timeout)

    def replace_file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Atomically replace or create a file; a symbolic link stays, its target is replaced.

        What is no regular file (a device, a pipe) is refused: it would become one.
        """
        with _refusals("write", path):
            target = _target(path)
            directory = os.path.dirname(target)
            _make_directories(directory)
            temporary = _beside(target)
            try:
                _write_new(temporary, content, target, mode)
                os.rename(temporary, target)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary)
                raise
            _sync_directory(directory)

    def remove_file(self, path: str) -> None:
        """Remove a file or a link; never a directory."""
        with _refusals("remove", path):
            try:
                os.unlink(path)
            except FileNotFoundError:
                return
            _sync_directory(os.path.dirname(path))

    def check_writable(self, path: str) -> None:
        """Raises HostError where `replace_file` would be refused now, or the directory is missing.

        Only a try tells: root may write everything, but not on a read-only file system.
        """
        with _refusals("write", path):
            target = _target(path)
            directory = os.path.dirname(target)
            if not os.path.lexists(directory):
                hint = f"make it first: mkdir -p {shlex.quote(directory)}"
                raise NotFound(f"cannot write {path}: there is no {directory}", hint=hint)
            temporary = _beside(target)
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            os.unlink(temporary)

    def append_lines(self, path: str, lines: Sequence[str]) -> None:
        """Append lines and fsync once. A line that a crash cut short is ended first."""
        if any("\n" in line for line in lines):
            raise ValueError("a line has no newline in it")
        text = "".join(f"{line}\n" for line in lines)
        with _refusals("write", path):
            directory = os.path.dirname(path)
            _make_directories(directory)
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                size = os.fstat(file).st_size
                torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
                _write_all(file, ("\n" * torn + text).encode())
                os.fsync(file)
            finally:
                os.close(file)
            if size == 0:
                _sync_directory(directory)

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,
        timeout: float = 30.0,
        ok: Sequence[int] | None = (0,),
        whole: bool = False,
    ) -> Result:
        """Run a program; see `process.run`."""
        return run(argv, input=input, timeout=timeout, ok=ok, whole=whole)

    def which(self, program: str) -> str | None:
        """Where a program is, or None. The user's own PATH is not asked (see `process.PATH`)."""
        return find_program(program)

    @contextmanager
    def lock(self, path: str, *, keep: bool = True) -> Iterator[None]:
        """Hold an exclusive lock; raises errors.Locked with the holder if somebody else does.

        The kernel drops the lock with its holder, however that ends, so there are no stale locks.
        The file goes only while it is locked, and whoever gets a lock looks whether the path still
        leads to it: so two holders never lock different files.
        """
        with _refusals("lock", path):
            _make_directories(os.path.dirname(path))
            file = _locked(path)
        try:
            with _refusals("lock", path):
                own = Holder.myself(self.now())
                os.ftruncate(file, 0)
                os.pwrite(file, own.text().encode(), 0)
            yield
        finally:
            if not keep:
                with suppress(OSError):
                    os.unlink(path)
            # Closing drops the lock because nobody else has this file: programs that are run do
            # not inherit it, and the child that writes attributes closes it.
            os.close(file)

    def is_root(self) -> bool:
        """True for the superuser."""
        return os.geteuid() == 0

    def environment(self, name: str) -> str | None:
        """One variable of the user's environment."""
        return os.environ.get(name)

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def now(self) -> str:
        """Wall clock, ISO 8601 in UTC with seconds."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@contextmanager
def _refusals(verb: str, path: str) -> Iterator[None]:
    """Turn the kernel's refusals into HostError, with its own words."""
    try:
        yield
    except OSError as refusal:
        raise _refused(verb, path, refusal.errno) from None
    except ValueError as wrong:  # a NUL in the path; surrogates that have no bytes
        raise HostError(f"cannot {verb} {path!r}: {wrong}") from None


def _refused(verb: str, path: str, number: int | None) -> HostError:
    """The error for `verb` on `path`; NotFound where there is no such thing."""
    kind = NotFound if number in (errno.ENOENT, errno.ENOTDIR) else HostError
    return kind(f"cannot {verb} {path}: {os.strerror(number or 0)}", errno=number)


def _insist_on_file(file: int, path: str) -> None:
    """Raises HostError for what could be waited for without end; a directory refuses by itself."""
    mode = os.fstat(file).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise HostError(
            f"cannot read {path}: it is a pipe or a device, not a file",
            hint="where a spec is wanted, `-` reads standard input, a pipe too",
        )


def _read_to_end(file: int, limit: int) -> bytes:
    """Up to `limit` bytes (negative: all): an attribute may come in several parts."""
    parts = []
    left = limit if limit >= 0 else _READ_SIZE
    while left > 0:
        part = os.read(file, min(left, _READ_SIZE))
        if not part:
            break
        parts.append(part)
        if limit >= 0:
            left -= len(part)
    return b"".join(parts)


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _write_new(temporary: str, content: bytes, target: str, mode: int) -> None:
    """Make the new file next to its target, complete and on disk, as the target's owner has it."""
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with suppress(FileNotFoundError):
            there = os.stat(target)
            os.fchown(file, there.st_uid, there.st_gid)
            mode = there.st_mode & 0o7777
        os.fchmod(file, mode)
        _write_all(file, content)
        os.fsync(file)
    finally:
        os.close(file)


def _target(path: str) -> str:
    """Where a replacement goes: links followed. Raises OSError for what is no regular file."""
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        number = errno.EISDIR if os.path.isdir(target) else errno.EINVAL
        raise OSError(number, os.strerror(number))
    return target


def _beside(target: str) -> str:
    """A name for what will be renamed to the target."""
    name = f".{os.path.basename(target)[:200]}.{os.urandom(6).hex()}"
    return os.path.join(os.path.dirname(target), name)


def _locked(path: str) -> int:
    """The locked file at a path; raises Locked."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if _lock(file, path):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _lock(file: int, path: str) -> bool:
    """Lock it; False if its last holder has removed it meanwhile."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Holder.parse(os.pread(file, 4096, 0)).refusal(path) from None
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except FileNotFoundError:
        return False


def _make_directories(directory: str) -> None:
    """Make missing directories, each of them durable in its parent."""
    if not directory or os.path.isdir(directory):
        return
    parent = os.path.dirname(directory)
    _make_directories(parent)
    with suppress(FileExistsError):
        os.mkdir(directory, 0o755)
    _sync_directory(parent)


def _sync_directory(directory: str) -> None:
    """Make a rename or a new name in a directory survive a power cut."""
    place = os.open(directory or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(place)
    finally:
        os.close(place)
