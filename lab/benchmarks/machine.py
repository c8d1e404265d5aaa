"""What was measured on, and a word on standard error while it takes minutes."""

from __future__ import annotations

import subprocess
import sys
import time

from host import run


def versions() -> dict[str, str]:
    """Of everything whose speed shows in the figures. Machine `qemu` is emulation, `kvm` is not."""
    virtual = subprocess.run(
        ["systemd-detect-virt"], capture_output=True, text=True, check=False
    ).stdout
    return {
        "eswitch": run("eswitch", "--version").split()[-1],
        "kernel": run("uname", "-r").strip(),
        "Open vSwitch": run("ovs-vsctl", "--version").split("\n")[0].split()[-1],
        "iproute2": run("ip", "-V").strip().rpartition("iproute2-")[2].partition(",")[0],
        "Python": run("python3", "--version").split()[-1],
        "processors": run("nproc").strip(),
        "machine": virtual.strip(),
    }


def progress(text: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
