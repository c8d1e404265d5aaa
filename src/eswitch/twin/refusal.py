"""How the simulated kernel says no; each view turns it into its tool's own words."""

from __future__ import annotations

import errno as errnos

# strerror(3) in the C locale, of the numbers that the model uses.
_WORDS = {
    errnos.EPERM: "Operation not permitted",
    errnos.ENOENT: "No such file or directory",
    errnos.ESRCH: "No such process",
    errnos.EIO: "Input/output error",
    errnos.ENOMEM: "Cannot allocate memory",
    errnos.EACCES: "Permission denied",
    errnos.EBUSY: "Device or resource busy",
    errnos.EEXIST: "File exists",
    errnos.ENODEV: "No such device",
    errnos.ENOTDIR: "Not a directory",
    errnos.EISDIR: "Is a directory",
    errnos.EINVAL: "Invalid argument",
    errnos.ENOSPC: "No space left on device",
    errnos.ERANGE: "Numerical result out of range",
    errnos.EOPNOTSUPP: "Operation not supported",
    errnos.ENETDOWN: "Network is down",
    errnos.ELOOP: "Too many levels of symbolic links",
    errnos.EADDRNOTAVAIL: "Cannot assign requested address",
}


def strerror(errno: int) -> str:
    """The kernel's number in words."""
    return _WORDS.get(errno, f"Unknown error {errno}")


class Refusal(Exception):
    """`errno` of the system call; `extack` the kernel's or driver's text where it gives one."""

    def __init__(self, errno: int, extack: str = "") -> None:
        super().__init__(extack or strerror(errno))
        self.errno = errno
        self.extack = extack

    @property
    def words(self) -> str:
        """The number in words, as every tool prints it."""
        return strerror(self.errno)
