"""A guest for one run: boot it, run one command in it, power it off, leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from . import host, qemu
from .deadline import Deadline
from .emulator import Emulator, Streams
from .errors import EmulationError, GuestError, LabError

BOOT_SECONDS = 300.0
BOOT_ATTEMPTS = 3
POWEROFF_SECONDS = 20.0
CLEAN_POWEROFF_SECONDS = 90.0


@dataclass(frozen=True)
class Files:
    """What a guest boots from: the base's directory, the top layer's disk.

    ``overlays`` are initramfs archives whose ``/overlay`` is copied over the root disk
    before systemd starts (eswitchsim and the program come that way).
    """

    base: Path
    disk: Path
    overlays: tuple[Path, ...] = ()


class Guest(Emulator):
    """A guest on a fresh overlay of an image. A context manager: leaving it ends QEMU.

    ``disk`` is where the overlay is made; without it in a scratch directory that is
    removed at the end (``keep=True`` leaves it and the console log there).
    """

    def __init__(
        self, files: Files, hardware: qemu.Hardware, *, disk: Path | None = None, keep: bool = False
    ) -> None:
        hardware.check()
        # Overlays can grow to gigabytes: not in /tmp, which may be memory.
        scratch = Path(
            tempfile.mkdtemp(prefix="eswitch-lab-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        )
        super().__init__(files.base, scratch)
        self.files = files
        self.hardware = hardware
        self.keep = keep
        self.disk = disk or scratch / "disk.qcow2"
        self._durable = keep or disk is not None

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
        make_overlay(self._tools["qemu-img"], self.files.disk, self.disk)
        initrd = self._initrd()
        self.launch(
            lambda sockets: qemu.command(
                self._tools["qemu-system-x86_64"],
                self.hardware,
                kernel=self.files.base / "vmlinuz",
                initrd=initrd,
                disk=self.disk,
                console=self.console_log,
                sockets=sockets,
            ),
            deadline,
        )
        self.wait_ready(deadline.sooner(BOOT_SECONDS))

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
        if output is None:
            streams = Streams(stdin=input_stream(terminal=terminal))
            return self.execute(argv, deadline, streams, terminal=terminal)
        with output.open("wb") as log:
            return self.execute(argv, deadline, Streams(subprocess.DEVNULL, log, subprocess.STDOUT))

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
        self.order(word)
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            if self._durable:
                raise GuestError(
                    f"the guest did not power off within {seconds:.0f} s.", log=self.console_tail()
                ) from None
            self.kill()

    def _initrd(self) -> Path:
        """The base's initramfs with the overlays' archives appended: the kernel unpacks all."""
        joined = self.scratch / "initrd"
        with joined.open("wb") as target:
            for part in (self.files.base / "initrd", *self.files.overlays):
                target.write(part.read_bytes())
        return joined


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


def make_overlay(qemu_img: str, below: Path, disk: Path) -> None:
    """A qcow2 disk on top of another one. A layer of the cache names the one below relatively:
    the cache can be moved or restored."""
    backing = str(below)
    if disk.parent.parent == below.parent.parent:
        backing = os.path.relpath(below, disk.parent)
    create(qemu_img, ["-F", "qcow2", "-b", backing, str(disk)])


def make_disk(disk: Path, mib: int) -> None:
    """An empty qcow2 disk."""
    create(host.tools("qemu-img")["qemu-img"], [str(disk), f"{mib}M"])


def create(qemu_img: str, words: list[str]) -> None:
    """qemu-img create for qcow2."""
    result = subprocess.run(
        [qemu_img, "create", "-q", "-f", "qcow2", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if result.returncode != 0:
        raise LabError(f"qemu-img could not make the disk: {result.stderr.strip()}")


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
