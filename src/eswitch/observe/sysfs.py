"""What sysfs shows about PCI functions. One directory listing says which attributes exist."""

from __future__ import annotations

import posixpath

from eswitch.errors import HostError, NotFound
from eswitch.host import Host
from eswitch.model.identifiers import PciAddress, parse_pci_address
from eswitch.model.observed import SriovState

DEVICES = "/sys/bus/pci/devices"
NETWORK_CLASS = "0x02"
_BRIDGE_CLASS = "0x06"


def list_devices(host: Host) -> tuple[PciAddress, ...]:
    """All PCI functions; none on a machine without PCI."""
    try:
        names = host.list(DEVICES)
    except NotFound:
        return ()
    found = []
    for name in names:
        try:
            found.append(parse_pci_address(name))
        except ValueError:
            continue
    return tuple(found)


def list_attributes(host: Host, device: PciAddress) -> frozenset[str]:
    """The names in a function's directory; none if the function has gone."""
    try:
        return frozenset(host.list(f"{DEVICES}/{device}"))
    except NotFound:
        return frozenset()


def read_class(host: Host, device: PciAddress) -> str:
    """The PCI class, `0x020000` for Ethernet controllers; nothing if the function has gone."""
    try:
        return host.read(f"{DEVICES}/{device}/class")
    except NotFound:
        return ""


def read_number(host: Host, device: PciAddress, attribute: str) -> int:
    """A decimal attribute; raises HostError if it is none."""
    path = f"{DEVICES}/{device}/{attribute}"
    content = host.read(path)
    try:
        return int(content)
    except ValueError:
        raise HostError(f"{path} has {content!r} in it, not a number") from None


def read_sriov(host: Host, device: PciAddress, attributes: frozenset[str]) -> SriovState | None:
    """The SR-IOV attributes, or None for a function without that capability."""
    if "sriov_totalvfs" not in attributes:
        return None
    # Kernels before 4.12 have no autoprobe attribute: there drivers always take new VFs.
    autoprobe = (
        "sriov_drivers_autoprobe" not in attributes
        or read_number(host, device, "sriov_drivers_autoprobe") != 0
    )
    return SriovState(
        total=read_number(host, device, "sriov_totalvfs"),
        count=read_number(host, device, "sriov_numvfs"),
        autoprobe=autoprobe,
    )


def read_vendor_device(host: Host, device: PciAddress) -> str:
    """`15b3:101d`, or nothing if the function has gone."""
    try:
        parts = [host.read(f"{DEVICES}/{device}/{name}") for name in ("vendor", "device")]
    except NotFound:
        return ""
    return ":".join(part.removeprefix("0x") for part in parts)


def follow(host: Host, device: PciAddress, link: str) -> str | None:
    """The last part of what a link like `driver` or `virtfn3` points to, or None without it."""
    try:
        return posixpath.basename(host.resolve(f"{DEVICES}/{device}/{link}"))
    except NotFound:
        return None


def follow_to_device(host: Host, device: PciAddress, link: str) -> PciAddress | None:
    """The PCI function that a link points to, or None without it."""
    try:
        return parse_pci_address(follow(host, device, link) or "")
    except ValueError:
        return None


def read_iommu_group(host: Host, device: PciAddress) -> int | None:
    """The number of the IOMMU group, or None with the IOMMU off."""
    group = follow(host, device, "iommu_group") or ""
    return int(group) if group.isdecimal() else None


def read_group_peers(host: Host, device: PciAddress) -> tuple[PciAddress, ...]:
    """The functions that a VM with this one would take along: those of its IOMMU group.

    Bridges stay with their driver whoever takes the group. None with the IOMMU off.
    """
    try:
        names = host.list(f"{DEVICES}/{device}/iommu_group/devices")
    except NotFound:
        return ()
    peers = []
    for name in names:
        try:
            peer = parse_pci_address(name)
        except ValueError:
            continue  # a group may have functions of other buses in it
        if peer != device and not read_class(host, peer).startswith(_BRIDGE_CLASS):
            peers.append(peer)
    return tuple(peers)
