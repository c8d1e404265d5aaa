"""What can go wrong in the lab, and the exit status of each.

LabError                the lab itself failed (125)
├── MissingToolError    a program of the host machine is not installed (125)
├── GuestError          the guest did not boot, panicked or went away (125)
│   └── EmulationError  QEMU's emulation broke the guest's kernel (125)
├── DeadlineError       the guest was killed by the deadline (124)
└── UsageError          the command line asks for nothing that makes sense (64)

The statuses 124 and 125 are those of timeout(1), 64 is EX_USAGE of sysexits.h. Every
other status of ``lab/vm run`` is the command's own.
"""

from __future__ import annotations


class LabError(Exception):
    """One sentence for the person, a hint what to type, perhaps a console log."""

    status = 125

    def __init__(self, message: str, *, hint: str | None = None, log: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.log = log

    def render(self) -> str:
        """All lines to print, the sentence last: it is what a reader looks at first."""
        lines = []
        if self.log:
            lines.append("---- last lines of the guest's console ----")
            lines.append(self.log.rstrip("\n"))
            lines.append("---- end of console ----")
        lines.append(f"lab: error: {self.message}")
        if self.hint:
            lines.append(f"lab: hint: {self.hint}")
        return "\n".join(lines)


class MissingToolError(LabError):
    """A program of the host machine is not installed."""

    def __init__(self, tools: list[str]) -> None:
        names = " and ".join(tools)
        verb = "is" if len(tools) == 1 else "are"
        super().__init__(
            f"{names} {verb} not installed on this machine.",
            hint="run `make lab-deps` (or `lab/deps`), which installs what the lab needs",
        )


class GuestError(LabError):
    """The guest did not boot, panicked or went away."""


class EmulationError(GuestError):
    """QEMU's emulation broke the guest's kernel, which is not the guest's fault.

    The kernel patches its own code on all processors with the help of an int3 instruction
    (arch/x86/kernel/alternative.c). Under QEMU 7.2 with a thread per processor it was seen
    to meet such an int3 after it had put the final instruction in its place, once in some
    dozen boots on a busy machine: as if a stale translation was run.
    """


class DeadlineError(LabError):
    """The guest was killed by the deadline."""

    status = 124


class UsageError(LabError):
    """The command line asks for nothing that makes sense."""

    status = 64
