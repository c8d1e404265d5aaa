"""The second layer: could traffic run in hardware at all?"""

from __future__ import annotations

from collections.abc import Iterator

from eswitch.model.desired import DesiredState, TcPolicy
from eswitch.model.identifiers import OVS_DATAPATH, VfId
from eswitch.model.observed import ObservedState, OvsPort, OvsStatus
from eswitch.model.report import Check, Layer, Verdict
from eswitch.model.subject import Named, Part, Subject
from eswitch.model.unknown import Unknown
from eswitch.topology.suitability import none_suitable

from .datapath import Kind, Port
from .reason import RESTART, ReasonKind, because
from .sources.openvswitch import Running
from .wanted import Missing, Wanted

_START = "systemctl start openvswitch-switch"


def wired(
    observed: ObservedState,
    wanted: Wanted,
    running: Running,
    *,
    desired: DesiredState | None = None,
) -> tuple[Check, ...]:
    """Whether the ports are there, up, with carrier, and Open vSwitch offloads to them.

    `desired` is the spec that the wanted ports are of, None without one.
    """
    if observed.ovs.status is not OvsStatus.RUNNING:
        install = "apt install openvswitch-switch"
        return (
            _wired(
                Part.OPEN_VSWITCH,
                "does it run?",
                Verdict.FAILED,
                observed.ovs.reason or observed.ovs.status.value,
                install if observed.ovs.status is OvsStatus.ABSENT else _START,
            ),
        )
    if not wanted:
        return (_nothing_wanted(observed, spec=desired is not None),)
    checks = [_offloads(observed, running), *_policy(observed, desired)]
    for bridge, port in wanted:
        if isinstance(port, Missing):
            here = _wired(port.subject, "is it here?", Verdict.FAILED, port.why, "eswitch apply")
            checks.append(here)
        else:
            checks += _port_checks(observed, bridge, port)
    return tuple(checks)


def _nothing_wanted(observed: ObservedState, *, spec: bool) -> Check:
    """No port to look at. A (new) spec is the way out only if this host has a NIC for one."""
    question = "is an e-switch part of a bridge?"
    found = none_suitable(observed)
    if found:
        reasons = "; ".join(f"{each.subject}: {each.message}" for each in found)
        hints = dict.fromkeys(each.hint for each in found if each.hint)
        hint = "; ".join(hints) or "use a NIC with an e-switch, such as a ConnectX-5 or later"
        text = f"no NIC of this host can be an e-switch now: {reasons}"
        return _wired(Part.HOST, question, Verdict.FAILED, text, hint)
    if spec:
        text = "the spec puts no port of a NIC into a bridge"
        return _wired(Part.SPEC, question, Verdict.FAILED, text, "name one under `bridges`")
    text = "no uplink or representor of an e-switch is in an Open vSwitch bridge"
    hint = "eswitch init > eswitch.yaml writes a spec for this host"
    return _wired(Part.HOST, question, Verdict.FAILED, text, hint)


def _wired(
    subject: Subject,
    question: str,
    verdict: Verdict,
    evidence: str,
    hint: str | None = None,
    *,
    kind: ReasonKind | None = None,
) -> Check:
    """`kind` is that of the reason that flows have in such a case."""
    known = kind.value if kind else None
    return Check(Layer.WIRED, subject, question, verdict, evidence, hint, known)


def _offloads(observed: ObservedState, running: Running) -> Check:
    """The daemon's own word; the database key alone proves nothing (domain.md 4.1)."""
    question = "does the running daemon offload flows?"
    if isinstance(running.on, Unknown):
        return _wired(Part.OPEN_VSWITCH, question, Verdict.UNKNOWN, running.evidence)
    if running.on:
        return _wired(Part.OPEN_VSWITCH, question, Verdict.OK, running.evidence)
    key = observed.ovs.other_config.get("hw-offload", "not set")
    hint = RESTART if key == "true" else "ovs-vsctl set Open_vSwitch . other_config:hw-offload=true"
    evidence = f"{running.evidence}; other_config:hw-offload is {key}"
    return _wired(Part.OPEN_VSWITCH, question, Verdict.FAILED, evidence, hint)


def _policy(observed: ObservedState, desired: DesiredState | None) -> Iterator[Check]:
    """Asked only where the answer is no: every other policy lets flows in."""
    if observed.ovs.other_config.get("tc-policy") != TcPolicy.SKIP_HW:
        return
    reason = because(ReasonKind.TC_POLICY)
    hint = reason.remedy
    if desired and desired.ovs.tc_policy is TcPolicy.SKIP_HW:
        hint = f"write another `tc_policy` into the spec and apply it, then {RESTART}"
    elif desired and desired.ovs.hw_offload:
        hint = f"eswitch apply, then {RESTART}"
    yield _wired(
        Part.OPEN_VSWITCH,
        "does its policy let flows into the NIC?",
        Verdict.FAILED,
        "other_config:tc-policy is skip_hw: nothing can be offloaded",
        hint,
        kind=reason.kind,
    )


