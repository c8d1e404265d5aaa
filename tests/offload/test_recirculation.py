"""Flows that lead to flows."""

from __future__ import annotations

import pytest

from eswitch.offload.flow import Flow, Placement
from eswitch.offload.recirculation import Chains

STATES = {
    "hw": ("yes", "tc"),
    "tc": (None, "tc"),
    "ovs": (None, "ovs"),
    "user": ("partial", "ovs"),
    "none": (None, None),
}


def flow(stage: int, actions: str, state: str = "hw") -> Flow:
    offloaded, layer = STATES[state]
    return Flow(
        "", actions, 1, 1, 0.0, "a", recirc_id=stage, offloaded=offloaded, layer=layer
    )  # fmt: skip


def last(*flows: Flow) -> Placement:
    return Chains(flows).effective(flows[-1])


@pytest.mark.parametrize(
    ("before", "placement"),
    [
        (["hw"], Placement.HARDWARE),
        (["hw", "hw"], Placement.HARDWARE),
        (["hw", "none"], Placement.UNKNOWN),
        (["none", "tc"], Placement.TC_SOFTWARE),
        (["tc", "ovs", "hw"], Placement.KERNEL),
        (["user", "ovs", "tc"], Placement.USERSPACE),
        ([], Placement.UNKNOWN),
    ],
)
def test_the_worst_of_what_leads_to_it(before: list[str], placement: Placement) -> None:
    assert last(*(flow(0, "recirc(0x1)", each) for each in before), flow(1, "b")) is placement


@pytest.mark.parametrize("own", ["tc", "ovs", "user", "none"])
def test_what_is_not_in_hardware_itself_stays_so(own: str) -> None:
    found = last(flow(0, "recirc(0x1)", "hw"), flow(1, "b", own))
    assert found is flow(1, "b", own).placement


def test_a_flow_of_the_first_stage_is_what_it_says() -> None:
    assert last(flow(0, "recirc(0x1)"), flow(0, "b")) is Placement.HARDWARE


def test_stages_before_the_one_before_count() -> None:
    assert last(flow(0, "recirc(0x1)", "tc"), flow(1, "recirc(0x2)"), flow(2, "b")) is (
        Placement.TC_SOFTWARE
    )
    # A stage in software hides nothing that is worse before it: its packets were in the CPU anyway.
    assert last(flow(0, "recirc(0x1)", "ovs"), flow(1, "recirc(0x2)", "tc"), flow(2, "b")) is (
        Placement.TC_SOFTWARE
    )


def test_a_circle_is_unknown_and_ends() -> None:
    assert last(flow(1, "recirc(0x2)"), flow(2, "recirc(0x1)")) is Placement.UNKNOWN
    assert last(flow(1, "recirc(0x1)")) is Placement.UNKNOWN


def test_how_many_stages_are_followed() -> None:
    def chain(length: int) -> tuple[Flow, ...]:
        return tuple(flow(stage, f"recirc({stage + 1:#x})") for stage in range(length))

    assert last(*chain(33), flow(33, "b")) is Placement.HARDWARE
    assert last(*chain(34), flow(34, "b")) is Placement.UNKNOWN


def test_what_was_found_for_one_serves_the_next() -> None:
    first, one, two = flow(0, "recirc(0x1)", "tc"), flow(1, "b"), flow(1, "c")
    chains = Chains((first, one, two))
    assert chains.effective(one) is chains.effective(two) is Placement.TC_SOFTWARE
