"""From what was seen to a Report. Pure.

The OFFLOADED layer asks two things of each port: is traffic *from* it in hardware, and traffic *to*
it? The answer of one direction:

    FAILED   at least one flow that belongs in hardware (unicast between ports of e-switches) runs
             in software; the evidence gives the share of packets and the reason
    OK       there are such flows, and each is in hardware
    UNKNOWN  no such flow was used in the window (no traffic, or only what is software by nature:
             broadcast, ARP, traffic with the host or with a tap), or where it runs is not known, or
             the representor's own counter contradicts the flows, or a relevant part was flooded, or
             the port does not work now: what was seen of it may be older than that. A flow with
             such a port at its other end says nothing either.

Flooded is unicast that the bridge sends to several ports, because it has not learned the address:
the CPU makes the copies. That is never FAILED, since the first answer of the receiver ends it; but
where it goes on, "in hardware" would be untrue of that traffic. It is no relevant part if it is

    a handful     up to `_HANDFUL` packets: those before the first answer
    next to none  less than one in `_ONE_IN` of the packets that came while we looked, of which the
                  hardware had `_ENOUGH`: one silent receiver must not hide the proof of a busy port

The second one needs two looks: a counter by itself may be of last week.

The layer is OK only if both directions of every port are: a port without traffic is unknown, an
idle uplink too. One direction alone would not do: the answers may take another way. Rules and
counters are two witnesses: a flow says "hardware" with N packets, and the CPU hits of the
representor (where the kernel counts them) must not have seen as many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState, OvsStatus
from eswitch.model.plan import Plan
from eswitch.model.report import Check, Layer, Report, Verdict

from .configured import configured
from .datapath import Port
from .evidence import Evidence
from .flow import Placement
from .nature import Nature
from .place import Place
from .reason import Reason
from .sources.openvswitch import Running
from .traffic import Direction, Traffic, traffic
from .wanted import wanted
from .wired import wired

_ENOUGH = 100  # packets in hardware before they are compared with what the CPU had
_HANDFUL = 5  # flooded packets that are nothing but learning
_ONE_IN = 100


def judge(
    desired: DesiredState | None,
    observed: ObservedState,
    plan: Plan | None,
    evidence: Evidence,
    running: Running,
) -> Report:
    """All three layers.

    Without a spec (`desired` is None) there is no CONFIGURED layer, and the ports are those of the
    e-switches that somebody put into bridges. A spec without a plan leaves that layer out as well.
    """
    checks = configured(plan) if plan is not None else ()
    ports = wanted(desired, observed)
    checks += wired(observed, ports, running, desired=desired)
    if observed.ovs.status is OvsStatus.RUNNING:
        here = [port for _, port in ports if isinstance(port, Port)]
        checks += tuple(_offloaded(each, evidence) for each in traffic(here, observed, evidence))
    return Report(checks)


def _offloaded(seen: Traffic, evidence: Evidence) -> Check:
    if seen.fault:
        packets = sum(each.flow.packets for each in (*seen.counted, *seen.aside))
        old = f"{seen.fault}: what was seen of it ({packets:,} packets) may be older than that"
        return _check(seen, Verdict.UNKNOWN, old, "send some once it works")
    check = _by_flows(seen)
    witness = _witness(seen, evidence)
    if witness is None:
        return check
    check = replace(check, evidence=f"{check.evidence}; {witness.text}")
    if witness.contradicts and check.verdict is Verdict.OK:
        hint = f"watch both: ip -s stats show dev {seen.port.name} group offload"
        return replace(check, verdict=Verdict.UNKNOWN, hint=hint)
    return check


def _check(
    seen: Traffic, verdict: Verdict, text: str, hint: str | None, reason: Reason | None = None
) -> Check:
    question = f"is traffic {seen.direction} it in hardware?"
    kind = reason.kind.value if reason else None
    return Check(Layer.OFFLOADED, seen.port.subject, question, verdict, text, hint, kind)


def _by_flows(seen: Traffic) -> Check:
    """What the flows alone say."""
    software = [each for each in seen.counted if each.placement.in_software]
    unknown = [each for each in seen.counted if each.placement is Placement.UNKNOWN]
    hardware = seen.packets(Placement.HARDWARE)
    look = f"eswitch flows --port {seen.port.name}"
    if software:
        share = sum(each.flow.packets for each in software)
        where = ", ".join(sorted({each.placement.value for each in software}))
        worst = max(software, key=lambda each: each.flow.packets)
        text = (
            f"{share:,} of {hardware + share:,} packets in software ({where}; "
            f"{len(software)} of {_flows(len(seen.counted))}): {worst.reason}"
        )
        return _check(seen, Verdict.FAILED, text, look, worst.reason)
    if unknown:
        first = unknown[0].reason
        return _check(seen, Verdict.UNKNOWN, f"{_flows(len(unknown))}: {first}", look, first)
    flooded = _flooded(seen)
    if flooded:
        copied = sum(each.flow.packets for each in flooded)
        text = (
            f"{copied:,} packets flooded ({_flows(len(flooded))}), {hardware:,} in hardware: "
            f"{flooded[0].reason}"
        )
        return _check(seen, Verdict.UNKNOWN, text, look, flooded[0].reason)
    if seen.counted:
        text = f"{hardware:,} packets in {_flows(len(seen.counted))}, all in hardware"
        return _check(seen, Verdict.OK, text + _aside(seen), None)
    text = "no traffic seen" + _aside(seen)
    return _check(seen, Verdict.UNKNOWN, text, "send some, such as a ping")


def _flooded(seen: Traffic) -> list[Place]:
    """The flows that the CPU floods, if they are a relevant part of this direction."""
    flooded = [each for each in seen.aside if each.nature is Nature.FLOOD]
    if sum(each.flow.packets for each in flooded) <= _HANDFUL:
        return []
    copied, hardware = seen.gain(flooded), seen.gain(seen.counted)
    next_to_none = hardware >= _ENOUGH and copied * _ONE_IN < copied + hardware
    return [] if next_to_none else flooded


def _flows(count: int) -> str:
    return "1 flow" if count == 1 else f"{count:,} flows"


def _aside(seen: Traffic) -> str:
    """What was seen besides, and counts neither way."""
    packets: dict[str, int] = {}
    for each in seen.aside:
        packets[each.nature.value] = packets.get(each.nature.value, 0) + each.flow.packets
    if not packets:
        return ""
    listed = ", ".join(f"{count:,} {nature}" for nature, count in sorted(packets.items()))
    return f" (not counted: {listed})"


@dataclass(frozen=True, slots=True)
class _Witness:
    """What the kernel's own counter says to the same direction."""

    text: str
    contradicts: bool


def _witness(seen: Traffic, evidence: Evidence) -> _Witness | None:
    """Compare with the CPU hits, as far as the kernel counts them and flows were in hardware."""
    hits = evidence.cpu_hits(seen.port.name)
    in_hardware = [each for each in seen.counted if each.placement is Placement.HARDWARE]
    if hits is None or not in_hardware:
        return None
    cpu = hits.received if seen.direction is Direction.FROM else hits.sent
    gained = seen.gain(in_hardware)
    elsewhere = seen.gain([*seen.aside, *seen.counted]) - gained
    seconds = f"{evidence.ended - evidence.began:.0f} s"
    text = f"in {seconds} these flows counted {gained:,} packets, the CPU {cpu:,}"
    # Flow counters lag by seconds (facts 4.2), so only a gross difference means something.
    contradicts = gained >= _ENOUGH and cpu - max(0, elsewhere) >= gained // 2
    if contradicts:
        text += ": the two contradict each other"
    return _Witness(text, contradicts)
