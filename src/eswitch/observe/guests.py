"""The virtual machines and containers that run here and would go down with the host."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from eswitch.errors import HostError, NotFound
from eswitch.host import Host
from eswitch.model.unknown import Unknown

_LARGEST = 64 << 10
_MONITOR = re.compile(r"\[lxc monitor\] \S+ (\S+)")
_HIDDEN = Unknown("/proc hides the processes of others (hidepid): only root sees who runs here")


def read_guests(host: Host) -> tuple[str, ...] | Unknown:
    """`VM 104 (web)`, `CT 200`, `process 812 (qemu-system-x86_64)`, by the processes' arguments."""
    try:
        pids = [name for name in host.list("/proc") if name.isdecimal()]
    except HostError as refusal:
        return Unknown(refusal.message)
    if "1" not in pids:
        return _HIDDEN
    found = set()
    for pid in pids:
        try:
            content = host.read_bytes(f"/proc/{pid}/cmdline", _LARGEST)
        except NotFound:
            continue  # it has ended
        except HostError:
            return _HIDDEN
        guest = guest_of(pid, content.decode("utf-8", "replace"))
        if guest:
            found.add(guest)
    return tuple(sorted(found, key=_in_order))


def _in_order(guest: str) -> tuple[str, int, str]:
    """By number, not by digits."""
    kind, _, rest = guest.partition(" ")
    digits = re.match(r"\d+", rest)
    return kind, int(digits[0]) if digits else 0, rest


def guest_of(pid: str, arguments: str) -> str | None:
    """Which guest a process is, by its /proc/PID/cmdline; None for all other processes."""
    words = arguments.rstrip("\0").split("\0")
    program = posixpath.basename(words[0])
    monitor = _MONITOR.match(" ".join(words))
    if monitor:
        return f"CT {monitor[1]}"
    if program == "lxc-start":
        name = _option(words, "-n", "--name")
        return f"CT {name}" if name else f"process {pid} (lxc-start)"
    if program in ("kvm", "qemu-kvm") or program.startswith("qemu-system-"):
        return _virtual_machine(words, program, pid)
    return None


def _virtual_machine(words: Sequence[str], program: str, pid: str) -> str:
    name = _option(words, "-name", "--name") or ""
    # `web,debug-threads=on` (Proxmox VE) or `guest=web,debug-threads=on` (libvirt).
    name = name.partition(",")[0].removeprefix("guest=")
    number = _option(words, "-id", "--id")
    if number:
        return f"VM {number} ({name})" if name else f"VM {number}"
    return f"VM {name}" if name else f"process {pid} ({program})"


def _option(words: Sequence[str], *names: str) -> str | None:
    """The value of an option, after it or in the same word (`-n 200`, `-n200`, `--name=200`)."""
    for word, following in zip(words, (*words[1:], ""), strict=True):
        for name in names:
            if word == name:
                return following or None
            if name.startswith("--") and word.startswith(f"{name}="):
                return word.removeprefix(f"{name}=")
            if len(name) == 2 and word.startswith(name):
                return word.removeprefix(name)
    return None
