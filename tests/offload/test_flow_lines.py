"""One line of a dump, and what of it is odd."""

from __future__ import annotations

import pytest

from eswitch.offload.flow import Flow, Placement, parse_dump, parse_line, recirculates_to

LINE = (
    "ufid:7, recirc_id(0x1f),in_port(a),eth(), packets:3, bytes:180, used:1.250s, flags:SP., "
    "offloaded:yes, dp:tc, actions:b,c, dp-extra-info:subtables 1"
)


def read(line: str) -> Flow:
    flow = parse_line(line)
    assert flow is not None
    return flow


def test_every_part_of_a_line() -> None:
    assert read(f"  {LINE} ") == Flow(
        key="recirc_id(0x1f),in_port(a),eth()",
        actions="b,c",
        packets=3,
        bytes=180,
        used=1.25,
        in_port="a",
        recirc_id=31,
        ufid="7",
        offloaded="yes",
        layer="tc",
        flags="SP.",
        extra_info="subtables 1",
    )


def test_what_may_be_absent() -> None:
    flow = read("in_port(a), packets:0, bytes:0, used:never, actions:drop")
    assert flow == Flow("in_port(a)", "drop", 0, 0, None, "a")
    assert flow.identity == "in_port(a)"
    assert read(LINE).identity == "7"
    assert read(", packets:0, bytes:0, used:never, actions:drop").key == ""
    assert read("eth(), packets:0, bytes:0, used:never, actions:drop").in_port == ""


@pytest.mark.parametrize(
    "line",
    [
        "in_port(a), packets:1, bytes:1, used:never",
        "in_port(a), bytes:1, used:never, actions:b",
        "in_port(a), packets:1, used:never, actions:b",
        "in_port(a), packets:, bytes:1, used:never, actions:b",
        "in_port(a), packets:1x, bytes:1, used:never, actions:b",
        "in_port(a), packets:1, bytes:-1, used:never, actions:b",
        "in_port(a), packets:123456789012345678901, bytes:1, used:never, actions:b",
        "in_port(a), actions:b, packets:1, bytes:1, used:never",
        "a, actions:b",
    ],
)
def test_what_is_no_flow(line: str) -> None:
    assert parse_line(line) is None
    dump = parse_dump(f"\n{line}\n  \n")
    assert (dump.flows, dump.unparsed) == ((), (line,))


def test_unknown_statistics_are_kept_in_order() -> None:
    line = "in_port(a), packets:1, bytes:1, offload_packets:5,zone:3, used:0.1s, dp:tc, actions:b"
    assert read(line).other == (("offload_packets", "5"), ("zone", "3"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0.260s", 0.26),
        ("7s", 7.0),
        ("-0.010s", 0.0),
        ("never", None),
        ("1.5", None),
        ("1.5s ago", None),
        ("", None),
    ],
)
def test_age(text: str, seconds: float | None) -> None:
    assert read(f"in_port(a), packets:1, bytes:1, used:{text}, actions:b").used == seconds


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("recirc_id(0)", 0),
        ("recirc_id(0x2a)", 42),
        ("recirc_id(12)", 12),
        ("recirc_id(0x2a/0xff)", 42),
        ("recirc_id(007)", 0),
        ("recirc_id()", 0),
        ("eth()", 0),
        ("xrecirc_id(5)", 0),
    ],
)
def test_recirculation_id(key: str, number: int) -> None:
    assert read(f"{key},in_port(a), packets:1, bytes:1, used:never, actions:b").recirc_id == number


@pytest.mark.parametrize(
    ("actions", "ids"),
    [
        ("a", ()),
        ("recirc(0x1)", (1,)),
        ("ct,recirc(7),clone(recirc(0xa))", (7, 10)),
        ("recirc(0)", (0,)),
        ("recirc(010)", ()),
        ("recirc(x)", ()),
    ],
)
def test_where_a_flow_leads(actions: str, ids: tuple[int, ...]) -> None:
    assert recirculates_to(Flow("", actions, 1, 1, None, "a")) == ids


@pytest.mark.parametrize(
    ("layer", "offloaded", "placement"),
    [
        ("tc", "yes", Placement.HARDWARE),
        ("tc", None, Placement.TC_SOFTWARE),
        ("dpdk", "yes", Placement.HARDWARE),
        ("dpdk", None, Placement.USERSPACE),
        ("ovs", None, Placement.KERNEL),
        ("ovs", "yes", Placement.UNKNOWN),
        (None, "yes", Placement.UNKNOWN),
        (None, None, Placement.UNKNOWN),
        ("tc", "partial", Placement.USERSPACE),
        ("dpdk", "partial", Placement.USERSPACE),
    ],
)
def test_placement(layer: str | None, offloaded: str | None, placement: Placement) -> None:
    flow = Flow("", "a", 1, 1, None, "a", layer=layer, offloaded=offloaded)
    assert flow.placement is placement


def test_where_the_cpu_touches_each_packet() -> None:
    assert {each for each in Placement if each.in_software} == {
        Placement.TC_SOFTWARE,
        Placement.KERNEL,
        Placement.USERSPACE,
    }


def test_the_words_for_placements_are_other_programs_words_too() -> None:
    assert [each.value for each in Placement] == [
        "hardware",
        "tc software",
        "kernel datapath",
        "userspace datapath",
        "unknown",
    ]
