"""What kind of traffic a flow is, at the edges of each kind."""

from __future__ import annotations

import pytest

from eswitch.model.identifiers import PciAddress
from eswitch.offload.datapath import Kind, Port
from eswitch.offload.flow import Flow, Placement
from eswitch.offload.nature import Nature, nature_of
from eswitch.offload.place import Place

PF = PciAddress("0000:07:00.0")
UPLINK = Port("p0", Kind.UPLINK, "s", PF)
REP = Port("r0", Kind.REPRESENTOR, "s", PF, 0)
OTHER = Port("r1", Kind.REPRESENTOR, "s", PF, 1)
FAR = Port("f0", Kind.REPRESENTOR, "s", PciAddress("0000:08:00.0"), 0)
TUNNEL = Port("vxlan_sys_4789", Kind.TUNNEL)
HOST = Port("br0", Kind.HOST, bridge="br0")
TAP = Port("tap0", Kind.OUTSIDE)
NUMBER = Port("7", Kind.UNNAMED)


def nature(*targets: Port, source: Port = REP, key: str = "", actions: str | None = None) -> Nature:
    names = ",".join(port.name for port in targets) if actions is None else actions
    return nature_of(Flow(key, names, 1, 1, 0.0, source.name), source, targets)


@pytest.mark.parametrize(
    ("source", "targets", "kind"),
    [
        (REP, (OTHER,), Nature.ESWITCH),
        (REP, (TUNNEL,), Nature.ESWITCH),
        (TUNNEL, (TUNNEL,), Nature.ESWITCH),
        (REP, (FAR,), Nature.OTHER_SWITCH),
        (TUNNEL, (FAR,), Nature.ESWITCH),
        (REP, (HOST,), Nature.HOST),
        (HOST, (REP,), Nature.HOST),
        (TAP, (HOST,), Nature.HOST),
        (REP, (TAP,), Nature.OUTSIDE),
        (TAP, (NUMBER,), Nature.OUTSIDE),
        (NUMBER, (REP,), Nature.UNNAMED),
        # More than one receiver, of which one at least is on an e-switch.
        (REP, (OTHER, UPLINK), Nature.FLOOD),
        (REP, (OTHER, HOST), Nature.FLOOD),
        (TUNNEL, (OTHER, UPLINK), Nature.FLOOD),
        (REP, (OTHER, TAP), Nature.OUTSIDE),
        (REP, (HOST, TAP), Nature.HOST),
        (REP, (HOST, HOST), Nature.HOST),
        (HOST, (OTHER, UPLINK), Nature.HOST),
        (TAP, (OTHER, UPLINK), Nature.OUTSIDE),
    ],
)
def test_between_which_ports(source: Port, targets: tuple[Port, ...], kind: Nature) -> None:
    assert nature(*targets, source=source) is kind


@pytest.mark.parametrize(
    ("actions", "kind"),
    [
        ("drop", Nature.DROP),
        ("ct", Nature.DROP),
        ("recirc(0x1)", Nature.ESWITCH),
        ("userspace(pid=1)", Nature.ESWITCH),
        ("ct(commit),recirc(0x1)", Nature.SETUP),
    ],
)
def test_flows_without_an_output(actions: str, kind: Nature) -> None:
    assert nature(actions=actions) is kind


@pytest.mark.parametrize(
    ("dst", "group"),
    [
        ("01:00:5e:00:00:01", True),
        ("33:33:00:00:00:01", True),
        ("02:00:00:00:00:01", False),
        ("ff:ff:ff:ff:ff:ff/01:00:00:00:00:00", True),
        ("ff:ff:ff:ff:ff:ff/fe:ff:ff:ff:ff:ff", False),
        ("00:00:00:00:00:00/01:00:00:00:00:00", False),
        ("", False),
        ("x", False),
    ],
)
def test_the_group_bit(dst: str, group: bool) -> None:
    assert (nature(OTHER, key=f"eth(dst={dst})") is Nature.GROUP) is group
    # Who sends to a group is asked first, whatever else it is.
    assert (nature(HOST, key=f"eth(dst={dst})") is Nature.GROUP) is group


@pytest.mark.parametrize(
    ("key", "neighbour"),
    [
        ("eth_type(0x0806)", True),
        ("eth_type(0x0800)", False),
        ("eth_type(0x8100),encap(eth_type(0x0806))", True),
        ("encap(encap(encap(encap(eth_type(0x0806)))))", True),
        ("encap(encap(encap(encap(encap(eth_type(0x0806))))))", False),
        *((f"icmpv6(type={number})", 133 <= number <= 137) for number in range(131, 140)),
        ("icmp(type=135)", False),
    ],
)
def test_neighbour_discovery(key: str, neighbour: bool) -> None:
    assert (nature(OTHER, key=key) is Nature.NEIGHBOUR) is neighbour
    # It goes to several ports: still no flood that learning would end.
    flooded = nature(OTHER, UPLINK, key=key)
    assert flooded is (Nature.NEIGHBOUR if neighbour else Nature.FLOOD)


@pytest.mark.parametrize(
    ("state", "setup"),
    [
        ("+new", True),
        ("+new+trk", True),
        ("-new+est", False),
        ("+est", False),
        ("0x1", True),
        ("0x2", False),
        ("0x3", False),
        ("0x20", False),
        ("0x1/0x1", True),
        ("0x1/0x20", False),
        ("0x3/0x1", True),
        ("0x3/0x2", False),
        ("0x21/0x23", True),
        ("x", False),
        ("", False),
    ],
)
def test_first_packets_of_a_connection(state: str, setup: bool) -> None:
    assert (nature(OTHER, key=f"ct_state({state})") is Nature.SETUP) is setup


@pytest.mark.parametrize(
    ("key", "setup"),
    [("", True), ("ct_state(0x20)", True), ("ct_state(0x22)", False), ("ct_state(+est)", False)],
)
def test_a_commit_is_one_unless_it_is_established(key: str, setup: bool) -> None:
    found = nature(OTHER, key=key, actions="ct(commit,zone=1),r1")
    assert (found is Nature.SETUP) is setup


def test_what_belongs_in_hardware_and_what_counts() -> None:
    belong = {each for each in Nature if each.belongs_in_hardware}
    assert belong == {Nature.ESWITCH, Nature.OTHER_SWITCH}

    def place(kind: Nature, placement: Placement, *targets: Port) -> Place:
        return Place(Flow("", "", 1, 1, 0.0, "r0"), REP, targets, kind, placement, None)

    for where in Placement:
        counting = {each for each in Nature if place(each, where).counts}
        flood = {Nature.FLOOD} if where is Placement.HARDWARE else set()
        assert counting == belong | flood
    assert {each for each in Nature if place(each, Placement.KERNEL).final} == {Nature.DROP}
    assert place(Nature.ESWITCH, Placement.KERNEL, OTHER).final
    assert {each for each in Nature if not place(each, Placement.KERNEL).unicast} == {Nature.GROUP}


def test_the_words_for_natures_are_other_programs_words_too() -> None:
    assert [each.value for each in Nature] == [
        "between ports of one e-switch",
        "between ports of two e-switches",
        "broadcast or multicast",
        "flooded to several ports",
        "neighbour discovery",
        "first packets of a connection",
        "with a port of the host itself",
        "with a port of no e-switch",
        "with a port that has no name",
        "dropped",
    ]
