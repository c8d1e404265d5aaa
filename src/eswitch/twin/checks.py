"""What the parts of a machine file say of each other: nonsense before a machine is made. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import NoReturn

from eswitch.model.typed import Unfit, short

from .machine import MachineSpec
from .state import Platform, Route, State

_LOADERS = ("grub", "systemd-boot")
_TABLES = ("", "DMAR", "IVRS")

Place = list[str | int]


def check(spec: MachineSpec) -> None:
    """Raises Unfit for the first mistake."""
    _platform(spec.platform)
    functions = _functions(spec)
    _vf_addresses(spec, functions)
    _interfaces(spec, functions)
    for number, route in enumerate(spec.routes):
        _route(route, ["routes", number])
    pfs = {pci for nic in spec.nics.values() for pci in nic.ports}
    for name, guest in spec.guests.items():
        if guest.pf is not None and guest.pf not in pfs:
            why = f"{short(guest.pf)} is no port of a NIC here"
            _no(why, ["guests", name, "pf"], _listed(pfs))


def check_names(spec: MachineSpec, state: State) -> None:
    """Raises Unfit for an interface that a booted machine has not: udev named some of them."""
    listed = _listed(link.name for link in state.links)
    for number, each in enumerate(spec.interfaces):
        if each.link is not None and state.link(each.link) is None:
            place: Place = ["interfaces", number, "link"]
            _no(f"there is no interface {short(each.link)}", place, listed)
    for number, route in enumerate(spec.routes):
        if state.link(route.device) is None:
            place = ["routes", number, "device"]
            _no(f"there is no interface {short(route.device)}", place, listed)


def _no(why: str, place: Place, hint: str = "") -> NoReturn:
    raise Unfit(why, path=place, hint=hint)


def _one_of(value: str, known: Collection[str], place: Place) -> None:
    if value not in known:
        listed = ", ".join(each or '""' for each in known)
        _no(f"{short(value)} is not known", place, f"there are {listed}")


def _platform(platform: Platform) -> None:
    _one_of(platform.loader, _LOADERS, ["platform", "loader"])
    _one_of(platform.iommu, _TABLES, ["platform", "iommu"])
    if not 238 <= platform.naming <= 999:
        why = f"{platform.naming} is no naming scheme of systemd"
        _no(why, ["platform", "naming"], "252 on Proxmox VE 8, 257 on Proxmox VE 9 and Debian 13")


# ---- PCI functions


def _functions(spec: MachineSpec) -> dict[str, Place]:
    """All PCI addresses with their places; each there once."""
    found: dict[str, Place] = {}
    macs: set[str] = set()
    for name, nic in spec.nics.items():
        place: Place = ["nics", name]
        for pci, mac in nic.ports.items():
            _new(pci, found, [*place, "ports", pci])
            if mac in macs:
                _no(f"{mac} is another port's address already", [*place, "ports", pci])
            macs.add(mac)
    for number, device in enumerate(spec.devices):
        _new(device.pci, found, ["devices", number, "pci"])
    return found


def _new(pci: str, found: dict[str, Place], place: Place) -> None:
    if pci in found:
        taken = ".".join(map(str, found[pci]))
        _no(f"the PCI address {pci} is taken by {taken}", place)
    found[pci] = place


def _vf_addresses(spec: MachineSpec, functions: dict[str, Place]) -> None:
    """The VFs follow the last PF (`nics.vf_offset`); none may sit on another function."""
    for name, nic in spec.nics.items():
        total = int(nic.firmware.get("NUM_OF_VFS", "8"))
        for number, pci in enumerate(nic.ports):
            first = _routing(pci) + len(nic.ports) - number + number * total
            taken = {_routing(other): other for other in functions if other[:4] == pci[:4]}
            other = next((taken[n] for n in range(first, first + total) if n in taken), None)
            if other is not None:
                why = f"a VF of {pci} would have the address of {other}"
                hint = "the ports of one card belong under one name; another card has another bus"
                _no(why, ["nics", name, "ports", pci], hint)


def _routing(pci: str) -> int:
    _, bus, rest = pci.split(":")
    device, _, function = rest.partition(".")
    return (int(bus, 16) << 8) + (int(device, 16) << 3) + int(function)


# ---- interfaces, routes, guests


def _interfaces(spec: MachineSpec, functions: dict[str, Place]) -> None:
    names = {"lo"}
    used: set[str] = set()
    for number, each in enumerate(spec.interfaces):
        place: Place = ["interfaces", number]
        if each.pci is not None and each.pci not in functions:
            hint = "its hardware stands under `nics` or `devices`"
            _no(f"there is no PCI function {short(each.pci)}", [*place, "pci"], hint)
        if each.name in names:
            _no(f"there is an interface {each.name} already", [*place, "name"])
        if each.pci in used:
            _no(f"{each.pci} has an interface already", [*place, "pci"])
        names |= {each.name} - {""}
        used |= {each.pci} - {None} if each.pci else set()
    kinds = {each.name: each.kind for each in spec.interfaces}
    for number, each in enumerate(spec.interfaces):
        if each.master is not None and kinds.get(each.master) not in ("bridge", "bond"):
            why = f"{short(each.master)} is no bridge and no bond of this machine"
            _no(why, ["interfaces", number, "master"])


def _route(route: Route, place: Place) -> None:
    if route.family not in (4, 6):
        _no(f"{route.family} is no family", [*place, "family"], "4 or 6")
    if route.gateway is not None:
        try:
            fits = ip_address(route.gateway).version == route.family
        except ValueError:
            fits = False
        if not fits:
            _no(f"{short(route.gateway)} is no IPv{route.family} address", [*place, "gateway"])


def _listed(names: Iterable[str]) -> str:
    return f"there are {', '.join(sorted(names)) or 'none'}"
