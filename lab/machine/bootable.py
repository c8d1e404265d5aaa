"""A machine that boots by itself and survives its reboots: for tests that run on this side.

::

    with BootGuest("grub", arguments=("intel_iommu=off",)) as guest:
        guest.boot()
        assert guest.run(["uname", "-r"]).stdout
        guest.run(["mstconfig", "-d", "0000:01:00.0", "-y", "set", "SRIOV_EN=1", "NUM_OF_VFS=4"])
        guest.run(["systemctl", "reboot"])
        guest.wait_for_reboot()
        assert guest.firmware()["NUM_OF_VFS"]["current"] == 4

QEMU ends when the guest reboots; the next one is started on the same disks, with the NICs that
their firmware store describes then.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from . import bootimage, console, host, nicstore, qemu
from .accel import choose
from .cache import Cache
from .deadline import Deadline
from .emulator import Emulator, Streams
from .errors import EmulationError, GuestError
from .guest import make_overlay
from .guest_slots import guest_slot
from .nicstore import Firmware

# Generous: two emulated guests on a busy machine.
BOOT_SECONDS = 600.0
COMMAND_SECONDS = 900.0
GOING_DOWN_SECONDS = 180.0
# More in a row, without anybody asking, are taken for a loop.
MOST_REBOOTS = 4
ATTEMPTS = 3


@dataclass(frozen=True)
class Result:
    """How a command ended. ``status`` is None if the machine went down before it had ended."""

    status: int | None
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.status == 0


class BootGuest:
    """A machine with a boot loader: ``grub``, ``systemd-boot``, or ``proxmox``.

    ``arguments`` are on the configured kernel command line, as somebody's earlier setting.
    ``iommu`` is ``intel``, ``amd`` or None. ``firmware`` is what the NICs arrive with.
    These may be changed between two starts: ``iommu``, ``unplugged`` (indices of NICs
    that are gone), and the firmware's behaviour by ``behave()``.
    """

    def __init__(
        self,
        loader: str = "grub",
        *,
        arguments: tuple[str, ...] = (),
        iommu: str | None = "intel",
        nics: int = 1,
        firmware: Firmware | None = None,
        memory: int = 2048,
        logs: Path | None = None,
    ) -> None:
        self.loader = loader
        self.arguments = arguments
        self.iommu = iommu
        self.nics = nics
        self.memory = memory
        self.unplugged: set[int] = set()
        self.boots = 0
        # Set it (or leave the block by an error) and the console logs are kept in ``logs``.
        self.keep_logs = False
        self._firmware = firmware or Firmware()
        self._logs = logs
        self._stack = contextlib.ExitStack()
        self._emulator: Emulator | None = None
        self._earlier: list[str] = []

    # -- life ---------------------------------------------------------------------------

    def __enter__(self) -> Self:
        cache = Cache(host.cache_directory())
        files = bootimage.ensure(cache, host.CHECKOUT, self.loader, self.arguments)
        tools = host.tools("qemu-system-x86_64", "qemu-img", "ssh", "setpriv")
        self._qemu = tools["qemu-system-x86_64"]
        self._accel = choose(cache.root, self._qemu, files.base / "vmlinuz")
        self._keys = files.base
        with contextlib.ExitStack() as stack:
            waiting = "waiting for another guest to end"
            stack.enter_context(guest_slot(cache.root, lambda: host.say(waiting)))
            self.scratch = Path(
                tempfile.mkdtemp(prefix="eswitch-lab-", dir=os.environ.get("TMPDIR", "/var/tmp"))
            )
            stack.callback(shutil.rmtree, self.scratch, ignore_errors=True)
            make_overlay(tools["qemu-img"], files.disk, self.scratch / "disk.qcow2")
            make_overlay(tools["qemu-img"], files.esp, self.scratch / "esp.qcow2")
            variables = self.scratch / "variables.fd"
            shutil.copyfile(files.efi.variables, variables)
            self._efi = replace(files.efi, variables=variables)
            self._store = self.scratch / "nicstore.raw"
            nicstore.create(self._store, self._firmware, self.nics)
            self._disks = (
                qemu.Disk("esp", self.scratch / "esp.qcow2"),
                qemu.Disk("lab", files.media, format="raw", writable=False),
                qemu.Disk(nicstore.SERIAL, self._store, format="raw"),
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._stack:
            self.kill()
            if self.keep_logs or (error is not None and isinstance(error, Exception)):
                self._save_logs()

    def boot(self) -> None:
        """Power on, and return when the guest has reached multi-user.target."""
        self._start(cold=True)
        self._settle()

    def wait_for_reboot(self, seconds: float = COMMAND_SECONDS) -> int:
        """Wait until the guest has reset itself and is up again; returns how many resets that were.

        A reset in the middle of the boot (somebody goes on with his work there) is
        followed too, up to ``MOST_REBOOTS``.
        """
        self._expect_reset(Deadline(seconds))
        self._start(cold=False)
        return 1 + self._settle()

    def reboot(self) -> int:
        """Order a reboot and wait for it."""
        self.run(["systemctl", "reboot"])
        return self.wait_for_reboot()

    def power_cut(self) -> None:
        """The power fails, now, and comes back."""
        self.kill()
        self.boot()

    def power_off(self) -> None:
        """An orderly shutdown. ``boot()`` powers on again."""
        emulator = self._running()
        emulator.order("poweroff")
        emulator.wait_end(Deadline(GOING_DOWN_SECONDS))
        self.kill()

    def kill(self) -> None:
        """End QEMU now: the power is off. Harmless if it is."""
        if self._emulator is not None:
            self._emulator.kill()
            self._earlier.append(console.read(self._emulator.console_log))
        self._emulator = None

    # -- commands -----------------------------------------------------------------------

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        seconds: float = COMMAND_SECONDS,
    ) -> Result:
        """Run a command as root; its streams as text. stdin is empty unless given."""
        emulator = self._running()
        with contextlib.ExitStack() as stack:
            given, out, err = (self._file(stack) for _ in range(3))
            given.write(stdin or b"")
            given.seek(0)
            status: int | None
            try:
                status = emulator.execute(list(argv), Deadline(seconds), Streams(given, out, err))
            except GuestError:
                # The guest goes down, which may have ended ssh before QEMU.
                emulator.wait_end(Deadline(GOING_DOWN_SECONDS))
                if console.panic(console.read(emulator.console_log)):
                    raise
                status = None
            return Result(status, text(out), text(err))

    def push(self, content: Path | bytes, target: str) -> None:
        """Copy a file into the guest."""
        data = content if isinstance(content, bytes) else content.read_bytes()
        done = self.run(["sh", "-c", 'cat >"$0"', target], stdin=data)
        if not done.ok:
            raise GuestError(f"{target} could not be written: {done.stderr.strip()}")

    # -- the NICs -----------------------------------------------------------------------

    def firmware(self, nic: int = 0) -> dict[str, dict[str, int]]:
        """{parameter: {default, current, next}} of one NIC."""
        return nicstore.values(self._store, nic)

    def behave(self, **settings: str | bool) -> None:
        """Change the store's ``mode``, ``layout`` or ``cold`` (nicstore.Firmware) from now on."""
        store = nicstore.load(self._store)
        store.update(settings)
        nicstore.save(self._store, store)

    # -- what the console says ------------------------------------------------------------

    def console(self) -> str:
        """Of all boots so far."""
        now = [console.read(self._emulator.console_log)] if self._emulator else []
        return "\n".join([*self._earlier, *now])

    # -- parts --------------------------------------------------------------------------

    def _running(self) -> Emulator:
        if self._emulator is None:
            raise GuestError("the machine is off: boot() it.")
        return self._emulator

    def _start(self, *, cold: bool) -> None:
        self.kill()
        nicstore.start(self._store, cold=cold)
        self.boots += 1
        slots = (
            None if index in self.unplugged else vfs
            for index, vfs in enumerate(nicstore.bodies(self._store))
        )
        hardware = qemu.Hardware(
            memory=self.memory,
            accel=self._accel,
            iommu=self.iommu,
            disks=self._disks,
            efi=self._efi,
            bodies=tuple(slots),
        )
        emulator = Emulator(self._keys, self.scratch, name=f"console-{self.boots}")
        self._emulator = emulator
        emulator.launch(
            lambda sockets: qemu.command(
                self._qemu,
                hardware,
                disk=self.scratch / "disk.qcow2",
                console=emulator.console_log,
                sockets=sockets,
            ),
            Deadline(BOOT_SECONDS),
        )

    def _settle(self) -> int:
        """Wait until the guest is ready, through resets; returns how many these were."""
        broken = resets = 0
        while True:
            emulator = self._running()
            try:
                emulator.wait_ready(Deadline(BOOT_SECONDS))
            except EmulationError as error:
                broken += 1
                if broken == ATTEMPTS:
                    raise
                # Like a power cut, as far as the guest can tell.
                host.say(f"{error.message}; booting again")
                self._start(cold=True)
            except GuestError:
                self._expect_reset(Deadline(GOING_DOWN_SECONDS))
                resets += 1
                if resets == MOST_REBOOTS:
                    raise GuestError(
                        f"the guest reboots again and again: {resets} times in its boot.",
                        log=emulator.console_tail(),
                    ) from None
                self._start(cold=False)
            else:
                return resets

    def _expect_reset(self, deadline: Deadline) -> None:
        """Wait for the end of QEMU; raises GuestError if it was not a reboot."""
        emulator = self._running()
        cause = emulator.wait_end(deadline)
        log = console.read(emulator.console_log)
        if (reason := console.panic(log)) is not None:
            raise GuestError(f"the guest's kernel panicked: {reason}", log=console.tail(log))
        if cause != "guest-reset":
            raise GuestError(f"the guest did not reboot, QEMU ended by {cause or 'a signal'}.",
                             log=console.tail(log))  # fmt: skip

    def _file(self, stack: contextlib.ExitStack) -> IO[bytes]:
        return stack.enter_context(tempfile.TemporaryFile(dir=self.scratch))

    def _save_logs(self) -> None:
        """The console logs of all boots, where somebody finds them."""
        target = self._logs or Path(tempfile.mkdtemp(prefix="eswitch-boot-logs-"))
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(self.scratch.glob("*.log")):
            shutil.copy(path, target / path.name)
        host.say(f"console logs: {target}")


def text(file: IO[bytes]) -> str:
    """All of a file."""
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")
