"""Who something is about: a step, a blocker, a note, a check. A value, and here it becomes text.

Nobody takes that text apart again: who wants to know asks the value. A subject is an identity that
outlives a rename wherever there is one (a PF's PCI address, a VF's index); a thing that has only a
name (a bridge, an interface, a module) is that name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from .identifiers import PciAddress, VfId


class Part(StrEnum):
    """What a host, or this task, has one of."""

    HOST = "this host"
    SPEC = "the spec"
    ARCHIVE = "driver"  # the out-of-tree driver's archive
    REBOOT = "the reboot"
    BOOT = "boot"  # what the boot loader starts the kernel with
    IOMMU = "IOMMU"
    OPEN_VSWITCH = "Open vSwitch"  # its settings for all bridges


@dataclass(frozen=True, slots=True)
class SpecNic:
    """An entry of the spec's `nics`, which may be no NIC of this host."""

    KIND: ClassVar[str] = "spec-nic"
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Nic:
    """A PF with all that belongs to it. `netdev` is only for people: it is no part of who it is."""

    KIND: ClassVar[str] = "nic"
    pci: PciAddress
    netdev: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.pci} ({self.netdev})" if self.netdev else self.pci


@dataclass(frozen=True, slots=True)
class Uplink:
    """A PF's own interface, which is the way out of the host."""

    KIND: ClassVar[str] = "uplink"
    pci: PciAddress

    def __str__(self) -> str:
        return f"{self.pci} uplink"


@dataclass(frozen=True, slots=True)
class Representor:
    """The interface that stands for a VF on this host."""

    KIND: ClassVar[str] = "representor"
    vf: VfId

    def __str__(self) -> str:
        return f"{self.vf} representor"


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge, with the interface of its name."""

    KIND: ClassVar[str] = "bridge"
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Port:
    """A bridge's port of which only the name is known."""

    KIND: ClassVar[str] = "port"
    name: str

    def __str__(self) -> str:
        return f"port {self.name}"


@dataclass(frozen=True, slots=True)
class Interface:
    """Any other network interface of this host."""

    KIND: ClassVar[str] = "interface"
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Named:
    """An interface by its name of the day, and who that is; None where only the name is known."""

    KIND: ClassVar[str] = "named"
    name: str
    of: Uplink | VfId | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.of})" if self.of else self.name


@dataclass(frozen=True, slots=True)
class SpecPort:
    """A port of the spec's `bridges`, of an entry of its `nics`; `vf` is None for the uplink."""

    KIND: ClassVar[str] = "spec-port"
    nic: str
    vf: int | None = None

    def __str__(self) -> str:
        return f"{self.nic}/{'uplink' if self.vf is None else self.vf}"


@dataclass(frozen=True, slots=True)
class HostAddress:
    """An address of this host, `192.168.1.101/24`."""

    KIND: ClassVar[str] = "address"
    address: str

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """The default route of a family, 4 or 6."""

    KIND: ClassVar[str] = "default-route"
    family: int

    def __str__(self) -> str:
        return f"IPv{self.family} default route"


@dataclass(frozen=True, slots=True)
class KernelModule:
    """A kernel module, or a family of them (`vfio`)."""

    KIND: ClassVar[str] = "module"
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class File:
    """A file of this host."""

    KIND: ClassVar[str] = "file"
    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that eswitch runs, by its name."""

    KIND: ClassVar[str] = "tool"
    name: str

    def __str__(self) -> str:
        return self.name


Subject = (
    Part
    | SpecNic
    | Nic
    | Uplink
    | VfId
    | Representor
    | Bridge
    | Port
    | Interface
    | Named
    | SpecPort
    | HostAddress
    | DefaultRoute
    | KernelModule
    | File
    | Tool
)
"""A new kind is a class here; if interfaces depend on it, `topology/hit.py` says which."""


def vf_of(subject: Subject) -> VfId | None:
    """The VF that it is, or stands for."""
    match subject:
        case VfId():
            return subject
        case Representor(vf=vf):
            return vf
        case _:
            return None


def together(one: Subject, vf: VfId, indexes: str) -> str:
    """`one`, which is `vf` or stands for it, with others of its PF: `0000:07:00.0 VF 0-126`."""
    text = f"{vf.pf} VF {indexes}"
    return f"{text} representor" if isinstance(one, Representor) else text
