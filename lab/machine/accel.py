"""KVM or emulation. /dev/kvm may exist and hang a guest, so guest code is really run."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

from .errors import LabError

PROBE_SECONDS = 5.0
# isa-debug-exit ends QEMU with (value << 1) | 1.
PROBE_VALUE = 0x10
PROBE_STATUS = (PROBE_VALUE << 1) | 1
PROBE_PORT = 0x501
FIRMWARE_SIZE = 64 * 1024
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def probe_firmware() -> bytes:
    """A firmware of a few instructions: count to 65,536, then end QEMU through a port.

    The processor starts at 16 bytes before the end of the firmware, in real mode:
    a short jump back to the code.
    """
    code = bytes([
        0x31, 0xC9,                                             # xor cx, cx
        0xE2, 0xFE,                                             # loop to itself
        0xBA, PROBE_PORT & 0xFF, PROBE_PORT >> 8,               # mov dx, PROBE_PORT
        0xB0, PROBE_VALUE,                                      # mov al, PROBE_VALUE
        0xEE,                                                   # out dx, al
        0xF4,                                                   # hlt
    ])  # fmt: skip
    image = bytearray(b"\xf4" * FIRMWARE_SIZE)
    image[-0x40 : -0x40 + len(code)] = code
    back = -0x40 - (-0x10 + 2)
    image[-0x10:-0x0E] = bytes([0xEB, back & 0xFF])
    return bytes(image)


def probe_command(qemu: str, firmware: Path) -> list[str]:
    """QEMU that ends with PROBE_STATUS if KVM runs guest code."""
    return [
        qemu, "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none",
        "-machine", "q35", "-accel", "kvm", "-cpu", "host", "-m", "16",
        "-bios", str(firmware), "-no-reboot",
        "-device", f"isa-debug-exit,iobase={PROBE_PORT:#x},iosize=1",
    ]  # fmt: skip


def kvm_works(qemu: str, timeout: float = PROBE_SECONDS) -> bool:
    """Run the probe. Anything but its own exit status in time means no."""
    with tempfile.TemporaryDirectory(prefix="eswitch-lab-") as scratch:
        firmware = Path(scratch) / "probe.bin"
        firmware.write_bytes(probe_firmware())
        try:
            result = subprocess.run(
                probe_command(qemu, firmware),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError):
            return False
    return result.returncode == PROBE_STATUS


def choose(cache: Path, qemu: str, environment: dict[str, str] | None = None) -> str:
    """``kvm`` or ``tcg``; ``$ESWITCH_LAB_ACCEL`` decides if set, else the probe.

    The probe's answer is kept per boot of the host machine and per QEMU.
    """
    env = dict(os.environ) if environment is None else environment
    wish = env.get("ESWITCH_LAB_ACCEL", "")
    if wish in ("kvm", "tcg"):
        return wish
    if wish:
        raise LabError(f"ESWITCH_LAB_ACCEL is {wish!r}.", hint="set it to kvm or tcg, or unset it")
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    about = {"boot": BOOT_ID.read_text(encoding="ascii").strip(), "qemu": qemu}
    note = cache / "accel.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["about"] == about and known["accel"] in ("kvm", "tcg"):
            return str(known["accel"])
    accel = "kvm" if kvm_works(qemu) else "tcg"
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        fresh = note.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps({"about": about, "accel": accel}), encoding="utf-8")
        fresh.replace(note)
    return accel
