"""How long `verify` looks, and when it stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hydrate import hydrate
from merge_patch import observed_from, patched
from offload_hosts import ScriptedHost

from eswitch.errors import HostError
from eswitch.model.desired import DesiredState
from eswitch.model.plan import Blocker, Plan
from eswitch.model.report import Layer, Verdict
from eswitch.offload.verify import verify

FOLDER = Path(__file__).parent.parent / "cases" / "verify"
HOST = json.loads((FOLDER / "host.json").read_text())
CASE = json.loads((FOLDER / "all-in-hardware.json").read_text())
SPEC = hydrate(DesiredState, CASE["spec"])
FLOWS = "\n".join(CASE["looks"][0]["flows"])
BEGIN = 1000.0


def scripted(flows):
    return ScriptedHost(
        {
            "ovs-appctl upcall/show": "system@ovs-system:\n  offloaded flows : 4\n",
            "ovs-appctl dpctl/dump-flows": flows,
            "ip -j stats": "[]",
        }
    )


def no_plan(_desired, _observed):
    return Plan()


def healthy(_host):
    return observed_from(HOST)


def test_proof_at_the_first_look_ends_at_once():
    host = scripted(FLOWS)
    report = verify(host, SPEC, 30, healthy, no_plan)
    assert report.verdict() is Verdict.OK
    assert host.clock == BEGIN


def test_without_traffic_it_waits_to_the_end_and_says_unknown():
    host = scripted("")
    seen = []
    report = verify(
        host, SPEC, 5, healthy, no_plan, on_progress=lambda *progress: seen.append(progress)
    )
    assert report.verdict() is Verdict.UNKNOWN
    assert host.clock == BEGIN + 5
    assert [left for _, left in seen] == [5, 4, 3, 2, 1, 0]
    assert seen[-1][0] == report


def test_without_time_it_looks_once():
    host = scripted("")
    assert verify(host, SPEC, 0, healthy, no_plan).verdict() is Verdict.UNKNOWN
    assert host.clock == BEGIN


def test_it_ends_when_the_last_direction_is_proven():
    lines = FLOWS.split("\n")
    # One flow a look, each gone at the next: what was seen is kept.
    host = scripted(lambda now: lines[min(int(now - BEGIN), 3)])
    report = verify(host, SPEC, 30, healthy, no_plan)
    assert report.verdict() is Verdict.OK
    assert host.clock == BEGIN + 3


def test_what_was_proven_too_long_ago_is_proven_no_more():
    """Each direction was seen once, the last one long after the first."""
    lines = FLOWS.split("\n")
    host = scripted(lambda now: lines[min(int(now - BEGIN), 2)] if now < BEGIN + 200 else lines[3])
    report = verify(host, SPEC, 230, healthy, no_plan)
    assert report.verdict(Layer.WIRED) is Verdict.OK
    assert report.verdict(Layer.OFFLOADED) is Verdict.UNKNOWN
    assert host.clock == BEGIN + 230


def test_software_does_not_end_the_wait():
    host = scripted(FLOWS.replace(", offloaded:yes", "", 1))
    report = verify(host, SPEC, 4, healthy, no_plan)
    assert report.verdict(Layer.OFFLOADED) is Verdict.FAILED
    assert host.clock == BEGIN + 4


def test_a_carrier_that_comes_late_is_waited_for():
    def observe(host):
        carrier = host.clock >= BEGIN + 3
        return observed_from(patched(HOST, {"links": {"enp7s0f0np0": {"carrier": carrier}}}))

    host = scripted(FLOWS)
    assert verify(host, SPEC, 30, observe, no_plan).verdict() is Verdict.OK
    assert host.clock == BEGIN + 3


def test_a_port_that_goes_down_meanwhile_is_no_proof():
    """Its flows stay in the dump for a while, and say "hardware"."""

    def observe(host):
        down = host.clock >= BEGIN + 2
        return observed_from(patched(HOST, {"links": {"enp7s0f0r1": {"up": not down}}}))

    lines = FLOWS.split("\n")
    host = scripted(lambda now: lines[min(int(now - BEGIN), 3)])
    report = verify(host, SPEC, 5, observe, no_plan)
    assert report.verdict(Layer.WIRED) is Verdict.FAILED
    assert report.verdict(Layer.OFFLOADED) is Verdict.UNKNOWN
    assert host.clock == BEGIN + 5
    host = scripted("")
    report = verify(host, SPEC, 3, observe, no_plan)
    assert report.verdict(Layer.WIRED) is Verdict.FAILED, "it looks once more before it ends"


def test_a_host_that_is_not_as_wanted_is_not_waited_for():
    blocked = Plan(blockers=(Blocker("cx6", "no NIC has it", "eswitch show"),))
    host = scripted("")
    report = verify(host, SPEC, 30, healthy, lambda _desired, _observed: blocked)
    assert report.verdict(Layer.CONFIGURED) is Verdict.FAILED
    assert host.clock == BEGIN


def test_without_open_vswitch_nothing_is_asked_of_it():
    def observe(_host):
        return observed_from(patched(HOST, {"ovs": {"status": "stopped", "bridges": []}}))

    host = scripted("")
    report = verify(host, None, 30, observe, no_plan)
    assert report.verdict(Layer.WIRED) is Verdict.FAILED
    assert host.ran == []


def test_without_a_spec_nothing_is_planned():
    def unwanted(_desired, _observed):
        raise AssertionError

    assert verify(scripted(FLOWS), None, 30, healthy, unwanted).verdict() is Verdict.OK


def test_open_vswitch_that_dies_meanwhile_is_an_error():
    def gone(now):
        if now > BEGIN:
            raise HostError("ovs-appctl: cannot connect")
        return ""

    with pytest.raises(HostError):
        verify(scripted(gone), SPEC, 5, healthy, no_plan)


def test_looks_are_a_second_apart_and_the_last_one_is_in_time():
    times = []

    def flows(now):
        times.append(now - BEGIN)
        return ""

    verify(scripted(flows), SPEC, 2.5, healthy, no_plan)
    # At the end the host is looked at once more, and the flows with it.
    assert times == [0, 1, 2, 2.5, 2.5]


def test_the_host_is_read_again_only_where_that_can_tell_something():
    """Each observation takes a while: a sound host is read first and last."""
    read = []

    def observe(host):
        read.append(host.clock - BEGIN)
        return observed_from(HOST)

    verify(scripted(""), SPEC, 3, observe, no_plan)
    # Once more when time is over, with a look of its own.
    assert read == [0, 3]
    read.clear()

    def no_carrier(host):
        read.append(host.clock - BEGIN)
        return observed_from(patched(HOST, {"links": {"enp7s0f0np0": {"carrier": False}}}))

    verify(scripted(""), SPEC, 2, no_carrier, no_plan)
    assert read == [0, 1, 2]


def test_progress_is_told_with_the_time_that_is_left():
    seen = []
    verify(scripted(FLOWS), SPEC, 9, healthy, no_plan, on_progress=lambda *told: seen.append(told))
    ((report, left),) = seen
    assert report.verdict() is Verdict.OK
    assert left == 9


def test_the_plan_is_made_of_what_was_seen_last():
    def observe(host):
        carrier = host.clock >= BEGIN + 2
        return observed_from(patched(HOST, {"links": {"enp7s0f0np0": {"carrier": carrier}}}))

    planned = []

    def plan(desired, observed):
        assert desired is SPEC
        planned.append(observed.link("enp7s0f0np0").carrier)
        return Plan()

    verify(scripted(FLOWS), SPEC, 30, observe, plan)
    assert planned == [False, False, True]


@pytest.mark.parametrize("reason", [None, "no socket"])
def test_a_stopped_open_vswitch_ends_it_with_its_reason(reason):
    def observe(_host):
        return observed_from(patched(HOST, {"ovs": {"status": "stopped", "reason": reason}}))

    host = scripted("")
    report = verify(host, SPEC, 30, observe, no_plan)
    assert host.clock == BEGIN
    (check,) = (check for check in report.checks if check.layer is Layer.WIRED)
    assert check.evidence == (reason or "stopped")


def test_the_counters_are_read_before_the_flows():
    """A packet in between then counts for the flows, not against them."""
    host = scripted(FLOWS)
    verify(host, SPEC, 0, healthy, no_plan)
    assert [line.split(" ")[1] for line in host.ran] == ["upcall/show", "-j", "dpctl/dump-flows"]
