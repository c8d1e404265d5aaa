"""Identities that survive a rename: PCI addresses, MAC addresses, VFs and their representors.

Interface names change between systemd and kernel versions (facts 1.6), so a NIC is its PCI
address, and a VF or its representor is (PCI address of the PF, VF index).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, NewType

PciAddress = NewType("PciAddress", str)
"""Full form, lower case: `0000:07:00.0` (domain, bus, device, function)."""

MacAddress = NewType("MacAddress", str)
"""Lower case with colons: `08:c0:eb:32:98:11`."""

SwitchId = NewType("SwitchId", str)
"""`phys_switch_id` in hex as the kernel prints it; its length is not fixed (facts 1.6)."""

ZERO_MAC = MacAddress("00:00:00:00:00:00")
"""The admin MAC of a VF that nobody set: its driver then takes a random one at each probe."""

OVS_DATAPATH = "ovs-system"
"""The device of Open vSwitch's datapath, which is every port's master; it carries nobody's
addresses."""

OWNER = "eswitch"
"""Key in the `external_ids` of the bridges and ports that eswitch made in OVSDB; the value is their
identity: `bridge`, `0000:07:00.0/uplink`, `0000:07:00.0/vf3`."""

_PCI = re.compile(r"^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$")
_MAC = re.compile(r"^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$")


def parse_pci_address(text: str) -> PciAddress:
    """Normalise `07:00.0` or `0000:07:00.0`; raises ValueError for anything else."""
    found = _PCI.match(text.strip().lower())
    if not found:
        raise ValueError(f"{text!r} is not a PCI address (expected 0000:07:00.0)")
    domain, bus, device, function = found.groups()
    if int(device, 16) > 0x1F:
        raise ValueError(f"{text!r} is not a PCI address (device number above 1f)")
    return PciAddress(f"{domain or '0000'}:{bus}:{device}.{function}")


def parse_mac_address(text: str) -> MacAddress:
    """Normalise case and `-` separators; raises ValueError for anything else."""
    plain = text.strip().lower().replace("-", ":")
    if not _MAC.match(plain):
        raise ValueError(f"{text!r} is not a MAC address (expected 08:c0:eb:32:98:11)")
    return MacAddress(plain)


def is_multicast(mac: MacAddress) -> bool:
    """True for group addresses (lowest bit of the first octet), broadcast included."""
    return bool(int(mac[:2], 16) & 1)


def derived_mac(pf_mac: MacAddress, vf: int) -> MacAddress:
    """A stable, locally administered unicast MAC for a VF: the same at every boot of this NIC.

    Without it the VF driver invents a new address at each probe (facts 1.7), and guests lose
    their DHCP lease and switch ports their learned address.
    """
    import hashlib  # noqa: PLC0415 (OpenSSL takes longer to load than a spec to read)

    digest = hashlib.sha256(f"{pf_mac}/vf/{vf}".encode()).digest()
    octets = bytes([(digest[0] & 0xFC) | 0x02]) + digest[1:6]
    return MacAddress(":".join(f"{octet:02x}" for octet in octets))


@dataclass(frozen=True, slots=True, order=True)
class VfId:
    """A VF, by the PCI address of its PF and its index."""

    KIND: ClassVar[str] = "vf"
    pf: PciAddress
    index: int

    def __str__(self) -> str:
        return f"{self.pf} VF {self.index}"
