"""The page of `validate`: what a spec was understood to mean."""

from __future__ import annotations

from collections.abc import Sequence

from eswitch.cli.layout import count, paragraph, ranges
from eswitch.cli.screen import Line, faint, line, strong
from eswitch.model.desired import (
    DesiredBridge,
    DesiredNic,
    DesiredState,
    DesiredVf,
    MacPolicy,
    VfDriver,
)

_MACS = {
    MacPolicy.FIXED: "MAC from the spec",
    MacPolicy.DERIVED: "stable MAC",
    MacPolicy.UNMANAGED: "MAC left alone",
}
_DRIVERS = {VfDriver.HOST: "host driver", VfDriver.NONE: "unbound for a VM"}


def spec_page(desired: DesiredState, name: str) -> list[Line]:
    """NICs with their VFs, bridges with their ports, and one line that says it is sound."""
    lines: list[Line] = []
    for nic in desired.nics:
        lines += _nic(nic)
    for bridge in desired.bridges:
        lines += _bridge(bridge)
    lines += _ovs(desired)
    vfs = sum(len(nic.vfs) for nic in desired.nics)
    nics, bridges = count(len(desired.nics), "NIC"), count(len(desired.bridges), "bridge")
    return [*lines, line(strong(f"{name} is sound: {nics}, {count(vfs, 'VF')}, {bridges}"))]


def _nic(nic: DesiredNic) -> list[Line]:
    options = [f"mode {nic.mode}"]
    options += [f"inline-mode {nic.inline_mode}"] if nic.inline_mode else []
    options += [f"encap-mode {nic.encap_mode}"] if nic.encap_mode else []
    head = f"the NIC with {nic.match}; {', '.join(options)}; {count(len(nic.vfs), 'VF')}"
    lines = [line(strong(f"nic {nic.name}"), faint(f"  {head}"))]
    for kind in dict.fromkeys(_kind(vf) for vf in nic.vfs):
        indexes = ranges(vf.index for vf in nic.vfs if _kind(vf) == kind)
        lines += paragraph(kind, indent=2, first=f"VF {indexes}: ")
    return lines


def _kind(vf: DesiredVf) -> str:
    mac = f"MAC {vf.mac}" if vf.mac else _MACS[vf.mac_policy]
    vlan = f", VLAN {vf.vlan}" if vf.vlan is not None else ""
    return f"{_DRIVERS[vf.driver]}, {mac}{vlan}"


def _bridge(bridge: DesiredBridge) -> list[Line]:
    addresses = ", ".join(str(address) for address in bridge.addresses) or "no address"
    gateways = ", ".join(str(gateway) for gateway in bridge.gateways)
    via = f" via {gateways}" if gateways else ""
    lines = [line(strong(f"bridge {bridge.name}"), faint(f"  {addresses}{via}"))]
    return lines + paragraph(_ports(bridge), indent=2, first="ports: ")


def _ports(bridge: DesiredBridge) -> str:
    parts = []
    for nic in dict.fromkeys(port.nic for port in bridge.ports):
        mine = [port for port in bridge.ports if port.nic == nic]
        uplink = ["uplink"] if any(port.vf is None for port in mine) else []
        vfs: Sequence[int] = [port.vf for port in mine if port.vf is not None]
        parts.append(f"{nic} {' and '.join(uplink + ([f'VF {ranges(vfs)}'] if vfs else []))}")
    return ", ".join(parts) or "none"


def _ovs(desired: DesiredState) -> list[Line]:
    ovs = desired.ovs
    if not desired.bridges:
        return []
    said = [f"hw-offload {'on' if ovs.hw_offload else 'off'}"]
    said += [f"tc-policy {ovs.tc_policy}"] if ovs.tc_policy else []
    said += [f"max-idle {ovs.max_idle} ms"] if ovs.max_idle is not None else []
    return [line(strong("Open vSwitch"), faint(f"  {', '.join(said)}"))]
