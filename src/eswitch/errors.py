"""The errors that a user may see, split by whose fault it is.

    EswitchError            base; carries the exit code, a hint and where it happened
     |- SpecError           the spec asks something wrong or impossible        exit 3
     |- Unsupported         this host, NIC or kernel cannot do it              exit 4
     |- Refused             it could be done, but would hurt somebody          exit 4
     |- NotConfirmed        somebody would notice it, and nobody agreed        exit 2
     |- Locked              another eswitch holds the lock                     exit 7
     `- HostError           the host said no                                   exit 1
         |- NotFound        no such file, directory or program
         |- CommandFailed   a program ended with an unexpected status
         |- TimedOut        a program or a write did not end in time
         `- NotEffective    reported as done, but reading it back shows otherwise

Exit codes are README.md's. Only `cli/` prints.
"""

from __future__ import annotations

from collections.abc import Sequence

REBOOT_NEEDED = 8
"""The exit code of an apply that did what it could, and waits for a reboot. No error."""


class EswitchError(Exception):
    """Base of all errors with a sentence for the user.

    `message` says what went wrong in one sentence, `hint` the next command to type or the way out,
    `where` the object or `file:line:column` it concerns.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None, where: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class SpecError(EswitchError):
    """The spec is wrong; nothing was touched."""

    exit_code = 3


class Unsupported(EswitchError):
    """A host, NIC or kernel lacks what the spec needs; nothing was touched."""

    exit_code = 4


class Refused(EswitchError):
    """The change would pull something from under a user (a guest's VF, the management path)."""

    exit_code = 4


class NotConfirmed(EswitchError):
    """Somebody would notice the change, and nobody agreed to it; nothing was touched."""

    exit_code = 2


class Locked(EswitchError):
    """Another eswitch process is changing this host."""

    exit_code = 7


class HostError(EswitchError):
    """The host refused an operation. `errno` is the kernel's number where there is one."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        where: str | None = None,
        errno: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, where=where)
        self.errno = errno


class NotFound(HostError):
    """A file, directory, link or program does not exist."""


class TimedOut(HostError):
    """A program or a write did not end within its time limit."""


class NotEffective(HostError):
    """An operation reported success, but the host does not show its effect."""


class CommandFailed(HostError):
    """A program ended with a status that was not expected; its own words are kept."""

    def __init__(
        self,
        argv: Sequence[str],
        status: int,
        stdout: str,
        stderr: str,
        *,
        hint: str | None = None,
    ) -> None:
        said = (stderr.strip() or stdout.strip() or "no output").splitlines()
        super().__init__(f"`{argv[0]}` ended with status {status}: {said[-1]}", hint=hint)
        self.argv = tuple(argv)
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
