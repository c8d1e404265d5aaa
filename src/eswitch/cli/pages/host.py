"""The page of `show`: NICs, VFs, bridges, and what is in hardware right now."""

from __future__ import annotations

from collections.abc import Sequence

from eswitch.cli.layout import Cell, count, cut, paragraph, ranges, table
from eswitch.cli.screen import Line, Span, Style, bad, faint, good, line, strong, warn
from eswitch.model.drivers import profile_of
from eswitch.model.identifiers import ZERO_MAC
from eswitch.model.machine import IommuState
from eswitch.model.observed import (
    LinkState,
    NicState,
    ObservedState,
    OvsBridge,
    OvsPort,
    OvsStatus,
    VfState,
)
from eswitch.model.suitability import Suitability
from eswitch.model.unknown import Unknown
from eswitch.offload.datapath import Datapath, Kind, Port, datapath
from eswitch.topology.suitability import suitability

FEW = 6
"""Up to so many alike VFs or ports are listed one by one."""

_VF_HEAD = ("vf", "pci", "mac", "driver", "netdev", "representor")
_PORT_HEAD = ("port", "of", "vlan", "link", "")


def host_page(observed: ObservedState, flows: str | Unknown, *, everything: bool) -> list[Line]:
    """`flows` counts what runs where, in words. Runs of alike VFs and ports are cut unless
    `everything` is asked for; what is hidden is said."""
    lines: list[Line] = []
    unable = []
    for nic in observed.nics:
        fit = suitability(nic, observed)
        if fit.alien and not nic.vfs:
            unable.append((nic, fit))
        else:
            lines += [*_nic(nic, fit, observed, everything=everything), line()]
    lines += _unable(unable)
    if not observed.nics:
        lines += [line("no network card on a PCI bus"), line()]
    lines += [_iommu(observed.iommu), line()]
    lines += _ovs(observed, everything=everything)
    lines += _flows(observed, flows)
    if observed.missing_tools:
        missing = ", ".join(observed.missing_tools)
        text = f"not installed, so what they would tell is unknown: {missing}"
        lines += paragraph(text, style=Style.WARN)
    return lines


def _nic(
    nic: NicState, fit: Suitability, observed: ObservedState, *, everything: bool
) -> list[Line]:
    profile = profile_of(nic.driver)
    title = f"{nic.driver or 'no driver'}{f': {profile.title}' if profile else ''}"
    lines = [line(strong(f"{nic.pci}  {nic.netdev or '(no interface)'}"), f"  {title}")]
    link = observed.link(nic.netdev) if nic.netdev else None
    facts = [str(nic.mac or "MAC unknown"), _link_words(link)]
    facts += [f"switch id {nic.switch_id}"] if nic.switch_id else []
    lines.append(line(f"  {', '.join(fact for fact in facts if fact)}"))
    lines.append(_mode(nic))
    lines += _firmware(nic)
    if fit.able is False:
        lines += paragraph(f"not usable here: {fit.why}", indent=2, style=Style.BAD)
        lines += paragraph(fit.hint, indent=2, first="hint: ") if fit.hint else []
    if fit.remark:
        lines += paragraph(fit.remark, indent=2, first="note: ")
    if nic.vfs:
        lines += _vfs(nic, observed, everything=everything)
    return lines


def _mode(nic: NicState) -> Line:
    vfs = f"{nic.sriov.count} of {nic.sriov.total} VFs" if nic.sriov else "no SR-IOV"
    state = nic.eswitch
    if isinstance(state, Unknown):
        return line("  mode ", warn("unknown"), f" ({state.reason}), {vfs}")
    mode = good(state.mode) if state.mode == "switchdev" else strong(state.mode)
    extra = f", inline {state.inline_mode}" if state.inline_mode else ""
    extra += f", encap {state.encap_mode}" if state.encap_mode else ""
    return line("  mode ", mode, f"{extra}, {vfs}")


def _firmware(nic: NicState) -> list[Line]:
    """What its firmware says about SR-IOV, where somebody had to ask."""
    firmware = nic.firmware
    if firmware is None:
        return []
    if isinstance(firmware, Unknown):
        return paragraph(f"firmware unknown ({firmware.reason})", indent=2, style=Style.WARN)
    told = []
    for name in ("SRIOV_EN", "NUM_OF_VFS"):
        parameter = firmware.parameters.get(name)
        if parameter is None:
            continue
        due = parameter.current is not None and parameter.current != parameter.next
        told.append(f"{name} {parameter.current or parameter.next}")
        told[-1] += f" ({parameter.next} from the next boot on)" if due else ""
    return paragraph(f"firmware {', '.join(told)}", indent=2) if told else []


def _iommu(iommu: IommuState | Unknown) -> Line:
    title = strong("IOMMU")
    if isinstance(iommu, Unknown):
        return line(title, "  ", warn("unknown"), f" ({iommu.reason})")
    if iommu.units:
        return line(title, "  ", good("on"), f", {', '.join(iommu.units)}")
    if isinstance(iommu.table, Unknown):
        return line(title, "  ", warn("off"), f" ({iommu.table.reason}): no VM can be given a VF")
    why = "the kernel leaves it off" if iommu.table else "the BIOS offers none"
    return line(title, "  ", warn("off"), f" ({why}): no VM can be given a VF")


def _link_words(link: LinkState | None) -> str:
    if link is None:
        return ""
    if not link.up:
        return "down"
    return "up" if link.carrier else "no carrier"


