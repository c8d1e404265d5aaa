"""What the user wants, after the spec was read: plain values with their place in the file.

`None` in an optional field means "leave it as it is". Places (`Source`) never take part in
comparisons: two specs that mean the same are equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from .identifiers import MacAddress, PciAddress

SPEC_VERSION = 1


@dataclass(frozen=True, slots=True)
class Source:
    """A place in the spec; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class EswitchMode(StrEnum):
    """The modes a user may ask for. The kernel knows more (facts 1.4): see ObservedState."""

    LEGACY = "legacy"
    SWITCHDEV = "switchdev"


class InlineMode(StrEnum):
    """How many headers the sender must inline for the e-switch (facts 1.4)."""

    NONE = "none"
    LINK = "link"
    NETWORK = "network"
    TRANSPORT = "transport"


class EncapMode(StrEnum):
    """Whether tunnel encapsulation may be offloaded (facts 1.4)."""

    NONE = "none"
    BASIC = "basic"


class VfDriver(StrEnum):
    """Who drives a VF on this host."""

    HOST = "host"  # the NIC's own VF driver: a netdev for a container or the host itself
    NONE = "none"  # unbound: a VM takes it through vfio-pci


class MacPolicy(StrEnum):
    """Where a VF's MAC comes from when the spec does not write one out."""

    FIXED = "fixed"  # written in the spec
    DERIVED = "auto"  # computed from the PF's MAC and the VF's index, the same at every boot
    UNMANAGED = "keep"  # whatever is there, random at each probe if nobody set one


class TcPolicy(StrEnum):
    """Open vSwitch `other_config:tc-policy` (ovs-vswitchd.conf.db(5))."""

    NONE = "none"
    SKIP_SW = "skip_sw"
    SKIP_HW = "skip_hw"


@dataclass(frozen=True, slots=True)
class NicMatch:
    """How to find the PF: every field that is given must hold, and exactly one PF must match."""

    mac: MacAddress | None = None
    pci: PciAddress | None = None
    name: str | None = None
    source: Source | None = field(default=None, compare=False)

    def __str__(self) -> str:
        given = {"mac": self.mac, "pci": self.pci, "name": self.name}
        return ", ".join(f"{key} {value}" for key, value in given.items() if value)


@dataclass(frozen=True, slots=True)
class DesiredVf:
    """One VF. `vlan` is the access VLAN (1..4094) that its representor's bridge port carries."""

    index: int
    mac_policy: MacPolicy = MacPolicy.DERIVED
    mac: MacAddress | None = None
    vlan: int | None = None
    driver: VfDriver = VfDriver.NONE
    source: Source | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DesiredNic:
    """One PF and its VFs, index 0 to N-1 without gaps.

    With `firmware_reset` new firmware settings are put in force by resetting the card, which takes
    its links down for some seconds, instead of by a reboot (facts 2.4).
    """

    name: str
    match: NicMatch
    vfs: tuple[DesiredVf, ...] = ()
    mode: EswitchMode = EswitchMode.SWITCHDEV
    inline_mode: InlineMode | None = None
    encap_mode: EncapMode | None = None
    firmware_reset: bool = False
    source: Source | None = field(default=None, compare=False)
    vfs_source: Source | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DesiredPort:
    """A bridge port: the uplink of `nic` (vf is None) or the representor of its VF `vf`."""

    nic: str
    vf: int | None = None
    vlan: int | None = None
    source: Source | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.nic}/uplink" if self.vf is None else f"{self.nic}/{self.vf}"


@dataclass(frozen=True, slots=True)
class DesiredBridge:
    """An Open vSwitch bridge; addresses and gateways live on its local port."""

    name: str
    ports: tuple[DesiredPort, ...] = ()
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()
    gateways: tuple[IPv4Address | IPv6Address, ...] = ()
    source: Source | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DesiredOvs:
    """Open vSwitch's global settings. `max_idle` is in milliseconds (at least 500)."""

    hw_offload: bool = True
    tc_policy: TcPolicy | None = None
    max_idle: int | None = None
    source: Source | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DesiredDriver:
    """An out-of-tree driver: NVIDIA's archive (MLNX_EN, DOCA-OFED) at an absolute path or an
    https URL, and the SHA-256 that it must have, 64 lower-case hexadecimal digits."""

    package: str
    sha256: str
    source: Source | None = field(default=None, compare=False)

    @property
    def is_url(self) -> bool:
        """Whether it has to be downloaded first."""
        return "://" in self.package


@dataclass(frozen=True, slots=True)
class DesiredState:
    """A whole spec. Names of NICs and bridges are unique; ports refer to NICs that exist.

    `driver` is None for the kernel's own. `passthrough` is whether VMs get VFs, None where the VFs
    tell: those with `driver: none` are for VMs.
    """

    nics: tuple[DesiredNic, ...] = ()
    bridges: tuple[DesiredBridge, ...] = ()
    ovs: DesiredOvs = DesiredOvs()
    driver: DesiredDriver | None = None
    passthrough: bool | None = None
    passthrough_source: Source | None = field(default=None, compare=False)

    def nic(self, name: str) -> DesiredNic:
        """The NIC of that name; raises KeyError when the spec has none."""
        for nic in self.nics:
            if nic.name == name:
                return nic
        raise KeyError(name)
