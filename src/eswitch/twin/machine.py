"""What a machine file says: its keys are the fields of these classes, of the forms named there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from eswitch.model.typed import Unfit, short

from .forms import (
    Address,
    CommandLine,
    DeviceId,
    DriverName,
    FilePath,
    GivenMac,
    GivenName,
    GuestName,
    Mac,
    Name,
    NicId,
    Pci,
    PciClass,
    Release,
    SwitchId,
    Upstream,
    Version,
    VfId,
    Virtio,
    one_of,
)
from .state import Platform, Route
from .traits import DRIVERS

NETWORK = "020000"
"""The PCI class of an Ethernet controller."""
MOST_VFS = 127
"""Of a PF (facts 2.3)."""

# Kernel configurations by name. Debian 13's own: without NET_TC_SKB_EXT the kernel builds mlx5
# without MLX5_CLS_ACT from 6.12 on, that is without flower (facts 8.1).
_COMMON = {
    "NET_SCH_INGRESS": "m",
    "NET_CLS_FLOWER": "m",
    "NET_ACT_MIRRED": "m",
    "NET_SWITCHDEV": "y",
    "BNXT_FLOWER_OFFLOAD": "y",
    "ICE_SWITCHDEV": "y",
    "MLX5_ESWITCH": "y",
    "NFP_APP_FLOWER": "y",
}
OPTIONS = {
    "debian13": _COMMON,
    "proxmox": {**_COMMON, "NET_TC_SKB_EXT": "y", "MLX5_CLS_ACT": "y", "MLX5_TC_CT": "y"},
}


@dataclass
class NicSpec:
    """A card with e-switch or SR-IOV. `ports` are the PCI addresses of its PFs, with their MACs;
    `id` and `vf_id` are `15b3:101d`; `wire` gives each PF an interface for its far end."""

    driver: Annotated[str, one_of(DRIVERS)]
    id: NicId
    ports: dict[Pci, Mac]
    vf_id: VfId = ""
    bridge: Upstream = ""
    pci_class: PciClass = NETWORK
    switch_id: SwitchId = ""
    firmware: dict[str, str] = field(default_factory=dict)
    permaddr: bool = False
    wire: bool = False

    def __post_init__(self) -> None:
        if not self.ports:
            hint = 'ports: {"0000:05:00.0": "02:00:00:00:00:01"}'
            raise Unfit("a card has a port at least", path=["ports"], hint=hint)
        enabled = self.firmware.get("SRIOV_EN", "True")
        if enabled not in ("True", "False"):
            why, place = f"{short(enabled)} is not known", "SRIOV_EN"
            raise Unfit(why, path=["firmware", place], hint="there are True, False")
        vfs = self.firmware.get("NUM_OF_VFS", "8")
        if not (vfs.isascii() and vfs.isdecimal() and len(vfs) < 4 and int(vfs) <= MOST_VFS):
            why = f"{short(vfs)} is not a number from 0 to {MOST_VFS}"
            raise Unfit(why, path=["firmware", "NUM_OF_VFS"])


@dataclass
class DeviceSpec:
    """Another PCI function."""

    pci: Pci
    id: DeviceId
    pci_class: PciClass
    driver: DriverName = ""
    bridge: Upstream = ""
    virtio: Virtio | None = None


@dataclass
class InterfaceSpec:
    """An interface as the machine's own configuration has it; `pci` for one that hardware has."""

    name: GivenName = ""
    kind: Annotated[str, one_of(("physical", "bridge", "bond", "vlan", "dummy"))] = "physical"
    pci: str | None = None
    mac: GivenMac = ""
    up: bool = False
    master: str | None = None
    link: str | None = None
    vlan: int | None = None
    addresses: list[Address] = field(default_factory=list)
    dynamic: list[Address] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.name and self.pci is None:
            raise Unfit("it has neither a name nor hardware (`pci`)")
        if self.vlan is not None and not 1 <= self.vlan <= 4094:
            raise Unfit(f"{self.vlan} is no VLAN", path=["vlan"], hint="1 to 4094")
        if self.kind == "vlan" and (self.vlan is None or self.link is None):
            raise Unfit("a vlan has `vlan` and `link`")


@dataclass
class GuestSpec:
    """A guest that holds VF `vf` of the PF at `pf`, or is in `bridge`."""

    kind: Annotated[str, one_of(("vm", "ct"))] = "vm"
    pf: str | None = None
    vf: int | None = None
    bridge: Name | None = None
    mac: GivenMac = ""
    autostart: bool = False

    def __post_init__(self) -> None:
        one = (self.pf is None) is not (self.bridge is None)
        if not one or (self.pf is None) is not (self.vf is None):
            raise Unfit("a guest has `pf` and `vf`, or `bridge`")
        if self.vf is not None and not 0 <= self.vf < MOST_VFS:
            raise Unfit(f"{self.vf} is no VF's number", path=["vf"], hint=f"0 to {MOST_VFS - 1}")


@dataclass
class MachineSpec:
    """A machine file. `options` names a kernel configuration or lists its deviations from it."""

    about: str
    release: Release
    options: Annotated[str, one_of(OPTIONS)]
    cmdline: CommandLine = "BOOT_IMAGE=/boot/vmlinuz root=/dev/mapper/pve-root ro quiet"
    platform: Platform = field(default_factory=Platform)
    ovs: Version = ""
    packages: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    nics: dict[str, NicSpec] = field(default_factory=dict)
    devices: list[DeviceSpec] = field(default_factory=list)
    interfaces: list[InterfaceSpec] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    guests: dict[GuestName, GuestSpec] = field(default_factory=dict)
    files: dict[FilePath, str] = field(default_factory=dict)
    lacks: list[str] = field(default_factory=list)
    web: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    root: bool = True
