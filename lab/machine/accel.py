"""KVM or emulation. /dev/kvm may exist and hang a guest, so guest code is really run."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path

from .errors import LabError

PROBE_SECONDS = 5.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# What a kernel without a root disk ends with: by then it has run much guest code.
PROBE_TEXT = b"Kernel panic - not syncing: VFS"


def probe_command(qemu: str, kernel: Path) -> list[str]:
    """QEMU that boots the guest's kernel without a disk: it panics, and QEMU ends."""
    return [
        qemu, "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none",
        "-machine", "q35", "-accel", "kvm", "-cpu", "host", "-smp", "2", "-m", "512",
        "-kernel", str(kernel), "-append", "console=ttyS0 panic=-1 quiet",
        "-serial", "stdio", "-no-reboot",
    ]  # fmt: skip


def kvm_works(qemu: str, kernel: Path, timeout: float = PROBE_SECONDS) -> bool:
    """Boot the guest's kernel under KVM. Anything but its own end in time means no.

    A smaller probe is not enough: there are machines whose KVM runs a boot sector and
    then hangs the kernel.
    """
    try:
        result = subprocess.run(
            probe_command(qemu, kernel),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return False
    return result.returncode == 0 and PROBE_TEXT in result.stdout


def choose(cache: Path, qemu: str, kernel: Path, environment: dict[str, str] | None = None) -> str:
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
    accel = "kvm" if kvm_works(qemu, kernel) else "tcg"
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        fresh = note.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps({"about": about, "accel": accel}), encoding="utf-8")
        fresh.replace(note)
    return accel
