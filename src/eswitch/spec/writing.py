"""DesiredState -> the text of a spec, as a person would write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from eswitch.model.desired import (
    SPEC_VERSION,
    DesiredBridge,
    DesiredDriver,
    DesiredNic,
    DesiredOvs,
    DesiredPort,
    DesiredState,
    DesiredVf,
    EswitchMode,
    MacPolicy,
    VfDriver,
)

from .problems import printable
from .tree import Path, resolve

Remarks = Mapping[Path, Sequence[str]]
"""Comment lines above the line of a path: `()` the version, `("nics",)`, `("nics", name)`,
`("nics", name, "vfs")`, `("nics", name, "vfs", index)`, and the same for bridges and ovs;
`("end",)` is the end of the file."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*|[0-9]+(\.[0-9]+){3}(/[0-9]+)?")
_SWITCH_WORDS = frozenset({"on", "off", "yes", "no", "y", "n"})


def scalar(text: str) -> str:
    """A text as YAML; quoted unless YAML 1.1 and 1.2 both read it as that text without quotes."""
    plain = _PLAIN.fullmatch(text) and resolve(text) == text and text.lower() not in _SWITCH_WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


def dump(desired: DesiredState, remarks: Remarks | None = None) -> str:
    """The spec of a state: `load(dump(state).encode(), ...)` gives an equal state.

    Holds for every state that a spec can describe (VFs numbered without gaps, a port's VLAN the one
    of its VF); places are not kept.
    """
    writer = _Writer(remarks or {})
    writer.remark((), 0)
    if writer.lines:
        writer.lines.append("")
    writer.lines.append(f"version: {SPEC_VERSION}")
    if desired.nics:
        writer.section("nics")
        for nic in desired.nics:
            _nic(writer, nic)
    if desired.bridges:
        writer.section("bridges")
        for bridge in desired.bridges:
            _bridge(writer, bridge, desired)
    if desired.ovs != DesiredOvs() or ("ovs",) in writer.remarks:
        _ovs(writer, desired.ovs)
    if desired.driver is not None:
        _driver(writer, desired.driver)
    if desired.passthrough is not None:
        writer.lines.append("")
        writer.line(("passthrough",), 0, f"passthrough: {json.dumps(desired.passthrough)}")
    if ("end",) in writer.remarks:
        writer.lines.append("")
    writer.remark(("end",), 0)
    return "\n".join((*writer.lines, ""))


class _Writer:
    """Lines, each with the remarks of its path above it."""

    def __init__(self, remarks: Remarks) -> None:
        self.remarks = remarks
        self.lines: list[str] = []

    def remark(self, path: Path, indent: int) -> None:
        for text in self.remarks.get(path, ()):
            self.lines.append(f"{' ' * indent}# {printable(text)}".rstrip())

    def line(self, path: Path, indent: int, text: str) -> None:
        self.remark(path, indent)
        self.lines.append(f"{' ' * indent}{text}")

    def section(self, key: str) -> None:
        self.lines.append("")
        self.line((key,), 0, f"{key}:")


def _nic(writer: _Writer, nic: DesiredNic) -> None:
    path: Path = ("nics", nic.name)
    writer.line(path, 2, f"{scalar(nic.name)}:")
    match = {"mac": nic.match.mac, "pci": nic.match.pci, "name": nic.match.name}
    # Addresses are quoted for the sake of YAML 1.1 tools, which read some of them as numbers.
    given = {key: json.dumps(value) for key, value in match.items() if key != "name" and value}
    if nic.match.name is not None:
        given["name"] = scalar(nic.match.name)
    writer.line((*path, "match"), 4, f"match: {_flow(given)}")
    entries = [_vf(vf) for vf in nic.vfs]
    noted = any((*path, "vfs", vf.index) in writer.remarks for vf in nic.vfs)
    if any(entries) or noted:
        writer.line((*path, "vfs"), 4, "vfs:")
        for index, entry in enumerate(entries):
            writer.line((*path, "vfs", index), 6, f"- {_flow(entry or {'mac': 'auto'})}")
    else:
        writer.line((*path, "vfs"), 4, f"vfs: {len(entries)}")
    if nic.mode is not EswitchMode.SWITCHDEV:
        writer.line((*path, "mode"), 4, f"mode: {nic.mode}")
    if nic.inline_mode is not None:
        writer.line((*path, "inline_mode"), 4, f"inline_mode: {nic.inline_mode}")
    if nic.encap_mode is not None:
        writer.line((*path, "encap_mode"), 4, f"encap_mode: {nic.encap_mode}")
    if nic.firmware_reset:
        writer.line((*path, "firmware_reset"), 4, "firmware_reset: true")


def _vf(vf: DesiredVf) -> dict[str, str]:
    """The keys in which a VF differs from the default."""
    keys: dict[str, str] = {}
    if vf.mac_policy is MacPolicy.FIXED:
        keys["mac"] = json.dumps(vf.mac)
    elif vf.mac_policy is MacPolicy.UNMANAGED:
        keys["mac"] = vf.mac_policy.value
    if vf.vlan is not None:
        keys["vlan"] = str(vf.vlan)
    if vf.driver is not VfDriver.NONE:
        keys["driver"] = vf.driver.value
    return keys


def _bridge(writer: _Writer, bridge: DesiredBridge, desired: DesiredState) -> None:
    path: Path = ("bridges", bridge.name)
    keys = {
        "ports": _ports(bridge.ports, desired),
        "address": [str(address) for address in bridge.addresses],
        "gateway": [str(gateway) for gateway in bridge.gateways],
    }
    if not any(keys.values()):
        writer.line(path, 2, f"{scalar(bridge.name)}: {{}}")
        return
    writer.line(path, 2, f"{scalar(bridge.name)}:")
    for key, entries in keys.items():
        words = [scalar(entry) for entry in entries]
        if key == "ports" or len(words) > 1:
            writer.line((*path, key), 4, f"{key}: [{', '.join(words)}]")
        elif words:
            writer.line((*path, key), 4, f"{key}: {words[0]}")


def _ports(ports: Sequence[DesiredPort], desired: DesiredState) -> list[str]:
    """Ports as written: a NIC's name for its uplink and all its VFs in order."""
    words: list[str] = []
    place = 0
    while place < len(ports):
        port = ports[place]
        everything = [None, *(vf.index for vf in desired.nic(port.nic).vfs)]
        ahead = ports[place : place + len(everything)]
        whole = [(port.nic, vf) for vf in everything] == [(p.nic, p.vf) for p in ahead]
        words.append(port.nic if whole and len(everything) > 1 else str(port))
        place += len(everything) if whole else 1
    return words


def _ovs(writer: _Writer, ovs: DesiredOvs) -> None:
    writer.section("ovs")
    writer.line(("ovs", "hw_offload"), 2, f"hw_offload: {json.dumps(ovs.hw_offload)}")
    if ovs.tc_policy is not None:
        writer.line(("ovs", "tc_policy"), 2, f"tc_policy: {ovs.tc_policy}")
    if ovs.max_idle is not None:
        writer.line(("ovs", "max_idle"), 2, f"max_idle: {ovs.max_idle}")


def _driver(writer: _Writer, driver: DesiredDriver) -> None:
    writer.section("driver")
    writer.line(("driver", "package"), 2, f"package: {scalar(driver.package)}")
    writer.line(("driver", "sha256"), 2, f"sha256: {json.dumps(driver.sha256)}")


def _flow(keys: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"
