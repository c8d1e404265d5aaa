"""What a machine file says: its keys are the fields of these classes."""

from __future__ import annotations

from dataclasses import dataclass, field

from .state import Platform, Route

NETWORK = "020000"
"""The PCI class of an Ethernet controller."""


@dataclass
class NicSpec:
    """A card with e-switch or SR-IOV. `ports` are the PCI addresses of its PFs, with their MACs;
    `id` and `vf_id` are `15b3:101d`; `wire` gives each PF an interface for its far end."""

    driver: str
    id: str
    ports: dict[str, str]
    vf_id: str = ""
    bridge: str = ""
    pci_class: str = NETWORK
    switch_id: str = ""
    firmware: dict[str, str] = field(default_factory=dict)
    permaddr: bool = False
    wire: bool = False


@dataclass
class DeviceSpec:
    """Another PCI function."""

    pci: str
    id: str
    pci_class: str
    driver: str = ""
    bridge: str = ""
    virtio: str | None = None


@dataclass
class InterfaceSpec:
    """An interface as the machine's own configuration has it; `pci` for one that hardware has."""

    name: str = ""
    kind: str = "physical"
    pci: str | None = None
    mac: str = ""
    up: bool = False
    master: str | None = None
    link: str | None = None
    vlan: int | None = None
    addresses: list[str] = field(default_factory=list)
    dynamic: list[str] = field(default_factory=list)


@dataclass
class GuestSpec:
    """A guest that holds VF `vf` of the PF at `pf`, or is in `bridge`."""

    kind: str = "vm"
    pf: str | None = None
    vf: int | None = None
    bridge: str | None = None
    mac: str = ""
    autostart: bool = False


@dataclass
class MachineSpec:
    """A machine file. `options` names a kernel configuration or lists its deviations from it."""

    about: str
    release: str
    options: str
    cmdline: str = "BOOT_IMAGE=/boot/vmlinuz root=/dev/mapper/pve-root ro quiet"
    platform: Platform = field(default_factory=Platform)
    ovs: str = ""
    packages: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    nics: dict[str, NicSpec] = field(default_factory=dict)
    devices: list[DeviceSpec] = field(default_factory=list)
    interfaces: list[InterfaceSpec] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    guests: dict[str, GuestSpec] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    lacks: list[str] = field(default_factory=list)
    web: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    root: bool = True
