"""Cards, their firmware, and PCI functions with what SR-IOV adds."""

from __future__ import annotations

from dataclasses import dataclass, field

ZERO = "00:00:00:00:00:00"


@dataclass
class Card:
    """One adapter, of one or more PFs: its firmware's values, in force and at the next start."""

    switch_id: str
    current: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    ports: int = 1
    permaddr: bool = False
    """Whether the driver reports a permanent address, which `ip` shows only if it differs."""


@dataclass
class Vport:
    """What the PF keeps for a VF: the admin MAC, and the settings of `ip link set PF vf N`."""

    mac: str = ZERO
    vlan: int = 0
    qos: int = 0
    spoofchk: bool = False
    trust: bool = False
    link_state: str = "auto"
    min_rate: int = 0
    max_rate: int = 0


@dataclass
class Pf:
    """The SR-IOV side of a physical function: its place on its card, its e-switch and its VFs."""

    card: str
    mac: str
    vf_device: str = ""
    number: int = 0
    autoprobe: bool = True
    mode: str = "legacy"
    inline_mode: str = "none"
    encap_mode: str = "basic"
    vports: list[Vport] = field(default_factory=list)


@dataclass
class Function:
    """A PCI function. `native` is the driver that claims it by itself, `bridge` the upstream port
    ("" on the root bus), `group` its IOMMU group while the IOMMU is on. VFs have `physfn` and
    `index`; `virtio` is the child device of a virtio function."""

    pci: str
    vendor: str
    device: str
    pci_class: str
    driver: str | None = None
    native: str | None = None
    bridge: str = ""
    group: int | None = None
    override: str = ""
    physfn: str | None = None
    index: int | None = None
    pf: Pf | None = None
    virtio: str | None = None
