"""What holds for all texts, real or not."""

from __future__ import annotations

import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eswitch.model.observed import KernelState, ObservedState
from eswitch.offload.datapath import Datapath
from eswitch.offload.document import flows_document
from eswitch.offload.flow import Flow, Placement, parse_dump
from eswitch.offload.nature import Nature
from eswitch.offload.place import places
from eswitch.offload.syntax import fields, output_ports, split_items

# A loaded machine is slow: that is no finding.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

_PIECES = (
    *("ufid:1, ", "recirc_id(", "0x440", "in_port(", "eth(dst=", "ff:", "ct_state(", "0x", "+new"),
    *("encap(", "eth_type(0x0806)", ")", "(", "{", "}", ",", ", ", ", packets:", "7", ", bytes:"),
    *("99999999999999999999", ", used:", "never", "1.5s", "-1s", ", offloaded:", "yes", "partial"),
    *(", dp:", "tc", "ovs", ", actions:", "drop", "recirc(0x440)", "clone(", "userspace("),
    *("vmbr2", "=", "/", "\n", "\u0663", "\u2028", "\x00"),
)
anything = st.one_of(st.text(), st.lists(st.sampled_from(_PIECES)).map("".join))
word = st.text("abcdefr0123456789_", min_size=1, max_size=15).filter(lambda name: name != "drop")


@patient
@given(anything)
def test_no_text_is_an_error(text: str) -> None:
    dump = parse_dump(text)
    # Every line that is not blank comes out once.
    assert len(dump.flows) + len(dump.unparsed) == sum(
        1 for line in text.split("\n") if line.strip()
    )
    observed = ObservedState(KernelState("6.8"))
    found = places(dump.flows, Datapath({}), observed)
    assert all(isinstance(place.nature, Nature) for place in found)
    # A reason is given exactly for what is not in hardware.
    assert all((place.reason is None) == (place.placement is Placement.HARDWARE) for place in found)
    listed = flows_document(found, dump.unparsed)["flows"]
    assert isinstance(listed, list)
    assert len(listed) == len(dump.flows)


@patient
@given(anything)
def test_nested_text_is_never_an_error(text: str) -> None:
    assert ",".join(split_items(text)) == text
    assert "" not in fields(text)
    assert all(isinstance(port, str) for port in output_ports(text))


def test_hostile_nesting_neither_recurses_nor_loses_its_place() -> None:
    assert output_ports("clone(" * 5000 + "a" + ")" * 5000) == ()
    assert output_ports("),ct(),a,b")[-2:] == ("a", "b")


@patient
@given(
    st.none() | st.sampled_from(["yes", "partial"]) | st.text(max_size=5),
    st.none() | st.sampled_from(["tc", "ovs", "dpdk"]) | st.text(max_size=5),
)
def test_every_flow_has_a_placement_and_hardware_needs_proof(
    offloaded: str | None, layer: str | None
) -> None:
    flow = Flow("", "drop", 1, 1, 0.0, "p", offloaded=offloaded, layer=layer)
    if flow.placement is Placement.HARDWARE:
        assert offloaded == "yes"
        assert layer in ("tc", "dpdk")


@patient
@given(
    in_port=word,
    ports=st.lists(word, min_size=1, max_size=5, unique=True),
    packets=st.integers(0, 2**64 - 1),
    age=st.none() | st.integers(0, 10**7),
    layer=st.sampled_from(["tc", "ovs"]),
)
def test_what_open_vswitch_prints_is_read_back(
    in_port: str, ports: list[str], packets: int, age: int | None, layer: str | None
) -> None:
    used = "never" if age is None else f"{age / 1000:.3f}s"
    line = (
        f"ufid:0, recirc_id(0),in_port({in_port}),eth(), packets:{packets}, bytes:1, "
        f"used:{used}, dp:{layer}, actions:{','.join(ports)}"
    )
    (flow,) = parse_dump(line).flows
    names = [name for name in ports if name not in ("ct", "ct_clear", "bad")]
    assert (flow.in_port, list(flow.outputs), flow.packets) == (in_port, names, packets)
    assert flow.used == (None if age is None else age / 1000)


def test_twenty_thousand_flows_take_less_than_a_second() -> None:
    line = (
        "ufid:{0:08x}-e7e9-4935-8f82-1890430b0f66, skb_priority(0/0),skb_mark(0/0),"
        "ct_state(0/0x23),ct_zone(0/0),ct_mark(0/0),ct_label(0/0x1),recirc_id(0),dp_hash(0/0),"
        "in_port(r{0}),packet_type(ns=0/0,id=0/0),eth(src=00:00:00:c5:6d:4e,"
        "dst=00:00:00:e7:16:ce),eth_type(0x0800),ipv4(src=0.0.0.0/0.0.0.0,dst=0.0.0.0/0.0.0.0,"
        "proto=0/0,tos=0/0,ttl=0/0,frag=no), packets:941539, bytes:62142230, used:0.260s, "
        "offloaded:yes, dp:tc, actions:push_vlan(vid=20,pcp=0),r1"
    )
    text = "\n".join(line.format(number) for number in range(20_000))
    began = time.process_time()
    dump = parse_dump(text)
    assert time.process_time() - began < 1.0
    assert len(dump.flows) == 20_000
