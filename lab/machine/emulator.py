"""One QEMU process, from start to end: the guest's reports, its commands, its console."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from . import console, host, ssh
from .deadline import Deadline
from .errors import DeadlineError, EmulationError, GuestError
from .qmp import Qmp

QMP_SECONDS = 60.0
AFTER_STATUS_SECONDS = 20.0
GONE_SECONDS = 10.0


@dataclass(frozen=True)
class Streams:
    """Where a command's streams go; None is ours."""

    stdin: IO[bytes] | int | None = None
    stdout: IO[bytes] | int | None = None
    stderr: IO[bytes] | int | None = None


class Emulator:
    """A QEMU process and the three sockets to it.

    ``keys`` is the directory of the image that the guest was made of, ``scratch`` where logs
    go. A new one for each power cycle.
    """

    def __init__(self, keys: Path, scratch: Path, *, name: str = "console") -> None:
        self.keys = keys
        self.scratch = scratch
        self.console_log = scratch / f"{name}.log"
        self._tools = host.tools("qemu-system-x86_64", "qemu-img", "ssh", "setpriv")
        self._ssh_log = scratch / "ssh.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: dict[str, socket.socket] = {}
        self._reports = b""
        self._monitor: Qmp | None = None
        self._port = 0

    def launch(self, command: Callable[[dict[str, int]], list[str]], deadline: Deadline) -> None:
        """Start QEMU; ``command`` makes its command line from the sockets' descriptors."""
        theirs: dict[str, socket.socket] = {}
        for name in ("qmp", "report", "control"):
            self._sockets[name], theirs[name] = socket.socketpair()
        words = command({name: end.fileno() for name, end in theirs.items()})
        errors = self.scratch / "qemu.log"
        with errors.open("wb") as log:
            # setpriv: QEMU dies with us, even if we are killed. Own session: a Ctrl-C of
            # the person reaches us only, and we decide.
            self._process = subprocess.Popen(
                [self._tools["setpriv"], "--pdeathsig", "KILL", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[end.fileno() for end in theirs.values()],
                start_new_session=True,
            )
        for end in theirs.values():
            end.close()
        self._monitor = Qmp(self._sockets["qmp"])
        limit = deadline.sooner(QMP_SECONDS)
        try:
            self._monitor.handshake(limit)
            self._port = self._monitor.forwarded_port(limit)
        except GuestError as error:
            self.kill()
            said = errors.read_text(encoding="utf-8", errors="replace").strip()
            raise GuestError(f"{error.message} It said: {said or 'nothing'}") from error

    def wait_ready(self, deadline: Deadline) -> None:
        """Return when the guest has reached multi-user.target."""
        while self._next_report(deadline, what="boot") != "ready":
            pass

    def execute(
        self, argv: list[str], deadline: Deadline, streams: Streams, *, terminal: bool = False
    ) -> int:
        """Run a command as root in /eswitch and return its status.

        Raises DeadlineError, and GuestError if the guest goes away before it has ended.
        """
        command = ssh.command(
            self._tools["ssh"], self.keys, self._port, argv, terminal=terminal, log=self._ssh_log
        )
        client = subprocess.Popen(
            command, stdin=streams.stdin, stdout=streams.stdout, stderr=streams.stderr
        )
        try:
            return self._wait_for_command(client, deadline)
        finally:
            if client.poll() is None:
                client.terminate()
                client.wait()

    def order(self, word: str) -> None:
        """A word for the guest's lab-control.service; a guest that is gone hears nothing."""
        with contextlib.suppress(OSError):
            self._sockets["control"].sendall(word.encode() + b"\n")

    def wait_end(self, deadline: Deadline) -> str | None:
        """Wait until QEMU has ended; returns why (QAPI's ShutdownCause, as guest-reset)."""
        assert self._process is not None
        try:
            self._process.wait(timeout=deadline.remaining())
        except subprocess.TimeoutExpired:
            raise self._late(deadline, "the guest did not end") from None
        assert self._monitor is not None
        return self._monitor.shutdown_cause(Deadline(GONE_SECONDS))

    def kill(self) -> None:
        """End QEMU now. Harmless if it has ended."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
        for connection in self._sockets.values():
            connection.close()
        self._sockets.clear()

    # -- what the console says ------------------------------------------------------------

    def console_tail(self) -> str:
        """Last lines of the console."""
        return console.tail(console.read(self.console_log))

    def complaints(self) -> list[str]:
        """What the guest's kernel warned about."""
        return console.complaints(console.read(self.console_log))

    # -- parts --------------------------------------------------------------------------

    def _wait_for_command(self, client: subprocess.Popen[bytes], deadline: Deadline) -> int:
        status: int | None = None
        with selectors.DefaultSelector() as selector, watch(selector, client, "client"):
            assert self._process is not None
            with watch(selector, self._process, "qemu"):
                selector.register(self._sockets["report"], selectors.EVENT_READ, "report")
                while True:
                    ready = {key.data for key, _ in selector.select(deadline.remaining())}
                    for word in self._read_reports() if "report" in ready else []:
                        status = exit_status(word, status)
                    if "client" in ready:
                        return self._client_ended(client.wait(), status)
                    if "qemu" in ready:
                        raise self._gone("run the command")
                    if deadline.passed():
                        raise self._late(deadline, "the command did not end")

    def _client_ended(self, ssh_status: int, status: int | None) -> int:
        """ssh reports 255 for its own failures, so the guest's report decides."""
        if status is None:
            limit = Deadline(AFTER_STATUS_SECONDS)
            if ssh_status == 255:
                limit = Deadline(2.0)
            with contextlib.suppress(DeadlineError):
                while status is None:
                    status = exit_status(self._next_report(limit, what="run the command"), status)
        if status is None:
            said = console.read(self._ssh_log).strip().replace("\n", "; ") or "nothing"
            raise GuestError(
                f"the connection to the guest broke; ssh ended with {ssh_status} and said: {said}",
                log=self.console_tail(),
            )
        return status

    def _next_report(self, deadline: Deadline, *, what: str) -> str:
        """The next line that the guest sends, or the error that it is gone or late."""
        assert self._process is not None
        with selectors.DefaultSelector() as selector, watch(selector, self._process, "qemu"):
            selector.register(self._sockets["report"], selectors.EVENT_READ, "report")
            while True:
                line, separator, rest = self._reports.partition(b"\n")
                if separator:
                    self._reports = rest
                    return line.decode("utf-8", errors="replace").strip()
                ready = {key.data for key, _ in selector.select(deadline.remaining())}
                if "report" in ready and self._fill_reports():
                    continue
                if "qemu" in ready or "report" in ready:
                    raise self._gone(what)
                if deadline.passed():
                    raise self._late(deadline, f"the guest did not {what}")

    def _fill_reports(self) -> bool:
        try:
            data = self._sockets["report"].recv(4096)
        except OSError:
            data = b""
        self._reports += data
        return bool(data)

    def _read_reports(self) -> list[str]:
        self._fill_reports()
        *lines, self._reports = self._reports.split(b"\n")
        return [line.decode("utf-8", errors="replace").strip() for line in lines]

    def _gone(self, what: str) -> GuestError:
        text = console.read(self.console_log)
        reason = console.panic(text)
        if reason is not None and console.broken_by_emulation(text):
            return EmulationError(
                f"QEMU's emulation broke the guest's kernel (int3): {reason}",
                hint="run it again: it is rare, and not known under KVM",
                log=console.tail(text),
            )
        if reason is not None:
            return GuestError(f"the guest's kernel panicked: {reason}", log=console.tail(text))
        status = self._process.poll() if self._process else None
        if status:
            name = signal.Signals(-status).name if status < 0 else f"status {status}"
            return GuestError(f"QEMU ended ({name}) before the guest could {what}.",
                              log=console.tail(text))  # fmt: skip
        return GuestError(
            f"the guest powered off or rebooted before it could {what}.", log=console.tail(text)
        )

    def _late(self, deadline: Deadline, what: str) -> DeadlineError:
        text = console.read(self.console_log)
        reason = console.panic(text)
        also = f" Its kernel panicked: {reason}" if reason else ""
        return DeadlineError(
            f"{what} within {deadline.seconds:.0f} s; the guest was killed.{also}",
            hint="allow more with --deadline SECONDS",
            log=console.tail(text),
        )


@contextlib.contextmanager
def watch(
    selector: selectors.BaseSelector, process: subprocess.Popen[bytes], name: str
) -> Iterator[None]:
    """The selector reports ``name`` when the process has ended."""
    descriptor = os.pidfd_open(process.pid)
    try:
        selector.register(descriptor, selectors.EVENT_READ, name)
        yield
    finally:
        os.close(descriptor)


def exit_status(report: str, known: int | None) -> int | None:
    """The status in a report ``exit N``; what was known if it is another report."""
    word, _, number = report.partition(" ")
    return int(number) if word == "exit" and number.isdigit() else known
