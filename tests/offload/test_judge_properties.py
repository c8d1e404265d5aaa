"""Whatever the flows: no verdict without its evidence."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from offload.merge_patch import observed_from

from eswitch.model.report import Layer, Verdict
from eswitch.offload.datapath import datapath
from eswitch.offload.document import SCHEMA, flows_document
from eswitch.offload.evidence import look
from eswitch.offload.flow import Dump, Flow, Placement
from eswitch.offload.judge import judge
from eswitch.offload.nature import Nature
from eswitch.offload.place import places
from eswitch.offload.sources.openvswitch import Running

FOLDER = Path(__file__).parent.parent / "cases" / "verify"
OBSERVED = observed_from(json.loads((FOLDER / "host.json").read_text()))
PORTS = ("enp7s0f0np0", "enp7s0f0r0", "enp7s0f0r1")
NAMES = (*PORTS, "enp8s0f0r0", "vmbr2", "tap101i0", "7", "genev_sys_6081", "drop")
RUNNING = Running(on=True, evidence="offloaded flows : 1")

# A loaded machine is slow: that is no finding.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

flow = st.builds(
    Flow,
    key=st.sampled_from(
        [
            "eth(dst=02:00:00:00:00:01),eth_type(0x0800)",
            "eth(dst=ff:ff:ff:ff:ff:ff),eth_type(0x0806)",
            "eth(dst=02:00:00:00:00:01),eth_type(0x8100),encap(eth_type(0x0806))",
            "ct_state(0x21/0x21),eth(dst=02:00:00:00:00:01)",
        ]
    ),
    actions=st.lists(st.sampled_from((*NAMES, "recirc(0x1)", "recirc(0x2)")), min_size=1).map(
        ",".join
    ),
    packets=st.integers(0, 1000),
    bytes=st.just(0),
    used=st.none() | st.sampled_from([0.1, 9.0, 11.0]),
    in_port=st.sampled_from(NAMES),
    recirc_id=st.sampled_from([0, 0, 0, 1, 2]),
    ufid=st.integers(0, 2**64).map(str),
    offloaded=st.sampled_from([None, "yes", "yes", "partial"]),
    layer=st.sampled_from([None, "tc", "tc", "ovs"]),
)


def fresh(flow: Flow) -> bool:
    return flow.used is not None and flow.used < 10


@patient
@given(st.lists(flow, max_size=12))
def test_ok_needs_hardware_in_that_direction_and_no_software(flows: list[Flow]) -> None:
    evidence = look(Dump(tuple(flows)), 100.0, {})
    report = judge(None, OBSERVED, None, evidence, RUNNING)
    checks = [check for check in report.checks if check.layer is Layer.OFFLOADED]
    assert len(checks) == 2 * len(PORTS)
    for check in checks:
        name = str(check.subject).split(" ")[0]
        leaving = "from" in check.question
        mine = [
            each
            for each in flows
            if (each.in_port == name if leaving else name in each.outputs)
            and each.packets
            and each.used is not None
        ]
        if check.verdict is Verdict.OK:
            assert any(each.placement is Placement.HARDWARE and fresh(each) for each in mine)
        if check.verdict is Verdict.FAILED:
            assert any(fresh(each) for each in mine)
        if not mine:
            assert check.verdict is Verdict.UNKNOWN


@patient
@given(st.lists(flow, max_size=12))
def test_a_stage_in_software_is_never_called_hardware(flows: list[Flow]) -> None:
    known = datapath(OBSERVED)
    for place in places(flows, known, OBSERVED):
        if place.placement is not Placement.HARDWARE:
            continue
        assert place.flow.placement is Placement.HARDWARE
        before = [
            each
            for each in flows
            if place.flow.recirc_id and f"recirc({place.flow.recirc_id:#x})" in each.actions
        ]
        assert all(each.placement is Placement.HARDWARE for each in before)


def test_the_document_is_versioned_and_adds_up() -> None:
    lines = json.loads((FOLDER / "by-nature-software.json").read_text())["looks"][0]["flows"]
    from eswitch.offload.flow import parse_dump

    dump = parse_dump("\n".join([*lines, "a warning"]))
    found = places(dump.flows, datapath(OBSERVED), OBSERVED)
    document = json.loads(json.dumps(flows_document(found, dump.unparsed)))
    assert document["schema"] == SCHEMA == "eswitch.flows/v1"
    assert document["unparsed"] == ["a warning"]
    assert sum(total["flows"] for total in document["summary"].values()) == len(lines)
    assert document["summary"]["hardware"] == {"flows": 4, "packets": 4000, "bytes": 392000}
    first = document["flows"][0]
    assert first["placement"] == "hardware"
    assert first["reason"] is None
    assert first["match"]["eth"] == "src=ba:dd:ad:de:ad:30,dst=ba:dd:ad:de:ad:31"
    natures = {each["nature"] for each in document["flows"]}
    assert natures == {nature.value for nature in Nature} - {
        "between ports of two e-switches",
        "with a port that has no name",
        "flooded to several ports",
    }
