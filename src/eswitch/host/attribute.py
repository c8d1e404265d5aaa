"""Write sysfs attributes with a deadline, although the kernel may never return.

A write to `sriov_numvfs` blocks in the kernel while a guest holds a VF (facts 1.2), and so does
one to a driver's `unbind`; no signal ends it, and a thread that sits in it keeps its process from
ending. So a forked child writes and reports the errno. At the deadline it is left behind: the
kernel finishes or not, this program goes on.

The child stays for the next write, because a fork costs up to 30 ms on a slow machine and a
message to it well under one. Attributes whose handlers only store a value are written directly.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import weakref
from contextlib import suppress
from typing import NoReturn

from eswitch.errors import HostError, NotFound, TimedOut

_STORED = frozenset({"sriov_drivers_autoprobe", "driver_override"})
"""Attributes whose store functions keep a value and return (linux drivers/pci/pci-sysfs.c and
iov.c). Everything else may probe, remove or wait, whatever the caller's timeout is."""

_LARGEST = select.PIPE_BUF
"""Bytes of a request: a pipe takes this much in one piece (pipe(7))."""

_MOST_FILES = 1 << 20
"""Beyond any file number in use: the kernel's default ceiling (fs.nr_open)."""

_OPENING, _WRITING = 0, 1
_Answer = tuple[int, int]
"""(_OPENING or _WRITING, errno): what the kernel refused, or errno 0."""


class AttributeWriter:
    """Writes attributes one after the other; not for several threads at once."""

    def __init__(self) -> None:
        self._child: _Child | None = None
        self._left_behind: list[_Child] = []

    def write(self, path: str, value: str, timeout: float) -> None:
        """Give `value` to an attribute that exists, in one system call; nothing is created.

        Raises NotFound if the attribute does not exist, TimedOut after `timeout` seconds (the
        kernel may then still be at it), and HostError with `errno` for what the kernel refuses.
        ENOENT from write(2) itself stays a HostError: there it means that the driver has no SR-IOV
        configuration, or that none is bound (facts 1.2).
        """
        self._left_behind = [child for child in self._left_behind if not child.ended()]
        request = os.fsencode(path) + b"\0" + value.encode()
        if len(request) > _LARGEST:
            raise HostError(f"writing to {path}: {os.strerror(errno.ENAMETOOLONG)}")
        if os.path.basename(path) in _STORED:
            answer = _write(request)
        else:
            answer = self._ask(path, value, request, timeout)
        match answer:
            case (_, 0):
                return
            case (stage, errno.ENOENT) if stage == _OPENING:
                raise NotFound(f"{path} does not exist", errno=errno.ENOENT)
            case (_, number):
                words = os.strerror(number)
                raise HostError(f"writing {value!r} to {path}: {words}", errno=number)

    def _ask(self, path: str, value: str, request: bytes, timeout: float) -> _Answer:
        if self._child is None or self._child.ended():
            self._child = _Child()
        child = self._child
        # Until it has answered nobody else may use it: an interrupted wait leaves it behind too.
        self._child = None
        self._left_behind.append(child)
        answer = child.ask(request, timeout)
        if answer is None:
            raise TimedOut(f"the kernel is still busy with {value!r} to {path} after {timeout:g} s")
        self._left_behind.remove(child)
        self._child = child
        return answer


class _Child:
    """A forked process that writes what it is asked to, until nobody can ask it any more."""

    def __init__(self) -> None:
        requests, self._requests = os.pipe2(os.O_CLOEXEC)
        self._answers, answers = os.pipe2(os.O_CLOEXEC)
        try:
            self._pid = os.fork()
            if self._pid == 0:
                _serve(requests, answers)
        except OSError as refusal:
            os.close(self._requests)
            os.close(self._answers)
            raise HostError(f"cannot start a writer: {refusal.strerror}") from None
        finally:
            os.close(requests)
            os.close(answers)
        weakref.finalize(self, _close, self._requests, self._answers)

    def ask(self, request: bytes, timeout: float) -> _Answer | None:
        """One write; None at the deadline. Raises HostError if the child was killed."""
        try:
            os.write(self._requests, request)
        except BrokenPipeError:
            raise HostError("the writer of attributes was killed before it wrote") from None
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        if not poll.poll(timeout * 1000):
            return None
        said = os.read(self._answers, 8)
        if not said:
            raise HostError("the writer of attributes was killed: what it wrote is unknown")
        return said[0], int.from_bytes(said[1:], "little")

    def ended(self) -> bool:
        """True once the process is gone; collects it then."""
        try:
            return os.waitpid(self._pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True


def _close(*files: int) -> None:
    for file in files:
        with suppress(OSError):
            os.close(file)


def _write(request: bytes) -> _Answer:
    """Open and write once. sysfs takes all of a value or refuses it."""
    path, _, value = request.partition(b"\0")
    stage = _OPENING
    try:
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            stage = _WRITING
            os.write(file, value)
        finally:
            os.close(file)
    except OSError as refusal:
        return stage, refusal.errno or errno.EIO
    return _WRITING, 0


def _serve(requests: int, answers: int) -> NoReturn:
    """In the child: write what is asked until the other end closes.

    It keeps nothing of the parent's that could matter if it is left behind: not the terminal's
    signals, not the output pipes that somebody reads to the end, not the file of the lock.
    """
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        _keep_only(requests, answers)
        while request := os.read(requests, _LARGEST):
            stage, number = _write(request)
            os.write(answers, bytes([stage]) + number.to_bytes(4, "little"))
    finally:
        os._exit(0)


def _keep_only(*files: int) -> None:
    """Close all other files; the standard three become /dev/null."""
    low, high = sorted(files)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in {0, 1, 2} - {low, high}:
        os.dup2(nothing, standard)
    os.closerange(3, low)
    os.closerange(max(low + 1, 3), high)
    os.closerange(max(high + 1, 3), _MOST_FILES)
