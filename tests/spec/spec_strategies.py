"""Hypothesis: every state that a spec can describe, and hosts to write a first spec for."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

from eswitch.model.desired import (
    DesiredBridge,
    DesiredNic,
    DesiredOvs,
    DesiredPort,
    DesiredState,
    DesiredVf,
    EncapMode,
    EswitchMode,
    InlineMode,
    MacPolicy,
    NicMatch,
    TcPolicy,
    VfDriver,
)
from eswitch.model.identifiers import MacAddress, PciAddress
from hypothesis import strategies as st

NIC_NAMES = st.one_of(
    st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True),
    st.sampled_from(
        ["1", "007", "0x1f", "1e3", "on", "no", "y", "null", "true", "cx6", "2026-11-22"]
    ),
).filter(lambda name: name != "uplink")
BRIDGE_NAMES = st.one_of(
    st.from_regex(r"[A-Z_][A-Za-z0-9_.-]{0,14}", fullmatch=True),
    st.sampled_from(["vmbr2", "1.5", "7", "False", "NULL", "1E5", "_", "N"]),
)
INTERFACE_NAMES = st.one_of(
    st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=5),
    st.sampled_from(
        ["enp7s0f0np0", "eth0", "~", "on", "1.5", "a#b", "- x", "*a", "&a", "!x", "'", '"', "\\"]
    ),
).filter(
    lambda name: name not in (".", "..") and not set(name) & set("/: ") and len(name.encode()) < 16
)


@st.composite
def macs(draw: st.DrawFn) -> MacAddress:
    octets = draw(st.binary(min_size=6, max_size=6))
    return MacAddress(bytes([octets[0] & 0xFE | 0x02, *octets[1:]]).hex(":"))


@st.composite
def pcis(draw: st.DrawFn) -> PciAddress:
    domain, bus, device, function = (draw(st.integers(0, top)) for top in (0x1FFFF, 255, 31, 7))
    return PciAddress(f"{domain:04x}:{bus:02x}:{device:02x}.{function}")


@st.composite
def _matches(draw: st.DrawFn, mac: MacAddress, pci: PciAddress, name: str) -> NicMatch:
    given_mac, given_pci, given_name = draw(
        st.tuples(st.booleans(), st.booleans(), st.booleans()).filter(any)
    )
    return NicMatch(
        mac if given_mac else None, pci if given_pci else None, name if given_name else None
    )


@st.composite
def _vfs(draw: st.DrawFn, index: int, mac: MacAddress, vlans: bool) -> DesiredVf:
    policy = draw(st.sampled_from(list(MacPolicy)))
    return DesiredVf(
        index,
        policy,
        mac if policy is MacPolicy.FIXED else None,
        draw(st.none() | st.integers(1, 4094)) if vlans else None,
        draw(st.sampled_from(list(VfDriver))),
    )


@st.composite
def states(draw: st.DrawFn) -> DesiredState:
    names = draw(st.lists(NIC_NAMES, max_size=3, unique=True))
    bridge_names = draw(st.lists(BRIDGE_NAMES, max_size=3, unique=True))
    bridge_names = [name for name in bridge_names if name not in names]
    pool = iter(draw(st.lists(macs(), min_size=30, max_size=30, unique=True)))
    slots = iter(draw(st.lists(pcis(), min_size=3, max_size=3, unique=True)))
    interfaces = iter(draw(st.lists(INTERFACE_NAMES, min_size=3, max_size=3, unique=True)))
    nics = []
    ports: list[DesiredPort] = []
    for name in names:
        mode = draw(st.sampled_from(list(EswitchMode)))
        vlans = mode is EswitchMode.SWITCHDEV and bool(bridge_names)
        count = draw(st.integers(0, 4))
        vfs = tuple(draw(_vfs(index, next(pool), vlans)) for index in range(count))
        interface = next(interfaces)
        bridge_names = [bridge for bridge in bridge_names if bridge != interface] or bridge_names
        match = draw(_matches(next(pool), next(slots), interface))
        inline = draw(st.none() | st.sampled_from(list(InlineMode)))
        encap = draw(st.none() | st.sampled_from(list(EncapMode)))
        nics.append(DesiredNic(name, match, vfs, mode, inline, encap))
        if bridge_names:
            ports.append(DesiredPort(name))
            if mode is EswitchMode.SWITCHDEV:
                ports += [DesiredPort(name, vf.index, vf.vlan) for vf in vfs]
    if draw(st.booleans()):
        ports = draw(st.permutations(ports))
    bridges = draw(_bridges(bridge_names, ports))
    ovs = DesiredOvs(
        draw(st.booleans()),
        draw(st.none() | st.sampled_from(list(TcPolicy))),
        draw(st.none() | st.integers(500, 10**6)),
    )
    return DesiredState(tuple(nics), tuple(bridges), ovs)


@st.composite
def _bridges(draw: st.DrawFn, names: list[str], ports: list[DesiredPort]) -> list[DesiredBridge]:
    rest = list(ports)
    bridges = []
    gateway_at = draw(st.integers(0, max(0, len(names) - 1)))
    for place, name in enumerate(names):
        last = place == len(names) - 1
        taken = len(rest) if last else draw(st.integers(0, len(rest)))
        mine, rest = rest[:taken], rest[taken:]
        addresses = (f"10.{place}.0.2/16", f"2001:db8:{place}::2/64")
        kept = draw(st.lists(st.sampled_from(addresses), unique=True))
        gateways = [f"10.{place}.0.1"] if addresses[0] in kept else []
        gateways += ["fe80::1"] if draw(st.booleans()) else []
        bridges.append(
            DesiredBridge(
                name,
                tuple(mine),
                tuple(ip_interface(address) for address in kept),
                tuple(ip_address(gateway) for gateway in gateways if place == gateway_at),
            )
        )
    return bridges
