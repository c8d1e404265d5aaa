"""What is asked of the host, and what each of its answers means."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from fake_host import Answer, scripted

from eswitch.errors import CommandFailed, HostError, NotFound, TimedOut
from eswitch.host import Result
from eswitch.model.unknown import Unknown
from eswitch.offload.flow import Dump
from eswitch.offload.sources.counters import CpuHits, read_cpu_hits
from eswitch.offload.sources.openvswitch import read_flows, read_running

FLOW = "in_port(a), packets:1, bytes:60, used:0.1s, offloaded:yes, dp:tc, actions:b"
DUMP = "ovs-appctl dpctl/dump-flows"
SHOW = "ovs-appctl upcall/show"
OFFLOAD = "ovs-appctl dpif/offload/show"
HITS = "ip -j stats show group offload subgroup cpu_hit"
SERVER = "ovs-appctl: ovs-vswitchd: server returned an error"
NOT_A_COMMAND = Result(
    2, "", '"dpif/offload/show" is not a valid command (use "list-commands" to see a list)'
)


def failed(stderr: str) -> Result:
    return Result(2, "", stderr)


def test_flows_are_read_with_masks_and_names() -> None:
    host = scripted({DUMP: FLOW})
    assert len(read_flows(host).flows) == 1
    assert host.log == ["ovs-appctl dpctl/dump-flows -m --names"]


def test_a_stopped_open_vswitch_is_named_with_the_way_out() -> None:
    pidfile = 'cannot read pidfile "/var/run/openvswitch/ovs-vswitchd.pid" (No such file)'
    for stderr in (f"ovs-appctl: {pidfile}", "ovs-appctl: cannot connect to ovs-vswitchd.1.ctl"):
        with pytest.raises(HostError, match="not running") as caught:
            read_flows(scripted({DUMP: failed(stderr)}))
        assert caught.value.hint == "systemctl start openvswitch-switch"


def test_a_missing_open_vswitch_is_another_sentence() -> None:
    with pytest.raises(NotFound, match="not installed") as caught:
        read_flows(scripted({DUMP: NotFound("ovs-appctl: no such program")}))
    assert caught.value.hint == "apt install openvswitch-switch"


def test_no_datapath_has_no_flows() -> None:
    answer = failed(f"ovs-vswitchd: no datapaths exist\n{SERVER}")
    assert read_flows(scripted({DUMP: answer})) == Dump()


def test_of_several_datapaths_the_kernels_is_read() -> None:
    several = failed(f"ovs-vswitchd: multiple datapaths, specify one\n{SERVER}")
    host = scripted({DUMP: several, f"{DUMP} -m --names system@ovs-system": FLOW})
    assert len(read_flows(host).flows) == 1


def test_other_troubles_are_passed_on() -> None:
    with pytest.raises(CommandFailed, match="server returned"):
        read_flows(scripted({DUMP: failed(SERVER)}))
    with pytest.raises(TimedOut):
        read_flows(scripted({DUMP: TimedOut("30 s")}))


UPCALL = """system@ovs-system:
  flows         : (current 34) (avg 30) (max 61) (limit 200000)
{line}  dump duration : 1ms
  ufid enabled : true

  13: (keys 12)
