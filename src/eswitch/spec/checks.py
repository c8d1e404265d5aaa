"""Mistakes that need two values to see: what is there twice, what refers to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eswitch.model.desired import EswitchMode, MacPolicy
from eswitch.model.identifiers import MacAddress, derived_mac

from .addresses import Gateway
from .building import expand, vfs_of
from .problems import Problem
from .tree import Path, SpecTree
from .validation import Sound
from .values import PortRef

_Problems = Iterator[Problem]


def check(sound: Sound, tree: SpecTree) -> list[Problem]:
    """All problems between the values of a spec's sound part."""
    return [problem for one in _CHECKS for problem in one(sound, tree)]


def _matches(sound: Sound, tree: SpecTree) -> _Problems:
    for key in ("mac", "pci", "name"):
        first: dict[str, str] = {}
        for name, nic in sound.spec.nics.items():
            value = getattr(nic.match, key)
            if value is None:
                continue
            if value in first:
                path = ("nics", name, "match", key)
                message = f"{name} and {first[value]} match the same NIC ({key} {value})"
                hint = "each NIC is in a spec once; a second port of a card has its own address"
                yield tree.problem(path, message, hint)
            first.setdefault(value, name)


def _macs(sound: Sound, tree: SpecTree) -> _Problems:
    owners: dict[MacAddress, str] = {}
    derived: dict[MacAddress, str] = {}
    for name, nic in sound.spec.nics.items():
        if nic.match.mac is None:
            continue
        owners.setdefault(nic.match.mac, f"the NIC {name} itself")
        for index, vf in enumerate(vfs_of(nic)):
            if vf.mac[0] is MacPolicy.DERIVED:
                derived[derived_mac(nic.match.mac, index)] = f"VF {index} of {name}"
    for name, nic in sound.spec.nics.items():
        for index, vf in enumerate(vfs_of(nic)):
            mac = vf.mac[1]
            if mac is None:
                continue
            path: Path = ("nics", name, "vfs", index, "mac")
            if owner := owners.get(mac):
                hint = "give each VF its own address, or auto"
                yield tree.problem(path, f"{mac} is the address of {owner} already", hint)
            elif owner := derived.get(mac):
                hint = "write auto here, or an address of your own for the other VF"
                yield tree.problem(path, f"{mac} is what auto gives to {owner}", hint)
            owners.setdefault(mac, f"VF {index} of {name} (line {tree.place(path)[0]})")


def _bridge_names(sound: Sound, tree: SpecTree) -> _Problems:
    interfaces = {nic.match.name: name for name, nic in sound.spec.nics.items()}
    for bridge in sound.spec.bridges:
        path = ("bridges", bridge)
        hint = "take another name, such as vmbr2"
        if bridge in sound.spec.nics or bridge in sound.broken_nics:
            message = f"{bridge} is the name of a NIC in this spec"
            yield tree.problem(path, message, hint, key=True)
        elif bridge in interfaces:
            message = f"{bridge} is the interface name of the NIC {interfaces[bridge]}"
            yield tree.problem(path, message, hint, key=True)


def _ports(sound: Sound, tree: SpecTree) -> _Problems:
    taken: dict[tuple[str, int | None], str] = {}
    for bridge, content in sound.spec.bridges.items():
        for index, port in enumerate(content.ports):
            path: Path = ("bridges", bridge, "ports", index)
            if problem := _dangling(port, path, sound, tree):
                yield problem
                continue
            singles = list(expand(port, sound.spec.nics))
            if double := next((single for single in singles if single in taken), None):
                nic, vf = double
                which = "uplink" if vf is None else vf
                message = f"{nic}/{which} is a port of {taken[double]} already"
                hint = f"a port is in one bridge, once; {nic} stands for its uplink and all its VFs"
                yield tree.problem(path, message, hint)
            for single in singles:
                taken.setdefault(single, f"{bridge} (line {tree.place(path)[0]})")


