"""What the kernel says."""

from __future__ import annotations

from host import run


class KernelLog:
    """What the kernel has logged since a mark, warnings above all."""

    #: A level of "warn" alone is no fault: the module itself warns of refused flows.
    BAD = (
        "WARNING:",
        "BUG:",
        "Call Trace",
        "refcount",
        "Oops",
        "unregister_netdevice: waiting",
        "possible recursive locking",
        "INFO: task",
        "rcu_sched",
        "Kernel panic",
    )

    def __init__(self) -> None:
        self._seen = len(self._lines())

    @staticmethod
    def _lines() -> list[str]:
        return run("dmesg").splitlines()

    def since(self) -> list[str]:
        """Lines since this object was made."""
        return self._lines()[self._seen :]

    def has(self, text: str) -> bool:
        """Has a line with `text` come since?"""
        return any(text in line for line in self.since())

    def complaints(self) -> list[str]:
        """Lines since then that tell of a bug in the kernel or the module."""
        return [line for line in self.since() if any(bad in line for bad in self.BAD)]