"""
WITH = UPCALL.format(line="  offloaded flows : 0\n")
WITHOUT = UPCALL.format(line="")


@pytest.mark.parametrize(
    ("show", "offload", "on"),
    [
        (WITH, NOT_A_COMMAND, True),  # up to 3.6, on: the line is there even with 0 flows
        (WITHOUT, NOT_A_COMMAND, False),  # up to 3.6, off
        (WITHOUT, "Globally enabled: true\nDatapaths:\nsystem@ovs-system:\n  tc\n", True),  # 3.7
        (WITHOUT, "Globally enabled: false\nDatapaths:\nsystem@ovs-system:\n", False),
        ("", NOT_A_COMMAND, Unknown("no bridge yet")),
        (WITHOUT, "something new\n", Unknown("something new")),
        (WITHOUT, failed("ovs-appctl: broken"), Unknown("ovs-appctl: broken")),
    ],
)
def test_whether_the_daemon_offloads(show: Answer, offload: str, on: bool | Unknown) -> None:
    running = read_running(scripted({SHOW: show, OFFLOAD: offload}))
    assert running.on == on
    assert running.evidence


def test_cpu_hits_come_from_the_kernels_counter() -> None:
    counters = {"packets": 7, "bytes": 1, "errors": 0}
    rows = [
        {"ifindex": 1, "ifname": "lo", "group": "offload", "subgroup": "cpu_hit"},
        {
            "ifindex": 9,
            "ifname": "enp1s0r0",
            "group": "offload",
            "subgroup": "cpu_hit",
            "stats64": {"rx": counters, "tx": {**counters, "packets": 3}},
        },
        {"ifname": "odd", "stats64": {"rx": {}}},
        "odd",
    ]
    hits = read_cpu_hits(scripted({HITS: json.dumps(rows)}))
    assert hits == {"enp1s0r0": CpuHits(received=7, sent=3)}


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "not JSON",
        "{}",
        failed('Object "stats" is unknown, try "ip help".'),  # iproute2 before 5.19
        NotFound("ip: no such program"),
    ],
)
def test_cpu_hits_are_optional(answer: Answer) -> None:
    assert read_cpu_hits(scripted({HITS: answer})) == {}


@pytest.mark.parametrize(
    ("show", "offload", "evidence"),
    [
        (WITH, NOT_A_COMMAND, "upcall/show: offloaded flows : 0"),
        (WITHOUT, NOT_A_COMMAND, "upcall/show has no line `offloaded flows`"),
        (
            WITHOUT,
            "Globally  enabled: true\nGlobally enabled:  true\n",
            "dpif/offload/show: Globally enabled: true",
        ),
        ("", NOT_A_COMMAND, "upcall/show: no datapath"),
        (WITHOUT, "first\nlast\n", "dpif/offload/show: last"),
        (WITHOUT, "Globally enabled: maybe\n", "dpif/offload/show: Globally enabled: maybe"),
        (WITHOUT, "", "dpif/offload/show: no output"),
        (WITHOUT, Result(1, "said", "told\n"), "dpif/offload/show: told"),
    ],
)
def test_the_evidence_is_what_the_daemon_said(show: str, offload: Answer, evidence: str) -> None:
    assert read_running(scripted({SHOW: show, OFFLOAD: offload})).evidence == evidence


def test_it_is_asked_for_what_it_says() -> None:
    host = scripted({SHOW: WITHOUT, OFFLOAD: NOT_A_COMMAND})
    read_running(host)
    assert host.log == [SHOW, OFFLOAD]
    host = scripted({SHOW: WITH})
    read_running(host)
    assert host.log == [SHOW]


def test_no_bridge_is_no_answer_but_a_daemon_that_answers_is_one() -> None:
    running = read_running(scripted({SHOW: "", OFFLOAD: "Globally enabled: true\n"}))
    assert running.on is True


def test_a_dump_that_hangs_is_waited_for_as_long_as_a_big_one_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = scripted({DUMP: FLOW, SHOW: WITHOUT, OFFLOAD: NOT_A_COMMAND})
    run, timeouts = host.run, []

    def timed(
        argv: Sequence[str], *, timeout: float = 0.0, ok: Sequence[int] | None = (0,)
    ) -> Result:
        timeouts.append(timeout)
        return run(argv, timeout=timeout, ok=ok)

    monkeypatch.setattr(host, "run", timed)
    read_flows(host)
    read_running(host)
    assert timeouts == [30.0, 30.0, 30.0]


@pytest.mark.parametrize("row", [{"stats64": {"rx": {"packets": 1}}}, {"stats64": 1}, {}])
def test_rows_without_both_counters_are_left_out(row: dict[str, object]) -> None:
    good = {"ifname": "b", "stats64": {"rx": {"packets": 1}, "tx": {"packets": 2}}}
    rows = [{"ifname": "a", **row}, good]
    assert read_cpu_hits(scripted({HITS: json.dumps(rows)})) == {"b": CpuHits(1, 2)}


def test_an_answer_with_a_bad_status_is_none() -> None:
    good = {"ifname": "b", "stats64": {"rx": {"packets": 1}, "tx": {"packets": 2}}}
    assert read_cpu_hits(scripted({HITS: Result(1, json.dumps([good]), "")})) == {}


def test_another_trouble_is_not_asked_again() -> None:
    host = scripted({DUMP: failed(SERVER)})
    with pytest.raises(CommandFailed):
        read_flows(host)
    assert host.log == [f"{DUMP} -m --names"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (NotFound("ovs-appctl: no such program"), "Open vSwitch is not installed"),
        (failed("cannot read pidfile"), "Open vSwitch is not running"),
    ],
)
def test_what_is_said_where_nobody_answers(answer: Answer, message: str) -> None:
    for read in (read_flows, read_running):
        with pytest.raises(HostError) as caught:
            read(scripted({"ovs-appctl": answer}))
        assert caught.value.message == message
