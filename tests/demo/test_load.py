"""The load model: its units, and that more never costs less."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eswitch.demo.day import ACTIVITY_BY_HOUR
from eswitch.demo.load import (
    CROSSING,
    MISS,
    PRICES,
    READ,
    READS,
    SWITCH,
    WORK,
    Comparison,
    Load,
    Rates,
    load,
    mean,
    rates,
    switched,
)
from eswitch.offload.datapath import Kind, Port
from eswitch.offload.flow import Flow
from eswitch.offload.nature import Nature
from eswitch.offload.place import Place
from eswitch.offload.reason import ReasonKind, because

NUMBERS = st.floats(0, 1e9, allow_nan=False)
RATES = st.builds(Rates, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.integers(0, 100_000))
LOADS = st.builds(Load, NUMBERS, NUMBERS)


def place(ufid: str, packets: int, *ends: tuple[str, Kind], hardware: bool) -> Place:
    flow = Flow("", "", packets, packets * 100, 0.0, ends[0][0], ufid=ufid)
    flow = replace(flow, layer="tc" if hardware else "ovs", offloaded="yes" if hardware else None)
    ports = tuple(Port(name, kind) for name, kind in ends)
    reason = None if hardware else because(ReasonKind.REFUSED)
    return Place(flow, ports[0], ports[1:], Nature.ESWITCH, flow.placement, reason)


WIRE = ("enp7s0f0np0", Kind.UPLINK)
TAP = ("tap101i0", Kind.OUTSIDE)
VETH = ("veth200i0", Kind.OUTSIDE)
VF = ("enp7s0f0r0", Kind.REPRESENTOR)
GUESTS = (TAP[0], VETH[0], VF[0])


def test_a_core_switches_1_88_million_packets_a_second() -> None:
    assert load(Rates(software=1.88e6)).switching == pytest.approx(1.0)
    assert load(Rates(software=1.88e6)).work == 0


def test_hardware_costs_no_switching_but_its_counters() -> None:
    busy = load(Rates(hardware=1e6, ends=1e6, flows=10))
    assert busy.switching == pytest.approx(10 * READS.value * READ.value)
    assert busy.work == pytest.approx(1e6 * WORK.value)


def test_a_new_flow_costs_its_first_packet() -> None:
    assert load(Rates(new=10)).total == pytest.approx(10 * MISS.value)


@given(RATES, NUMBERS, st.sampled_from(["software", "crossings", "ends", "new"]))
def test_more_never_costs_less(traffic: Rates, more: float, what: str) -> None:
    grown = replace(traffic, **{what: getattr(traffic, what) + more})
    assert load(grown).total >= load(traffic).total >= 0


@given(RATES, st.integers(0, 1000))
def test_more_flows_in_hardware_never_cost_less(traffic: Rates, more: int) -> None:
    assert load(replace(traffic, flows=traffic.flows + more)).switching >= load(traffic).switching


@given(st.integers(1, 10**9), st.booleans())
def test_what_moves_into_the_nic_costs_less(packets: int, between_guests: bool) -> None:
    other = VETH if between_guests else WIRE
    soft = rates([], [place("a", packets, TAP, other, hardware=False)], 1.0, GUESTS)
    hard = rates([], [place("a", packets, TAP, other, hardware=True)], 1.0, GUESTS)
    assert load(soft).work == load(hard).work
    if packets > 1000:
        assert load(soft).switching > load(hard).switching


def test_rates_are_per_second_and_count_what_is_new() -> None:
    before = [place("a", 100, TAP, WIRE, hardware=False)]
    after = [
        place("a", 300, TAP, WIRE, hardware=False),
        place("b", 50, VF, WIRE, hardware=True),
    ]
    found = rates(before, after, 10.0, GUESTS)
    assert found == Rates(software=20, hardware=5, crossings=20, ends=25, new=0.1, flows=1)


def test_each_guest_takes_a_copy_but_not_of_a_vf() -> None:
    both = rates([], [place("a", 10, TAP, VETH, hardware=False)], 1.0, GUESTS)
    assert (both.crossings, both.ends) == (20, 20)
    refused = rates([], [place("a", 10, VF, WIRE, hardware=False)], 1.0, GUESTS)
    assert (refused.crossings, refused.ends) == (0, 10)
    uplink_of_no_switch = ("enp7s0f0np0", Kind.OUTSIDE)
    one = rates([], [place("a", 10, TAP, uplink_of_no_switch, hardware=False)], 1.0, GUESTS)
    assert (one.crossings, one.ends) == (10, 10)


@given(st.lists(st.tuples(LOADS, LOADS), max_size=24))
def test_savings_are_a_share(hours: list[tuple[Load, Load]]) -> None:
    compared = Comparison(tuple(a for a, _ in hours), tuple(b for _, b in hours))
    assert compared.saved <= 1
    assert compared.peak >= max((each.total for pair in hours for each in pair), default=0)
    assert mean(compared.software) >= switched(compared.software) or not hours


def test_every_price_says_where_it_comes_from() -> None:
    for price in PRICES:
        assert price.value > 0
        assert price.origin
        assert price.assumed is ("assumed" in price.origin or "fitted" in price.origin), price.name
    assert "doi:10.1007/s10922-017-9417-0; that one core does them is assumed" in SWITCH.origin
    assert CROSSING.value == SWITCH.value
    assert len(ACTIVITY_BY_HOUR) == 24
