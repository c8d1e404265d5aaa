"""What no machine can be: nonsense in a machine file, before anything is made of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from ipaddress import ip_address, ip_interface
from typing import NoReturn

from eswitch.model.identifiers import ZERO_MAC, is_multicast, parse_mac_address, parse_pci_address
from eswitch.model.typed import Unfit, short

from .links import NAME_LIMIT
from .machine import DeviceSpec, GuestSpec, InterfaceSpec, MachineSpec, NicSpec
from .state import Route, State
from .traits import DRIVERS

_LOADERS = ("grub", "systemd-boot")
_TABLES = ("", "DMAR", "IVRS")
_KINDS = ("physical", "bridge", "bond", "vlan", "dummy")
_GUESTS = ("vm", "ct")
_MOST_VFS = 127
"""Of a PF (domain.md 2.3)."""
_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")
_CLASS = re.compile(r"[0-9a-f]{6}")
_SWITCH = re.compile(r"(?:[0-9a-f]{2})+")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_WORD = re.compile(r"[A-Za-z0-9_.+-]+")
_GUEST = re.compile(r"[a-z]+/[A-Za-z0-9_-]{1,11}")
VIEWS = ("/sys", "/proc", "/dev")
"""What is no file but a view of the machine."""

Place = list[str | int]


def check(spec: MachineSpec, options: Collection[str]) -> None:
    """Raises Unfit for the first mistake; `options` are the kernel configurations that exist."""
    _one_of(spec.options, options, ["options"])
    _words(spec)
    functions = _functions(spec)
    _vf_addresses(spec, functions)
    _interfaces(spec, functions)
    for number, route in enumerate(spec.routes):
        _route(route, ["routes", number])
    pfs = {pci for nic in spec.nics.values() for pci in nic.ports}
    for name, guest in spec.guests.items():
        _guest(name, guest, pfs, ["guests", name])
    for path in spec.files:
        refuse_path(path, ["files", path])


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


def refuse_path(path: str, place: Place | None = None) -> None:
    """Raises Unfit for a path that no file of a machine can have."""
    parts = path.split("/")
    if not path.startswith("/") or path.endswith("/") or {"", ".", ".."} & set(parts[1:]):
        hint = "absolute and plain: /etc/default/grub"
        raise Unfit(f"{short(path)} is no path of a file", path=place, hint=hint)
    if f"/{parts[1]}" in VIEWS:
        hint = "what the kernel lets one write there: eswitch twin run echo VALUE '>' FILE"
        raise Unfit(
            f"{path}: /{parts[1]} holds no files, the kernel makes it", path=place, hint=hint
        )


def _no(why: str, place: Place, hint: str = "") -> NoReturn:
    raise Unfit(why, path=place, hint=hint)


def _one_of(value: str, known: Collection[str], place: Place) -> None:
    if value not in known:
        listed = ", ".join(each or '""' for each in known)
        _no(f"{short(value)} is not known", place, f"there are {listed}")


def _matches(value: str, pattern: re.Pattern[str], example: str, place: Place) -> None:
    if not pattern.fullmatch(value):
        _no(f"{short(value)} is not of the form {example}", place)


def _words(spec: MachineSpec) -> None:
    _matches(spec.release, _WORD, "6.14.8-2-pve", ["release"])
    if spec.ovs:
        _matches(spec.ovs, _VERSION, "3.5.0", ["ovs"])
    if not spec.cmdline.isprintable():
        _no("a command line is one line of plain text", ["cmdline"])
    _one_of(spec.platform.loader, _LOADERS, ["platform", "loader"])
    _one_of(spec.platform.iommu, _TABLES, ["platform", "iommu"])
    if not 238 <= spec.platform.naming <= 999:
        why = f"{spec.platform.naming} is no naming scheme of systemd"
        _no(why, ["platform", "naming"], "252 on Proxmox VE 8, 257 on Proxmox VE 9 and Debian 13")


# ---- PCI functions


def _functions(spec: MachineSpec) -> dict[str, Place]:
    """All PCI addresses with their places; each there once."""
    found: dict[str, Place] = {}
    macs: set[str] = set()
    for name, nic in spec.nics.items():
        place: Place = ["nics", name]
        _nic(nic, place)
        for pci, mac in nic.ports.items():
            _new(pci, found, [*place, "ports", pci])
            _mac(mac, [*place, "ports", pci])
            if mac in macs:
                _no(f"{mac} is another port's address already", [*place, "ports", pci])
            macs.add(mac)
    for number, device in enumerate(spec.devices):
        _device(device, ["devices", number])
        _new(device.pci, found, ["devices", number, "pci"])
    return found


def _new(pci: str, found: dict[str, Place], place: Place) -> None:
    _pci(pci, place)
    if pci in found:
        taken = ".".join(map(str, found[pci]))
        _no(f"the PCI address {pci} is taken by {taken}", place)
    found[pci] = place


def _pci(text: str, place: Place) -> None:
    try:
        full = parse_pci_address(text)
    except ValueError as wrong:
        _no(str(wrong), place)
    if full != text:
        _no(f"{short(text)} is not the full PCI address", place, f"write {full}")


def _mac(text: str, place: Place) -> None:
    try:
        mac = parse_mac_address(text)
    except ValueError as wrong:
        _no(str(wrong), place)
    if mac != text:
        _no(f"{short(text)} is not how the kernel writes it", place, f"write {mac}")
    if is_multicast(mac) or mac == ZERO_MAC:
        _no(f"{mac} is not the address of one interface", place, "such as 02:00:00:00:00:01")


def _nic(nic: NicSpec, place: Place) -> None:
    _one_of(nic.driver, DRIVERS, [*place, "driver"])
    _matches(nic.id, _ID, "15b3:101d", [*place, "id"])
    _matches(nic.vf_id or nic.id, _ID, "15b3:101e", [*place, "vf_id"])
    _matches(nic.pci_class, _CLASS, "020000", [*place, "pci_class"])
    _matches(nic.switch_id or "00", _SWITCH, "1198320003ebc008", [*place, "switch_id"])
    if nic.bridge:
        _pci(nic.bridge, [*place, "bridge"])
    if not nic.ports:
        example = '{"0000:05:00.0": "02:00:00:00:00:01"}'
        _no("a card has a port at least", [*place, "ports"], f"ports: {example}")
    _one_of(
        nic.firmware.get("SRIOV_EN", "True"), ("True", "False"), [*place, "firmware", "SRIOV_EN"]
    )
    vfs = nic.firmware.get("NUM_OF_VFS", "8")
    if not (vfs.isascii() and vfs.isdecimal() and len(vfs) < 4 and int(vfs) <= _MOST_VFS):
        _no(
            f"{short(vfs)} is not a number from 0 to {_MOST_VFS}",
            [*place, "firmware", "NUM_OF_VFS"],
        )


def _device(device: DeviceSpec, place: Place) -> None:
    _matches(device.id, _ID, "8086:1521", [*place, "id"])
    _matches(device.pci_class, _CLASS, "020000", [*place, "pci_class"])
    if device.driver:
        _matches(device.driver, _WORD, "igb", [*place, "driver"])
    if device.virtio is not None:
        _matches(device.virtio, _WORD, "virtio0", [*place, "virtio"])
    if device.bridge:
        _pci(device.bridge, [*place, "bridge"])


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
        _interface(each, functions, place)
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


def _interface(each: InterfaceSpec, functions: dict[str, Place], place: Place) -> None:
    _one_of(each.kind, _KINDS, [*place, "kind"])
    if each.pci is not None and each.pci not in functions:
        hint = "its hardware stands under `nics` or `devices`"
        _no(f"there is no PCI function {short(each.pci)}", [*place, "pci"], hint)
    if each.name:
        _name(each.name, [*place, "name"])
    elif each.pci is None:
        _no("it has neither a name nor hardware (`pci`)", place)
    if each.mac:
        _mac(each.mac, [*place, "mac"])
    if each.vlan is not None and not 1 <= each.vlan <= 4094:
        _no(f"{each.vlan} is no VLAN", [*place, "vlan"], "1 to 4094")
    if each.kind == "vlan" and (each.vlan is None or each.link is None):
        _no("a vlan has `vlan` and `link`", place)
    for key, addresses in (("addresses", each.addresses), ("dynamic", each.dynamic)):
        for number, address in enumerate(addresses):
            _address(address, [*place, key, number])


def _name(name: str, place: Place) -> None:
    plain = name.isascii() and name.isprintable() and not set(name) & set("/: ")
    if not plain or len(name) > NAME_LIMIT or name in (".", ".."):
        why = f"{short(name)} is no interface's name"
        _no(why, place, f"at most {NAME_LIMIT} characters, no blank, slash or colon")


def _address(text: str, place: Place) -> None:
    try:
        ip_interface(text)
    except ValueError:
        _no(f"{short(text)} is no IP address", place, "such as 192.168.1.10/24")
    if "/" not in text:
        _no(f"{short(text)} has no prefix length", place, f"such as {text}/24")


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


def _guest(name: str, guest: GuestSpec, pfs: set[str], place: Place) -> None:
    _matches(name, _GUEST, "vm/101", place)
    _one_of(guest.kind, _GUESTS, [*place, "kind"])
    if guest.mac:
        _mac(guest.mac, [*place, "mac"])
    if (guest.pf is None) is (guest.bridge is None) or (guest.pf is None) is not (guest.vf is None):
        _no("a guest has `pf` and `vf`, or `bridge`", place)
    if guest.pf is not None and guest.pf not in pfs:
        _no(f"{short(guest.pf)} is no port of a NIC here", [*place, "pf"], _listed(pfs))
    if guest.vf is not None and not 0 <= guest.vf < _MOST_VFS:
        _no(f"{guest.vf} is no VF's number", [*place, "vf"], f"0 to {_MOST_VFS - 1}")
    if guest.bridge is not None:
        _name(guest.bridge, [*place, "bridge"])


def _listed(names: Iterable[str]) -> str:
    return f"there are {', '.join(sorted(names)) or 'none'}"
