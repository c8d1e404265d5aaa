"""The kernel, what it runs on, and what runs on it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Kernel:
    """The running kernel; `next_cmdline` is what the loader's files say, so what the next one gets.

    `lacks` are modules that it was built without, `dkms` those that somebody built beside it, with
    their versions, `initramfs` what of those is in there too: there Debian's looks for drivers of
    NICs first.
    """

    release: str
    options: dict[str, str] = field(default_factory=dict)
    config_readable: bool = True
    cmdline: str = ""
    next_cmdline: str = ""
    lockdown: bool = False
    lacks: list[str] = field(default_factory=list)
    dkms: dict[str, str] = field(default_factory=dict)
    initramfs: dict[str, str] = field(default_factory=dict)


@dataclass
class Platform:
    """What the BIOS and the distribution decide. `iommu` is the vendor's table, if VT-d or AMD-Vi
    is on (`DMAR`, `IVRS`), `iommu_default` whether this kernel line then uses it unasked,
    `naming` systemd's scheme, `loader` grub or systemd-boot, `efi` whether the
    firmware is EFI, as it is for systemd-boot anyway. On Proxmox a boot deletes the
    database of Open vSwitch (facts 5.1). `key_enrolled` is whether the firmware knows the key
    of DKMS."""

    proxmox: bool = False
    loader: str = "grub"
    efi: bool = False
    naming: int = 257
    iommu: str = ""
    iommu_default: bool = True
    secure_boot: bool = False
    key_enrolled: bool = False


@dataclass
class Unit:
    """A systemd service; `added` is one that somebody wrote a file for."""

    enabled: bool = True
    active: bool = True
    added: bool = False


@dataclass
class Process:
    """A process that somebody may look at in /proc."""

    name: str
    parent: int = 1
    environment: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)


@dataclass
class Guest:
    """A VM or container. It holds VF `vf` of PF `pf`, or a virtual interface in bridge `bridge`."""

    name: str
    kind: str = "vm"
    pf: str | None = None
    vf: int | None = None
    bridge: str | None = None
    mac: str = ""
    autostart: bool = False
    pid: int | None = None
    trouble: str = ""


@dataclass
class Conversation:
    """Traffic both ways between two ends: guests, `outside`, or `host` on a bridge."""

    one: str
    other: str
    rate: int
    size: int
    until: float
