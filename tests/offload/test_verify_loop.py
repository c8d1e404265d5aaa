"""How long `verify` looks, and when it stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_host import Answer, FakeHost, scripted
from hydrate import hydrate
from offload.merge_patch import observed_from, patched

from eswitch.errors import HostError
from eswitch.host import Host
from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Blocker, Plan
from eswitch.model.report import Layer, Verdict
from eswitch.model.subject import SpecNic
from eswitch.offload.verify import verify

FOLDER = Path(__file__).parent.parent / "cases" / "verify"
HOST = json.loads((FOLDER / "host.json").read_text())
CASE = json.loads((FOLDER / "all-in-hardware.json").read_text())
SPEC = hydrate(DesiredState, CASE["spec"])
FLOWS = "\n".join(CASE["looks"][0]["flows"])
BEGIN = 1000.0


def machine(flows: Answer) -> FakeHost:
    return scripted(
        {
            "ovs-appctl upcall/show": "system@ovs-system:\n  offloaded flows : 4\n",
            "ovs-appctl dpctl/dump-flows": flows,
            "ip -j stats": "[]",
        }
    )


def no_plan(_desired: DesiredState, _observed: ObservedState) -> Plan:
    return Plan()


def healthy(_host: Host) -> ObservedState:
    return observed_from(HOST)


def test_proof_at_the_first_look_ends_at_once() -> None:
    host = machine(FLOWS)
    report = verify(host, SPEC, 30, healthy, no_plan)
    assert report.verdict() is Verdict.OK
    assert host.time == BEGIN


def test_without_traffic_it_waits_to_the_end_and_says_unknown() -> None:
    host = machine("")
    seen = []
    report = verify(
        host, SPEC, 5, healthy, no_plan, on_progress=lambda *progress: seen.append(progress)
    )
    assert report.verdict() is Verdict.UNKNOWN
    assert host.time == BEGIN + 5
    assert [left for _, left in seen] == [5, 4, 3, 2, 1, 0]
    assert seen[-1][0] == report


def test_without_time_it_looks_once() -> None:
    host = machine("")
    assert verify(host, SPEC, 0, healthy, no_plan).verdict() is Verdict.UNKNOWN
    assert host.time == BEGIN


def test_it_ends_when_the_last_direction_is_proven() -> None:
    lines = FLOWS.split("\n")
    # One flow a look, each gone at the next: what was seen is kept.
    host = machine(lambda now: lines[min(int(now - BEGIN), 3)])
    report = verify(host, SPEC, 30, healthy, no_plan)
    assert report.verdict() is Verdict.OK
    assert host.time == BEGIN + 3


def test_what_was_proven_too_long_ago_is_proven_no_more() -> None:
    """Each direction was seen once, the last one long after the first."""
    lines = FLOWS.split("\n")
    host = machine(lambda now: lines[min(int(now - BEGIN), 2)] if now < BEGIN + 200 else lines[3])
    report = verify(host, SPEC, 230, healthy, no_plan)
    assert report.verdict(Layer.WIRED) is Verdict.OK
    assert report.verdict(Layer.OFFLOADED) is Verdict.UNKNOWN
    assert host.time == BEGIN + 230


def test_software_does_not_end_the_wait() -> None:
    host = machine(FLOWS.replace(", offloaded:yes", "", 1))
    report = verify(host, SPEC, 4, healthy, no_plan)
    assert report.verdict(Layer.OFFLOADED) is Verdict.FAILED
    assert host.time == BEGIN + 4


def test_a_carrier_that_comes_late_is_waited_for() -> None:
    def observe(host: Host) -> ObservedState:
        carrier = host.monotonic() >= BEGIN + 3
        return observed_from(patched(HOST, {"links": {"enp7s0f0np0": {"carrier": carrier}}}))

    host = machine(FLOWS)
    assert verify(host, SPEC, 30, observe, no_plan).verdict() is Verdict.OK
    assert host.time == BEGIN + 3


def test_a_port_that_goes_down_meanwhile_is_no_proof() -> None:
    """Its flows stay in the dump for a while, and say "hardware"."""

    def observe(host: Host) -> ObservedState:
        down = host.monotonic() >= BEGIN + 2
        return observed_from(patched(HOST, {"links": {"enp7s0f0r1": {"up": not down}}}))

    lines = FLOWS.split("\n")
    host = machine(lambda now: lines[min(int(now - BEGIN), 3)])
    report = verify(host, SPEC, 5, observe, no_plan)
    assert report.verdict(Layer.WIRED) is Verdict.FAILED
    assert report.verdict(Layer.OFFLOADED) is Verdict.UNKNOWN
    assert host.time == BEGIN + 5
    host = machine("")
    report = verify(host, SPEC, 3, observe, no_plan)
    assert report.verdict(Layer.WIRED) is Verdict.FAILED, "it looks once more before it ends"


def test_a_host_that_is_not_as_wanted_is_not_waited_for() -> None:
    blocked = Plan(blockers=(Blocker(SpecNic("cx6"), "no NIC has it", "eswitch show"),))
    host = machine("")
    report = verify(host, SPEC, 30, healthy, lambda _desired, _observed: blocked)
    assert report.verdict(Layer.CONFIGURED) is Verdict.FAILED
    assert host.time == BEGIN


def test_without_open_vswitch_nothing_is_asked_of_it() -> None:
    def observe(_host: Host) -> ObservedState:
        return observed_from(patched(HOST, {"ovs": {"status": "stopped", "bridges": []}}))

    host = machine("")
    report = verify(host, None, 30, observe, no_plan)
    assert report.verdict(Layer.WIRED) is Verdict.FAILED
    assert host.log == []


def test_without_a_spec_nothing_is_planned() -> None:
    def unwanted(_desired: DesiredState, _observed: ObservedState) -> Plan:
        raise AssertionError

    assert verify(machine(FLOWS), None, 30, healthy, unwanted).verdict() is Verdict.OK


def test_open_vswitch_that_dies_meanwhile_is_an_error() -> None:
    def gone(now: float) -> str:
        if now > BEGIN:
            raise HostError("ovs-appctl: cannot connect")
        return ""

    with pytest.raises(HostError):
        verify(machine(gone), SPEC, 5, healthy, no_plan)


def test_looks_are_a_second_apart_and_the_last_one_is_in_time() -> None:
    times = []

    def flows(now: float) -> str:
        times.append(now - BEGIN)
        return ""

    verify(machine(flows), SPEC, 2.5, healthy, no_plan)
    # At the end the host is looked at once more, and the flows with it.
    assert times == [0, 1, 2, 2.5, 2.5]


def test_the_host_is_read_again_only_where_that_can_tell_something() -> None:
    """Each observation takes a while: a sound host is read first and last."""
    read = []

    def observe(host: Host) -> ObservedState:
        read.append(host.monotonic() - BEGIN)
        return observed_from(HOST)

    verify(machine(""), SPEC, 3, observe, no_plan)
    # Once more when time is over, with a look of its own.
    assert read == [0, 3]
    read.clear()

    def no_carrier(host: Host) -> ObservedState:
        read.append(host.monotonic() - BEGIN)
        return observed_from(patched(HOST, {"links": {"enp7s0f0np0": {"carrier": False}}}))

    verify(machine(""), SPEC, 2, no_carrier, no_plan)
    assert read == [0, 1, 2]


def test_progress_is_told_with_the_time_that_is_left() -> None:
    seen = []
    verify(machine(FLOWS), SPEC, 9, healthy, no_plan, on_progress=lambda *told: seen.append(told))
    ((report, left),) = seen
    assert report.verdict() is Verdict.OK
    assert left == 9


def test_the_plan_is_made_of_what_was_seen_last() -> None:
    def observe(host: Host) -> ObservedState:
        carrier = host.monotonic() >= BEGIN + 2
        return observed_from(patched(HOST, {"links": {"enp7s0f0np0": {"carrier": carrier}}}))

    planned = []

    def plan(desired: DesiredState, observed: ObservedState) -> Plan:
        assert desired is SPEC
        link = observed.link("enp7s0f0np0")
        planned.append(link and link.carrier)
        return Plan()

    verify(machine(FLOWS), SPEC, 30, observe, plan)
    assert planned == [False, False, True]


@pytest.mark.parametrize("reason", [None, "no socket"])
def test_a_stopped_open_vswitch_ends_it_with_its_reason(reason: str | None) -> None:
    def observe(_host: Host) -> ObservedState:
        return observed_from(patched(HOST, {"ovs": {"status": "stopped", "reason": reason}}))

    host = machine("")
    report = verify(host, SPEC, 30, observe, no_plan)
    assert host.time == BEGIN
    (check,) = (check for check in report.checks if check.layer is Layer.WIRED)
    assert check.evidence == (reason or "stopped")


def test_the_counters_are_read_before_the_flows() -> None:
    """A packet in between then counts for the flows, not against them."""
    host = machine(FLOWS)
    verify(host, SPEC, 0, healthy, no_plan)
    assert [line.split(" ")[1] for line in host.log] == ["upcall/show", "-j", "dpctl/dump-flows"]