def _port_checks(observed: ObservedState, bridge: str | None, port: Port) -> Iterator[Check]:
    yield _in_bridge(observed, bridge, port)
    link = observed.link(port.name)
    if link is None:
        yield _wired(port.subject, "is its link up?", Verdict.UNKNOWN, "the link was not read")
        return
    if link.up:
        yield _wired(port.subject, "is its link up?", Verdict.OK, "up")
    else:
        # The representor's admin state drives the VF's carrier (domain.md 1.6).
        hint = f"ip link set {port.name} up"
        yield _wired(port.subject, "is its link up?", Verdict.FAILED, "down", hint)
    yield _hw_tc_offload(port, link.hw_tc_offload)
    if port.kind is Kind.UPLINK and link.up:
        yield _carrier(port.subject, carrier=link.carrier, hint="check cable, module and far end")
    if port.kind is Kind.REPRESENTOR:
        yield from _vf_carrier(observed, port)


def _in_bridge(observed: ObservedState, bridge: str | None, port: Port) -> Check:
    question = f"is it a working port of {bridge or 'a bridge'}?"
    found = observed.ovs.bridge(bridge) if bridge else observed.ovs.bridge_of(port.name)
    there = found.port(port.name) if found else None
    if found is None or there is None:
        where = observed.ovs.bridge_of(port.name)
        evidence = f"it is in {where.name}" if where else "it is in no bridge"
        return _wired(port.subject, question, Verdict.FAILED, evidence, "eswitch apply")
    trouble = _trouble(there)
    if trouble:
        return _wired(port.subject, question, Verdict.FAILED, trouble, "see ovs-vswitchd.log")
    if there.ofport is None:
        evidence = "ovs-vswitchd has not numbered it yet"
        return _wired(port.subject, question, Verdict.UNKNOWN, evidence)
    return _wired(port.subject, question, Verdict.OK, f"{found.name}, OpenFlow port {there.ofport}")


def fault(port: Port, observed: ObservedState) -> str | None:
    """Why a port cannot carry anything now, as far as that is seen; None if nothing is."""
    if port.kind not in (Kind.UPLINK, Kind.REPRESENTOR):
        return None
    link = observed.link(port.name)
    if link and not link.up:
        return "its link is down"
    if link and port.kind is Kind.UPLINK and link.carrier is False:
        return "it has no carrier"
    bridge = observed.ovs.bridge_of(port.name)
    there = bridge.port(port.name) if bridge else None
    if there:
        return _trouble(there)
    # A bond of Open vSwitch is known by its first interface only; the datapath holds all.
    held = link is not None and link.master == OVS_DATAPATH
    return None if held else "it is in no bridge"


def _trouble(port: OvsPort) -> str | None:
    """ovs-vsctl reports success for a port that does not work (domain.md 4.7)."""
    if port.error:
        return port.error
    return "OpenFlow port -1: ovs-vswitchd could not open it" if port.ofport == -1 else None


def _hw_tc_offload(port: Port, value: bool | Unknown | None) -> Check:  # noqa: FBT001 (tri-state)
    question = "is hw-tc-offload on?"
    if isinstance(value, Unknown):
        return _wired(port.subject, question, Verdict.UNKNOWN, value.reason)
    if value is None:
        return _wired(port.subject, question, Verdict.UNKNOWN, "not asked")
    if value:
        return _wired(port.subject, question, Verdict.OK, "on")
    reason = because(ReasonKind.HW_TC_OFFLOAD_OFF, port=port.name)
    return _wired(port.subject, question, Verdict.FAILED, "off", reason.remedy, kind=reason.kind)


def _carrier(subject: Subject, *, carrier: bool | None, hint: str) -> Check:
    question = "has it a carrier?"
    if carrier is None:
        return _wired(subject, question, Verdict.UNKNOWN, "the kernel does not say")
    if carrier:
        return _wired(subject, question, Verdict.OK, "carrier")
    return _wired(subject, question, Verdict.FAILED, "no carrier", hint)


def _vf_carrier(observed: ObservedState, port: Port) -> Iterator[Check]:
    """A VF that this host drives shows its carrier once it is up; others cannot be asked."""
    nic = observed.nic(port.pci) if port.pci else None
    vf = nic.vf(port.vf) if nic and port.vf is not None else None
    link = observed.link(vf.netdev) if vf and vf.netdev else None
    if nic and vf and link and link.up:
        subject = Named(link.name, VfId(nic.pci, vf.index))
        yield _carrier(subject, carrier=link.carrier, hint=f"ip link set {port.name} up")
