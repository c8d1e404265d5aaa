"""What a host is before any e-switch: IOMMU, boot loader, kernel modules, guests, as values.

See facts 1.1, 2.5, 3.1, 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .unknown import Unknown


class Vendor(StrEnum):
    """Whose processor it is, and so which IOMMU: each has its own word on the command line."""

    INTEL = "intel"
    AMD = "amd"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class IommuState:
    """`units` are those the kernel uses (/sys/class/iommu: `dmar0`, `ivhd0`); none: it is off.

    `table` is the ACPI table by which the BIOS offers them, `DMAR` (Intel) or `IVRS` (AMD); empty
    where there is none: then VT-d or AMD-Vi is off in the BIOS (facts 3.1).
    """

    units: tuple[str, ...] = ()
    table: str | Unknown = ""
    vendor: Vendor = Vendor.OTHER


class Loader(StrEnum):
    """What starts the kernel."""

    GRUB = "grub"
    SYSTEMD_BOOT = "systemd-boot"


@dataclass(frozen=True, slots=True)
class BootState:
    """How the kernel gets its command line, and which one it gets.

    `cmdline` are the words of the running kernel. `loader` is Unknown with what was seen where
    nobody can tell. `path` is the file in which eswitch may say something (GRUB: its own drop-in;
    systemd-boot: /etc/kernel/cmdline), `content` what is in it (None: it does not exist), `refresh`
    the command that makes it count, `next` the words with which the loader starts the next kernel
    as far as that can be read: Unknown if `refresh` may not have been run since the file changed.
    `next_release` is that of the kernel which the loader starts if nobody chooses (None: it cannot
    be told), `passphrase` whether /etc/crypttab has something that a person must unlock at boot.
    """

    cmdline: tuple[str, ...]
    loader: Loader | Unknown
    path: str = ""
    content: str | None = None
    refresh: tuple[str, ...] = ()
    next: tuple[str, ...] | Unknown = ()
    next_release: str | None = None
    passphrase: bool = False


@dataclass(frozen=True, slots=True)
class ModuleState:
    """A driver's kernel module. `file` is what modprobe would load (None: there is none for this
    kernel), `version` that of the loaded one (in-tree mlx5_core has none)."""

    name: str
    file: str | None
    loaded: bool = False
    version: str | None = None

    @property
    def out_of_tree(self) -> bool:
        """Whether somebody built it beside the kernel (facts 1.1)."""
        return self.file is not None and any(
            f"/{place}/" in self.file for place in ("updates", "extra", "weak-updates")
        )


@dataclass(frozen=True, slots=True)
class DriverBuild:
    """What building a driver from an archive needs here.

    `headers` whether those of the running kernel are there, `fetcher` the program that downloads
    (`wget` or `curl`), `archive` the SHA-256 of the local file (Unknown if it cannot be read, None
    for a URL), `installed` that of the archive that eswitch installed last, `kept` whether its
    files are still there. `distribution` is this one's as NVIDIA calls it (`debian12.5`), empty if
    it is not known. `key_enrolled` whether the firmware knows the key that DKMS signs with; it
    matters under Secure Boot only.
    """

    headers: bool
    dkms: bool
    fetcher: str | None = None
    archive: str | Unknown | None = None
    installed: str | None = None
    kept: bool = False
    distribution: str = ""
    secure_boot: bool | Unknown = False
    key_enrolled: bool | Unknown = False

    def listed(self, package: str) -> bool:
        """Whether the archive is made for this distribution: NVIDIA's name theirs."""
        name = package.rpartition("/")[2]
        return bool(self.distribution) and f"-{self.distribution}-" in name
