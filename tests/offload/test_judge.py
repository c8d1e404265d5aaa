"""Where the verdict of one direction changes, to the packet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from offload.merge_patch import observed_from, patched

from eswitch.model.observed import ObservedState
from eswitch.model.report import Check, Layer, Verdict
from eswitch.offload.evidence import Evidence, look
from eswitch.offload.flow import parse_dump
from eswitch.offload.judge import judge
from eswitch.offload.sources.counters import CpuHits
from eswitch.offload.sources.openvswitch import Running

HOST = json.loads((Path(__file__).parent.parent / "cases" / "verify" / "host.json").read_text())
VF0, VF1, UPLINK = "enp7s0f0r0", "enp7s0f0r1", "enp7s0f0np0"
RUNNING = Running(on=True, evidence="offloaded flows : 1")
NIC, TC, OVS, NOWHERE = ", offloaded:yes, dp:tc", ", dp:tc", ", dp:ovs", ""
FLOOD = f"{VF1},{UPLINK}"
REFUSED = "the NIC refused it; its reason is not known without tracing the kernel's extack messages"
FLOODED = (
    "the bridge has not learned this address, or a mirror copies it: "
    "the CPU sends each packet to several ports"
)


def flow(packets: int, state: str = NIC, out: str = VF1, in_port: str = VF0) -> str:
    key = f"in_port({in_port}),eth(dst=02:00:00:00:00:02),of({out})"
    return f"{key}, packets:{packets}, bytes:9, used:0.1s{state}, actions:{out}"


def seen(*looks: Sequence[str], hits: Sequence[CpuHits] = (), every: int = 1) -> Evidence:
    evidence = None
    for number, lines in enumerate(looks):
        counted = {VF0: hits[number]} if hits else {}
        dump = parse_dump("\n".join(lines))
        assert not dump.unparsed
        evidence = look(dump, 100.0 + number * every, counted, evidence)
    assert evidence
    return evidence


def host(**change: Any) -> ObservedState:
    return observed_from(patched(HOST, change))


def check(
    evidence: Evidence, way: str = "from", port: str = VF0, observed: ObservedState | None = None
) -> Check:
    report = judge(None, observed or host(), None, evidence, RUNNING)
    (found,) = (
        each
        for each in report.checks
        if str(each.subject).startswith(f"{port} (")
        and each.question == f"is traffic {way} it in hardware?"
    )
    assert found.layer is Layer.OFFLOADED
    return found


def answer(found: Check) -> tuple[Verdict, str, str | None, str | None]:
    return (found.verdict, found.evidence, found.hint, found.reason_kind)


LOOK = f"eswitch flows --port {VF0}"


def test_all_in_hardware() -> None:
    text = "9 packets in 1 flow, all in hardware"
    assert answer(check(seen([flow(9)]))) == (Verdict.OK, text, None, None)
    two = check(seen([flow(1500), flow(7, out=UPLINK)]))
    assert two.evidence == "1,507 packets in 2 flows, all in hardware"
    assert str(two.subject) == "enp7s0f0r0 (0000:07:00.0 VF 0)"


def test_one_in_software_is_enough_to_fail_and_the_worst_one_tells_why() -> None:
    lines = [flow(2000), flow(1, TC, UPLINK), flow(1200, OVS, "enp8s0f0r0")]
    reason = (
        "output enp8s0f0r0 is on another switch (4498110003ebc008) "
        "than input enp7s0f0r0 (3298110003ebc008)"
    )
    where = "kernel datapath, tc software; 2 of 3 flows"
    text = f"1,201 of 3,201 packets in software ({where}): {reason}"
    bridged = host(links={"enp8s0f0r0": {"master": "ovs-system"}})
    found = check(seen(lines), observed=bridged)
    assert answer(found) == (Verdict.FAILED, text, LOOK, "other_switch")
    one = f"5 of 5 packets in software (tc software; 1 of 1 flow): {REFUSED}"
    assert answer(check(seen([flow(5, TC)]))) == (Verdict.FAILED, one, LOOK, "refused")


def test_where_it_runs_is_not_known() -> None:
    text = "1 flow: the dump does not say where it runs"
    found = check(seen([flow(2000), flow(1, NOWHERE, UPLINK)]))
    assert answer(found) == (Verdict.UNKNOWN, text, LOOK, "unplaced")
    assert check(seen([flow(1, TC), flow(1, NOWHERE, UPLINK)])).verdict is Verdict.FAILED


def test_no_traffic() -> None:
    ping = "send some, such as a ping"
    assert answer(check(seen([]))) == (Verdict.UNKNOWN, "no traffic seen", ping, None)
    aside = seen([flow(7, TC, "vmbr2"), flow(2, TC, "tap101i0"), flow(1000, TC, "tap102i0")])
    text = (
        "no traffic seen (not counted: 1,002 with a port of no e-switch, "
        "7 with a port of the host itself)"
    )
    assert answer(check(aside)) == (Verdict.UNKNOWN, text, ping, None)
    sound = check(seen([flow(9), flow(7, TC, "vmbr2")]))
    assert sound.evidence == (
        "9 packets in 1 flow, all in hardware (not counted: 7 with a port of the host itself)"
    )


def test_a_handful_of_flooded_packets_is_learning() -> None:
    assert check(seen([flow(9), flow(5, TC, FLOOD)])).verdict is Verdict.OK
    text = f"6 packets flooded (1 flow), 9 in hardware: {FLOODED}"
    found = check(seen([flow(9), flow(6, TC, FLOOD)]))
    assert answer(found) == (Verdict.UNKNOWN, text, LOOK, "flood")
    # Several small ones are together more than a handful.
    both = [flow(9), flow(3, TC, FLOOD), flow(3, TC, f"{UPLINK},{VF1}")]
    assert check(seen(both)).evidence.startswith("6 packets flooded (2 flows), 9 in hardware: ")


@pytest.mark.parametrize(
    ("copied", "hardware", "verdict"),
    [
        (1, 100, Verdict.OK),  # less than one in a hundred
        (1, 99, Verdict.UNKNOWN),  # too little in hardware to compare with
        (0, 99, Verdict.UNKNOWN),
        (0, 100, Verdict.OK),
        (2, 199, Verdict.OK),
        (2, 198, Verdict.UNKNOWN),  # exactly one in a hundred
    ],
)
def test_next_to_none_was_flooded(copied: int, hardware: int, verdict: Verdict) -> None:
    first = [flow(1000), flow(50, TC, FLOOD)]
    second = [flow(1000 + hardware), flow(50 + copied, TC, FLOOD)]
    assert check(seen(first, second)).verdict is verdict


def test_one_look_does_not_tell_when_it_was_flooded() -> None:
    assert check(seen([flow(10**6), flow(6, TC, FLOOD)])).verdict is Verdict.UNKNOWN


def test_the_second_witness_is_asked_for_its_direction() -> None:
    def way(name: str, hits: CpuHits) -> Verdict:
        ends = {"from": (VF1, VF0), "to": (VF0, VF1)}[name]
        looks = [[flow(packets, NIC, *ends)] for packets in (0, 200)]
        return check(seen(*looks, hits=(CpuHits(0, 0), hits)), name).verdict

    assert way("from", CpuHits(1000, 0)) is way("to", CpuHits(0, 1000)) is Verdict.UNKNOWN
    assert way("from", CpuHits(0, 1000)) is way("to", CpuHits(1000, 0)) is Verdict.OK


@pytest.mark.parametrize(
    ("gained", "cpu", "verdict"),
    [
        (100, 49, Verdict.OK),
        (100, 50, Verdict.UNKNOWN),
        (99, 99, Verdict.OK),  # too few to tell
        (101, 50, Verdict.UNKNOWN),
        (200, 99, Verdict.OK),
    ],
)
def test_the_two_witnesses_contradict_each_other(gained: int, cpu: int, verdict: Verdict) -> None:
    hits = (CpuHits(10, 0), CpuHits(10 + cpu, 0))
    found = check(seen([flow(1000)], [flow(1000 + gained)], hits=hits, every=3))
    text = (
        f"{1000 + gained:,} packets in 1 flow, all in hardware; "
        f"in 3 s these flows counted {gained} packets, the CPU {cpu}"
    )
    if verdict is Verdict.OK:
        assert answer(found) == (verdict, text, None, None)
    else:
        hint = f"watch both: ip -s stats show dev {VF0} group offload"
        text += ": the two contradict each other"
        assert answer(found) == (verdict, text, hint, None)


def test_what_the_cpu_had_by_nature_explains_its_hits() -> None:
    hits = (CpuHits(0, 0), CpuHits(250, 0))
    first, second = [flow(0), flow(0, TC, "vmbr2")], [flow(200), flow(151, TC, "vmbr2")]
    assert check(seen(first, second, hits=hits)).verdict is Verdict.OK
    second[1] = flow(150, TC, "vmbr2")
    assert check(seen(first, second, hits=hits)).verdict is Verdict.UNKNOWN


def test_the_witness_is_heard_on_failures_too_and_changes_nothing() -> None:
    hits = (CpuHits(0, 0), CpuHits(1000, 0))
    lines = [flow(0), flow(5, TC, UPLINK)], [flow(200), flow(5, TC, UPLINK)]
    found = check(seen(*lines, hits=hits))
    assert (found.verdict, found.hint, found.reason_kind) == (Verdict.FAILED, LOOK, "refused")
    assert found.evidence.endswith(
        "in 1 s these flows counted 200 packets, the CPU 1,000: the two contradict each other"
    )


def test_without_flows_in_hardware_there_is_nothing_to_compare() -> None:
    hits = (CpuHits(0, 0), CpuHits(1000, 0))
    assert "CPU" not in check(seen([flow(5, TC)], [flow(900, TC)], hits=hits)).evidence.replace(
        REFUSED, ""
    )


def test_a_port_that_does_not_work_proves_nothing() -> None:
    down = host(links={VF0: {"up": False}})
    found = check(seen([flow(1500), flow(7, TC, "vmbr2")]), observed=down)
    text = "its link is down: what was seen of it (1,507 packets) may be older than that"
    assert answer(found) == (Verdict.UNKNOWN, text, "send some once it works", None)


def test_a_flow_with_a_broken_port_at_its_other_end_says_nothing() -> None:
    down = host(links={VF1: {"up": False}})
    evidence = seen([flow(1500)])
    assert check(evidence, observed=down).evidence == "no traffic seen"
    assert "1,500 packets" in check(evidence, "to", VF1, observed=down).evidence
    both = host(links={VF0: {"up": False}, VF1: {"up": False}})
    assert "(0 packets)" in check(evidence, observed=both).evidence


def test_only_the_last_stage_counts() -> None:
    """The one before it has no outputs: it is no traffic of its own."""
    first = f"recirc_id(0),{flow(900, TC, 'ct,recirc(0x1)')}"
    last = f"recirc_id(0x1),{flow(9)}"
    assert check(seen([first, last])).evidence.startswith("9 of 9 packets in software")


def test_a_stopped_open_vswitch_has_no_traffic_to_judge() -> None:
    stopped = host(ovs={"status": "stopped"})
    report = judge(None, stopped, None, seen([flow(9)]), RUNNING)
    assert {each.layer for each in report.checks} == {Layer.WIRED}


def test_each_port_is_asked_both_ways_from_first() -> None:
    report = judge(None, host(), None, seen([]), RUNNING)
    asked = [
        (str(each.subject).partition(" ")[0], each.question.split(" ")[2])
        for each in report.checks
        if each.layer is Layer.OFFLOADED
    ]
    assert asked == [(port, way) for port in (UPLINK, VF0, VF1) for way in ("from", "to")]
