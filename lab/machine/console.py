"""The guest's console log: its last lines, and what the kernel complained about."""

from __future__ import annotations

import re
from pathlib import Path

TAIL_LINES = 40
# CSI (ECMA-48 5.4), OSC up to BEL or ST, character sets, then what else is not text.
CONTROL_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]"
    r"|[\x00-\x08\x0b-\x1f]"
)
PANIC = re.compile(r"Kernel panic - not syncing: (.*)")
# The openings of the kernel's own reports (lib/bug.c, kernel/panic.c, lockdep, KASAN, RCU).
# A breakpoint that nobody set: see EmulationError.
STALE_BREAKPOINT = re.compile(r"\bint3: 0000 \[#")
COMPLAINT = re.compile(
    r"(?:BUG: .*|WARNING: .*|Oops: .*|INFO: task .* blocked.*|rcu: INFO: .*stall.*"
    r"|general protection fault.*|refcount_t: .*|UBSAN: .*|DEBUG_LOCKS_WARN_ON.*)"
)


def read(path: Path) -> str:
    """The log as plain text, without control sequences; empty if there is none yet."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return CONTROL_SEQUENCE.sub("", text)


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last lines that are not blank."""
    kept = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(kept[-lines:]) or "(nothing was printed)"


def panic(text: str) -> str | None:
    """What the kernel panicked about, or None."""
    found = PANIC.search(text)
    return found.group(1).strip() if found else None


def broken_by_emulation(text: str) -> bool:
    """Whether the kernel met a breakpoint that it had already taken out."""
    return STALE_BREAKPOINT.search(text) is not None


def complaints(text: str) -> list[str]:
    """Opening lines of warnings, oopses and the like, in order, each once."""
    found = (match.group(0).strip() for match in COMPLAINT.finditer(text))
    return list(dict.fromkeys(found))
