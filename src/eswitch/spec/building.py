"""Models -> DesiredState, each value with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from eswitch.model.desired import (
    DesiredBridge,
    DesiredDriver,
    DesiredNic,
    DesiredOvs,
    DesiredPort,
    DesiredState,
    DesiredVf,
    NicMatch,
)

from .models import Bridge, Nic, Spec, Vf
from .tree import SpecTree
from .values import PortRef


def vfs_of(nic: Nic) -> list[Vf]:
    """The VFs one by one, also where the spec gives a count only."""
    return [Vf()] * nic.vfs if isinstance(nic.vfs, int) else nic.vfs


def expand(port: PortRef, nics: Mapping[str, Nic]) -> Iterator[tuple[str, int | None]]:
    """The single ports that a port stands for: (NIC, VF or None for the uplink), in order.

    VFs that the NIC has not are left out; so is everything of a NIC that is not in `nics`.
    """
    if port.nic not in nics:
        return
    count = len(vfs_of(nics[port.nic]))
    if port.vf is None:
        yield port.nic, None
        if not port.uplink:
            yield from ((port.nic, index) for index in range(count))
    elif port.vf < count:
        yield port.nic, port.vf


def build(spec: Spec, tree: SpecTree) -> DesiredState:
    """The state that a spec without mistakes describes."""
    return DesiredState(
        nics=tuple(_nic(name, nic, tree) for name, nic in spec.nics.items()),
        bridges=tuple(_bridge(name, spec, tree) for name in spec.bridges),
        ovs=DesiredOvs(
            hw_offload=spec.ovs.hw_offload,
            tc_policy=spec.ovs.tc_policy,
            max_idle=spec.ovs.max_idle,
            source=tree.source(("ovs",), key=True),
        ),
        driver=_driver(spec, tree),
        passthrough=spec.passthrough,
        passthrough_source=None
        if spec.passthrough is None
        else tree.source(("passthrough",), key=True),
    )


def _driver(spec: Spec, tree: SpecTree) -> DesiredDriver | None:
    if spec.driver is None:
        return None
    source = tree.source(("driver",), key=True)
    return DesiredDriver(spec.driver.package, spec.driver.sha256, source)


def _nic(name: str, nic: Nic, tree: SpecTree) -> DesiredNic:
    path = ("nics", name)
    match = nic.match
    return DesiredNic(
        name=name,
        match=NicMatch(match.mac, match.pci, match.name, tree.source((*path, "match"), key=True)),
        vfs=tuple(
            DesiredVf(index, *vf.mac, vf.vlan, vf.driver, tree.source((*path, "vfs", index)))
            for index, vf in enumerate(vfs_of(nic))
        ),
        mode=nic.mode,
        inline_mode=nic.inline_mode,
        encap_mode=nic.encap_mode,
        firmware_reset=nic.firmware_reset,
        source=tree.source(path, key=True),
        vfs_source=tree.source((*path, "vfs"), key=True),
    )


def _bridge(name: str, spec: Spec, tree: SpecTree) -> DesiredBridge:
    bridge: Bridge = spec.bridges[name]
    ports = []
    for place, written in enumerate(bridge.ports):
        source = tree.source(("bridges", name, "ports", place))
        for nic, vf in expand(written, spec.nics):
            vlan = None if vf is None else vfs_of(spec.nics[nic])[vf].vlan
            ports.append(DesiredPort(nic, vf, vlan, source))
    return DesiredBridge(
        name, tuple(ports), bridge.address, bridge.gateway, tree.source(("bridges", name), key=True)
    )