def _vfs(nic: NicState, observed: ObservedState, *, everything: bool) -> list[Line]:
    shown = cut(nic.vfs, lambda vf: _vf_kind(vf, observed), few=None if everything else FEW)
    head, *rows = table(_VF_HEAD, [_vf_row(vf, observed) for vf, _ in shown], right="vf")
    lines = [head]
    for row, (vf, alike) in zip(rows, shown, strict=True):
        lines.append(row)
        if vf.users:
            lines.append(line("       ", warn(f"used by {', '.join(vf.users)}")))
        if alike:
            which = ranges(each.index for each in alike)
            lines.append(line("       ", faint(f"and VF {which} like it (--all lists them)")))
    return lines


def _vf_kind(vf: VfState, observed: ObservedState) -> object:
    link = observed.link(vf.representor) if vf.representor else None
    up = (link.up, link.carrier) if link else None
    unset = vf.mac in (None, ZERO_MAC)
    return (vf.driver, vf.netdev is None, vf.representor is None, up, unset, vf.users)


def _vf_row(vf: VfState, observed: ObservedState) -> tuple[Cell, ...]:
    link = observed.link(vf.representor) if vf.representor else None
    unset = vf.mac in (None, ZERO_MAC)
    return (
        str(vf.index),
        vf.pci,
        warn("not set") if unset else str(vf.mac),
        vf.driver or faint("none"),
        vf.netdev or faint("-"),
        _representor(vf, link),
    )


def _representor(vf: VfState, link: LinkState | None) -> Cell:
    """Its name; what is wrong with it takes the VF's carrier away."""
    words = _link_words(link)
    if not vf.representor:
        return faint("-")
    return vf.representor if words == "up" else warn(f"{vf.representor} ({words or 'no link'})")


def _state(link: LinkState | None) -> Span:
    words = _link_words(link)
    return good(words) if words == "up" else warn(words)


def _unable(nics: Sequence[tuple[NicState, Suitability]]) -> list[Line]:
    if not nics:
        return []
    lines = [line(strong("No e-switch"))]
    for nic, fit in nics:
        name = nic.netdev or "(no interface)"
        lines += paragraph(f"{name}: {fit.why}", first=f"  {nic.pci}  ")
    return [*lines, line()]


def _ovs(observed: ObservedState, *, everything: bool) -> list[Line]:
    ovs = observed.ovs
    if ovs.status is not OvsStatus.RUNNING:
        words = {
            OvsStatus.ABSENT: "not installed",
            OvsStatus.STOPPED: "not running",
            OvsStatus.UNKNOWN: "unknown",
        }
        why = f" ({ovs.reason})" if ovs.reason else ""
        return paragraph(f"Open vSwitch: {words[ovs.status]}{why}", style=Style.WARN)
    known = datapath(observed)
    offload = ovs.other_config.get("hw-offload", "false") == "true"
    mark = good("hw-offload on") if offload else warn("hw-offload off")
    others = [
        f"{key} {value}"
        for key, value in sorted(ovs.other_config.items())
        if key in ("tc-policy", "max-idle")
    ]
    version = f"  {ovs.version or 'version unknown'}, "
    rest = "".join(f", {text}" for text in others)
    lines = [line(strong("Open vSwitch"), version, mark, rest)]
    for bridge in ovs.bridges:
        lines += _bridge(bridge, known, observed, everything=everything)
    if not ovs.bridges:
        lines.append(line("  no bridge"))
    return lines


def _bridge(
    bridge: OvsBridge, known: Datapath, observed: ObservedState, *, everything: bool
) -> list[Line]:
    local = observed.link(bridge.name)
    facts = [*local.addresses] if local else []
    facts += [
        f"default via {route.gateway or 'link'}"
        for route in observed.routes
        if route.device == bridge.name
    ]
    facts += [] if local and local.up else ["down"]
    lines = [line("  ", strong(f"bridge {bridge.name}"), f"  {', '.join(facts)}")]
    ports = sorted(
        (port for port in bridge.ports if port.name != bridge.name),
        key=lambda port: _order(known.port(port.name)),
    )

    def kind(port: OvsPort) -> object:
        what = known.port(port.name)
        words = _link_words(observed.link(port.name))
        return (what.kind, what.pci, port.tag, port.trunks, port.error, words)

    shown = cut(ports, kind, few=None if everything else FEW)
    head, *rows = table(
        _PORT_HEAD, [_port_row(port, known, observed) for port, _ in shown], indent=4
    )
    lines += [head] if rows else [line("    no ports")]
    for row, (_, alike) in zip(rows, shown, strict=True):
        lines.append(row)
        if alike:
            text = f"and {count(len(alike), 'port')} like it (--all lists them)"
            lines.append(line("      ", faint(text)))
    return lines


def _order(port: Port) -> tuple[str, int, str]:
    return (port.pci or "~", -1 if port.vf is None else port.vf, port.name)


def _port_row(port: OvsPort, known: Datapath, observed: ObservedState) -> tuple[Cell, ...]:
    vlan = str(port.tag) if port.tag is not None else ranges(port.trunks)
    return (
        port.name,
        _owner(known.port(port.name)),
        vlan or faint("-"),
        _state(observed.link(port.name)),
        bad(f"error: {port.error}") if port.error else "",
    )


def _owner(port: Port) -> str:
    if port.kind is Kind.OUTSIDE:
        return "not of an e-switch"
    if port.pci is None:
        return port.kind.value
    return f"{port.pci} {'uplink' if port.vf is None else f'VF {port.vf}'}"


def _flows(observed: ObservedState, flows: str | Unknown) -> list[Line]:
    if observed.ovs.status is not OvsStatus.RUNNING:
        return []
    if isinstance(flows, Unknown):
        return paragraph(f"  flows now: unknown ({flows.reason})", style=Style.WARN)
    return [line(f"  flows now: {flows or 'none'}")]
