"""A running guest: boot it, run one command in it, power it off, leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from . import console, host, qemu, ssh
from .deadline import Deadline
from .errors import DeadlineError, EmulationError, GuestError, LabError
from .qmp import Qmp

BOOT_SECONDS = 300.0
BOOT_ATTEMPTS = 3
QMP_SECONDS = 60.0
POWEROFF_SECONDS = 20.0
CLEAN_POWEROFF_SECONDS = 90.0
AFTER_STATUS_SECONDS = 20.0


@dataclass(frozen=True)
class Files:
    """What a guest boots from: the base's directory, the top layer's disk.

    ``overlays`` are initramfs archives whose ``/overlay`` is copied over the root disk
    before systemd starts (eswitchsim and the program come that way).
    """

    base: Path
    disk: Path
    overlays: tuple[Path, ...] = ()


class Guest:
    """A guest on a fresh overlay of an image. A context manager: leaving it ends QEMU.

    ``disk`` is where the overlay is made; without it in a scratch directory that is
    removed at the end (``keep=True`` leaves it and the console log there).
    """

    def __init__(
        self, files: Files, hardware: qemu.Hardware, *, disk: Path | None = None, keep: bool = False
    ) -> None:
        hardware.check()
        self.files = files
        self.hardware = hardware
        self.keep = keep
        self._tools = host.tools("qemu-system-x86_64", "qemu-img", "ssh", "setpriv")
        # Overlays can grow to gigabytes: not in /tmp, which may be memory.
        self.scratch = Path(
            tempfile.mkdtemp(prefix="eswitch-lab-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        )
        self.disk = disk or self.scratch / "disk.qcow2"
        self._durable = keep or disk is not None
        self.console_log = self.scratch / "console.log"
        self._ssh_log = self.scratch / "ssh.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: dict[str, socket.socket] = {}
        self._reports = b""
        self._port = 0

    # -- life ---------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        if self.keep:
            host.say(f"kept: {self.disk} (console: {self.console_log})")
        else:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def boot(self, deadline: Deadline) -> None:
        """Start QEMU and return when the guest has reached multi-user.target."""
        self._make_overlay()
        self._start(deadline)
        limit = deadline.sooner(BOOT_SECONDS)
        while self._next_report(limit, what="boot") != "ready":
            pass

    def run(
        self,
        argv: list[str],
        deadline: Deadline,
        *,
        terminal: bool = False,
        output: Path | None = None,
    ) -> int:
        """Run a command as root in /eswitch, its streams on ours; returns its status.

        With ``output`` both its streams go to that file and it has no stdin.

        Raises DeadlineError, and GuestError if the guest goes away before it has ended.
        """
        command = ssh.command(
            self._tools["ssh"],
            self.files.base,
            self._port,
            argv,
            terminal=terminal,
            log=self._ssh_log,
        )
        if output is None:
            client = subprocess.Popen(command, stdin=input_stream(terminal=terminal))
        else:
            with output.open("wb") as log:
                client = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
        try:
            return self._wait_for_command(client, deadline)
        finally:
            if client.poll() is None:
                client.terminate()
                client.wait()

    def power_off(self) -> None:
        """Order the guest to power off and wait; a guest that does not is killed.

        A disk that is thrown away needs no orderly shutdown, which costs many seconds
        on an emulated processor: processes are ended, file systems unmounted, then off.
        """
        if self._process is None:
            return
        word, seconds = "off", POWEROFF_SECONDS
        if self._durable:
            word, seconds = "poweroff", CLEAN_POWEROFF_SECONDS
        with contextlib.suppress(OSError):
            self._sockets["control"].sendall(word.encode() + b"\n")
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            if self._durable:
                raise GuestError(
                    f"the guest did not power off within {seconds:.0f} s.", log=self.console_tail()
                ) from None
            self.kill()

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

    def _make_overlay(self) -> None:
        below = str(self.files.disk)
        if self.disk.parent.parent == self.files.disk.parent.parent:
            # A layer names the one below relatively: the cache can be moved or restored.
            below = os.path.relpath(below, self.disk.parent)
        result = subprocess.run(
            [self._tools["qemu-img"], "create", "-q", "-f", "qcow2", "-F", "qcow2",
             "-b", below, str(self.disk)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if result.returncode != 0:
            raise LabError(f"qemu-img could not make the overlay: {result.stderr.strip()}")

    def _initrd(self) -> Path:
        """The base's initramfs with the overlays' archives appended: the kernel unpacks all."""
        joined = self.scratch / "initrd"
        with joined.open("wb") as target:
            for part in (self.files.base / "initrd", *self.files.overlays):
                target.write(part.read_bytes())
        return joined

    def _start(self, deadline: Deadline) -> None:
        theirs: dict[str, socket.socket] = {}
        for name in ("qmp", "report", "control"):
            self._sockets[name], theirs[name] = socket.socketpair()
        command = qemu.command(
            self._tools["qemu-system-x86_64"],
            self.hardware,
            kernel=self.files.base / "vmlinuz",
            initrd=self._initrd(),
            disk=self.disk,
            console=self.console_log,
            sockets={name: end.fileno() for name, end in theirs.items()},
        )
        errors = self.scratch / "qemu.log"
        with errors.open("wb") as log:
            # setpriv: QEMU dies with us, even if we are killed. Own session: a Ctrl-C of
            # the person reaches us only, and we decide.
            self._process = subprocess.Popen(
                [self._tools["setpriv"], "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[end.fileno() for end in theirs.values()],
                start_new_session=True,
            )
        for end in theirs.values():
            end.close()
        monitor = Qmp(self._sockets["qmp"])
        limit = deadline.sooner(QMP_SECONDS)
        try:
            monitor.handshake(limit)
            self._port = monitor.forwarded_port(limit)
        except GuestError as error:
            self.kill()
            said = errors.read_text(encoding="utf-8", errors="replace").strip()
            raise GuestError(f"{error.message} It said: {said or 'nothing'}") from error

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
def booted(
    files: Files,
    hardware: qemu.Hardware,
    deadline: Deadline,
    *,
    disk: Path | None = None,
    keep: bool = False,
) -> Iterator[Guest]:
    """A guest that has booted. A boot that QEMU's emulation broke is tried again."""
    for attempt in range(1, BOOT_ATTEMPTS + 1):
        with Guest(files, hardware, disk=disk, keep=keep) as guest:
            try:
                guest.boot(deadline)
            except EmulationError as error:
                if attempt == BOOT_ATTEMPTS:
                    raise
                guest.keep = False
                host.say(f"{error.message}; booting again")
                continue
            yield guest
            return


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


def input_stream(*, terminal: bool) -> int | None:
    """Our stdin for the guest's command: a pipe or file is passed on, a terminal is not.

    (A terminal is for ``lab/vm shell``; a command that waits for keys would look hung.)
    """
    if terminal:
        return None
    try:
        return subprocess.DEVNULL if os.isatty(0) else None
    except OSError:
        return subprocess.DEVNULL