def _dangling(port: PortRef, path: Path, sound: Sound, tree: SpecTree) -> Problem | None:
    """The problem of a port that refers to nothing; none if that cannot be told."""
    nics = sound.spec.nics
    if port.nic not in nics:
        if port.nic in sound.broken_nics or sound.top:
            return None
        names = [*nics, *sorted(sound.broken_nics)]
        hint = f"NICs here: {', '.join(names)}" if names else "describe the NIC under nics: first"
        return tree.problem(path, f"there is no NIC {port.nic} in this spec", hint)
    nic = nics[port.nic]
    count = len(vfs_of(nic))
    if port.vf is not None and port.vf >= count:
        has = {0: "has no VFs", 1: "has VF 0 only"}.get(count, f"has VFs 0 to {count - 1} only")
        hint = f"raise vfs of {port.nic}, or remove the port"
        return tree.problem(path, f"there is no {port}: {port.nic} {has}", hint)
    if nic.mode is EswitchMode.LEGACY and not port.uplink and (port.vf is not None or count):
        message = f"{port.nic} is in legacy mode, where VFs have no representors to be ports"
        hint = f"write {port.nic}/uplink for the uplink alone, or remove mode: legacy"
        return tree.problem(path, message, hint)
    return None


def _vlans(sound: Sound, tree: SpecTree) -> _Problems:
    spec = sound.spec
    bridged = {
        single
        for bridge in spec.bridges.values()
        for port in bridge.ports
        for single in expand(port, spec.nics)
    }
    bridges_known = not (sound.broken_bridges or sound.top)
    for name, nic in spec.nics.items():
        for index, vf in enumerate(vfs_of(nic)):
            path: Path = ("nics", name, "vfs", index, "vlan")
            if vf.vlan is None:
                continue
            if nic.mode is EswitchMode.LEGACY:
                message = f"a VLAN needs a representor, and {name} is in legacy mode"
                yield tree.problem(path, message, "remove mode: legacy, or the vlan")
            elif bridges_known and (name, index) not in bridged:
                message = f"VLAN {vf.vlan} has no effect: {name}/{index} is no bridge's port"
                yield tree.problem(path, message, "add it to the ports of a bridge, or remove vlan")


def _addresses(sound: Sound, tree: SpecTree) -> _Problems:
    first: dict[Gateway, str] = {}
    for name, bridge in sound.spec.bridges.items():
        for index, address in enumerate(bridge.address):
            path: Path = ("bridges", name, "address", index)
            if owner := first.get(address.ip):
                message = f"{address.ip} is an address of {owner} already"
                yield tree.problem(path, message, "keep one of the two")
            first.setdefault(address.ip, f"{name} (line {tree.place(path)[0]})")


def _gateways(sound: Sound, tree: SpecTree) -> _Problems:
    first: dict[int, str] = {}
    for name, bridge in sound.spec.bridges.items():
        for index, gateway in enumerate(bridge.gateway):
            path: Path = ("bridges", name, "gateway", index)
            family = f"IPv{gateway.version}"
            if owner := first.get(gateway.version):
                message = f"a second {family} gateway, after that of {owner}"
                hint = f"a host has one default route for {family}; keep one of the two"
                yield tree.problem(path, message, hint)
                continue
            first[gateway.version] = f"{name} (line {tree.place(path)[0]})"
            own = [a for a in bridge.address if a.version == gateway.version]
            on_link = gateway.version == 6 and gateway.is_link_local
            if any(address.ip == gateway for address in own):
                message = f"the gateway {gateway} is the bridge's own address"
                yield tree.problem(path, message, "write the router's address")
            elif not on_link and not any(gateway in address.network for address in own):
                networks = ", ".join(str(address.network) for address in own)
                why = f"it is not in {networks}" if own else f"{name} has no {family} address"
                message = f"the gateway {gateway} cannot be reached: {why}"
                hint = "correct the gateway, or the address and its prefix length"
                yield tree.problem(path, message, hint)


_CHECKS: tuple[Callable[[Sound, SpecTree], _Problems], ...] = (
    _matches,
    _macs,
    _bridge_names,
    _ports,
    _vlans,
    _addresses,
    _gateways,
)
