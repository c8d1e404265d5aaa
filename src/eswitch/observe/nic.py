"""The PFs of this host with their VFs: sysfs, `devlink` and `ip` put together by PCI address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from eswitch.host import Host
from eswitch.model.drivers import PROFILES, profile_of, profile_of_device
from eswitch.model.identifiers import PciAddress, VfId
from eswitch.model.observed import LegacyVf, LinkState, NicState, SriovState, VfState
from eswitch.model.unknown import Unknown

from . import sysfs
from .devlink import Devlink, read_devlink
from .ingress import read_ingress
from .links import Network, is_representor
from .vf_holders import NAMESPACE, host_uses, is_vfio, read_vfio_users

_ODD_CLASSES = tuple(
    {profile.pci_class for profile in PROFILES if profile.pci_class != sysfs.NETWORK_CLASS}
)
"""Classes of NICs that do not call themselves network controllers (the lab's)."""


@dataclass(frozen=True, slots=True)
class _Function:
    """A PF as sysfs alone shows it; `vfs` are (index, address, driver)."""

    pci: PciAddress
    attributes: frozenset[str]
    driver: str | None
    sriov: SriovState | None
    vfs: tuple[tuple[int, PciAddress, str | None], ...]


def read_nics(host: Host, network: Network, fresh: frozenset[str]) -> tuple[NicState, ...]:
    """All PFs, sorted by PCI address; `fresh` are the interfaces that udev has yet to name.

    They are the parents of interfaces, and network controllers without one (unbound, or with
    their interface in another namespace).
    """
    functions = _read_functions(host, network)
    devlink = read_devlink(host, [pf.pci for pf in functions if pf.driver])
    held = read_vfio_users(
        host, (vf for pf in functions for _, vf, driver in pf.vfs if is_vfio(driver))
    )
    ingress = read_ingress(host) if functions else {}
    nics = (_nic(host, pf, devlink, network, held) for pf in functions)
    nics = (replace(nic, ingress=ingress.get(nic.netdev or "")) for nic in nics)
    return tuple(_without_names(nic, fresh) if fresh else nic for nic in nics)


def _without_names(nic: NicState, fresh: frozenset[str]) -> NicState:
    """A name that udev is about to change is none: no step may be made with it."""
    vfs = (
        replace(
            vf,
            representor=None if vf.representor in fresh else vf.representor,
            netdev=None if vf.netdev in fresh else vf.netdev,
        )
        for vf in nic.vfs
    )
    return replace(nic, netdev=None if nic.netdev in fresh else nic.netdev, vfs=tuple(vfs))


def _read_functions(host: Host, network: Network) -> list[_Function]:
    """PFs sorted by address: a VF comes after its PF, so its own directory is not looked at."""
    parents = {link.parent for link in network.links if link.parent}
    found = []
    vfs: set[PciAddress] = set()
    for device in sorted({*sysfs.list_devices(host), *parents}):
        if device in vfs:
            continue
        pci_class = "" if device in parents else sysfs.read_class(host, device)
        odd = pci_class.startswith(_ODD_CLASSES)
        if device not in parents and not odd and not pci_class.startswith(sysfs.NETWORK_CLASS):
            continue
        attributes = sysfs.list_attributes(host, device)
        if not attributes or "physfn" in attributes:
            continue
        if odd and not _is_odd_nic(host, device, attributes):
            continue
        function = _function(host, device, attributes)
        vfs.update(vf for _, vf, _ in function.vfs)
        found.append(function)
    return found


def _is_odd_nic(host: Host, device: PciAddress, attributes: frozenset[str]) -> bool:
    """Whether what calls itself something else is a NIC: by its PCI ID while no driver is bound to
    it. A disk on its own driver is a disk."""
    if "driver" in attributes:
        return profile_of(sysfs.follow(host, device, "driver")) is not None
    return profile_of_device(sysfs.read_vendor_device(host, device)) is not None


def _function(host: Host, device: PciAddress, attributes: frozenset[str]) -> _Function:
    numbers = sorted(
        int(name.removeprefix("virtfn"))
        for name in attributes
        if name.startswith("virtfn") and name.removeprefix("virtfn").isdecimal()
    )
    vfs = []
    for index in numbers:
        vf = sysfs.follow_to_device(host, device, f"virtfn{index}")
        if vf:
            vfs.append((index, vf, sysfs.follow(host, vf, "driver")))
    return _Function(
        pci=device,
        attributes=attributes,
        driver=sysfs.follow(host, device, "driver") if "driver" in attributes else None,
        sriov=sysfs.read_sriov(host, device, attributes),
        vfs=tuple(vfs),
    )


def _nic(
    host: Host,
    pf: _Function,
    devlink: Devlink,
    network: Network,
    held: Mapping[PciAddress, tuple[str, ...]],
) -> NicState:
    uplink = _uplink(pf, devlink, network)
    name = uplink.name if uplink else None
    by_parent = {link.parent: link for link in reversed(network.links) if not is_representor(link)}
    group = sysfs.read_iommu_group(host, pf.pci)
    vfs = []
    for index, vf, driver in pf.vfs:
        # Where the PF has no group, the IOMMU is off, and no VF has one.
        peers = () if group is None else sysfs.read_group_peers(host, vf)
        state = VfState(index, vf, driver, users=held.get(vf, ()), group_peers=peers)
        state = _with_admin(state, pf, devlink, network, name)
        vfs.append(_with_netdev(state, pf, by_parent.get(vf), network))
    return NicState(
        pci=pf.pci,
        driver=pf.driver,
        netdev=name,
        mac=network.permanent.get(uplink.name, uplink.mac) if uplink else None,
        vendor_device=sysfs.read_vendor_device(host, pf.pci),
        switch_id=uplink.switch_id if uplink else None,
        sriov=pf.sriov,
        eswitch=devlink.eswitches.get(pf.pci, Unknown("no driver is bound to it")),
        vfs=tuple(vfs),
        iommu_group=group,
    )


def _uplink(pf: _Function, devlink: Devlink, network: Network) -> LinkState | None:
    """The PF's own interface: that of its physical port, or its first that stands for no VF."""
    mine = [
        link
        for link in network.links
        # A virtio NIC's interface belongs to `virtio2`, which is a child of the PCI function.
        if network.devices.get(link.name) in {pf.pci, *_children(pf)}
        and not is_representor(link)
        and link.lower is None
    ]
    port = devlink.uplinks.get(pf.pci)
    named = (link for link in mine if port and link.name == port.netdev)
    return next(named, mine[0] if mine else None)


def _children(pf: _Function) -> Iterable[str]:
    return (name for name in pf.attributes if name.startswith("virtio"))


def _with_admin(
    vf: VfState, pf: _Function, devlink: Devlink, network: Network, uplink: str | None
) -> VfState:
    """Add what the PF knows about a VF: its representor, and what was set for it."""
    port = devlink.representors.get(VfId(pf.pci, vf.index))
    admin = network.admin_vfs.get(uplink or "", {}).get(vf.index)
    mac = (port.mac if port else None) or (admin.mac if admin else None)
    return replace(
        vf,
        mac=mac,
        representor=port.netdev if port else None,
        devlink_port=port.handle if port else None,
        legacy=admin.settings if admin else LegacyVf(),
    )


def _with_netdev(vf: VfState, pf: _Function, link: LinkState | None, network: Network) -> VfState:
    """Add the VF's own interface, and who uses it."""
    if link:
        return replace(
            vf,
            netdev=link.name,
            users=(*vf.users, *host_uses(link, network.uppers.get(link.name, ()))),
        )
    profile = profile_of(pf.driver)
    if profile and vf.driver and vf.driver == profile.vf_driver:
        return replace(vf, users=(*vf.users, NAMESPACE))
    return vf
