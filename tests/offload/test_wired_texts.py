"""The second layer of `verify`, word for word: its hints are typed by people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hydrate import hydrate
from offload.merge_patch import observed_from, patched

from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.report import Check, Layer, Verdict
from eswitch.model.subject import SpecPort
from eswitch.model.unknown import Unknown
from eswitch.offload.datapath import Kind, Port, datapath
from eswitch.offload.sources.openvswitch import Running
from eswitch.offload.wanted import Missing, Wanted, wanted
from eswitch.offload.wired import fault, wired

FOLDER = Path(__file__).parent.parent / "cases" / "verify"
HOST = json.loads((FOLDER / "host.json").read_text())
SPEC = hydrate(DesiredState, json.loads((FOLDER / "no-traffic.json").read_text())["spec"])
ON = Running(on=True, evidence="offloaded flows : 1")
OFF = Running(on=False, evidence="no such line")
OVS = "Open vSwitch"
VF0, UPLINK = "enp7s0f0r0 (0000:07:00.0 VF 0)", "enp7s0f0np0 (0000:07:00.0 uplink)"
RESTART = "systemctl restart openvswitch-switch (the switch stands still for a moment)"
Answer = tuple[Verdict, str, str | None]


def host(**change: Any) -> ObservedState:
    return observed_from(patched(HOST, change))


def ovs(**config: str | None) -> dict[str, Any]:
    return {"other_config": {key.replace("_", "-"): value for key, value in config.items()}}


def checks(
    observed: ObservedState,
    ports: Wanted | None = None,
    running: Running = ON,
    desired: DesiredState | None = None,
) -> tuple[Check, ...]:
    found = wired(
        observed, wanted(None, observed) if ports is None else ports, running, desired=desired
    )
    assert {check.layer for check in found} == {Layer.WIRED}
    return found


def answers(found: tuple[Check, ...]) -> dict[tuple[str, str], Answer]:
    return {
        (str(each.subject), each.question): (each.verdict, each.evidence, each.hint)
        for each in found
    }


def ok(text: str) -> Answer:
    return (Verdict.OK, text, None)


def test_a_sound_host_in_full() -> None:
    bridge, up, tc = "is it a working port of vmbr2?", "is its link up?", "is hw-tc-offload on?"
    vf1 = "enp7s0f0r1 (0000:07:00.0 VF 1)"
    assert answers(checks(host())) == {
        (OVS, "does the running daemon offload flows?"): ok("offloaded flows : 1"),
        (UPLINK, bridge): ok("vmbr2, OpenFlow port 1"),
        (UPLINK, up): ok("up"),
        (UPLINK, tc): ok("on"),
        (UPLINK, "has it a carrier?"): ok("carrier"),
        (VF0, bridge): ok("vmbr2, OpenFlow port 2"),
        (VF0, up): ok("up"),
        (VF0, tc): ok("on"),
        (vf1, bridge): ok("vmbr2, OpenFlow port 3"),
        (vf1, up): ok("up"),
        (vf1, tc): ok("on"),
        ("enp7s0f0v1 (0000:07:00.0 VF 1)", "has it a carrier?"): ok("carrier"),
    }


@pytest.mark.parametrize(
    ("status", "reason", "text", "hint"),
    [
        ("stopped", None, "stopped", "systemctl start openvswitch-switch"),
        ("stopped", "no socket", "no socket", "systemctl start openvswitch-switch"),
        ("absent", None, "absent", "apt install openvswitch-switch"),
    ],
)
def test_open_vswitch_that_does_not_run(
    status: str, reason: str | None, text: str, hint: str
) -> None:
    observed = host(ovs={"status": status, "reason": reason})
    assert answers(checks(observed)) == {
        (OVS, "does it run?"): (Verdict.FAILED, text, hint),
    }


@pytest.mark.parametrize(
    ("running", "key", "answer"),
    [
        (OFF, "true", (Verdict.FAILED, "no such line; other_config:hw-offload is true", RESTART)),
        (
            OFF,
            "false",
            (
                Verdict.FAILED,
                "no such line; other_config:hw-offload is false",
                "ovs-vsctl set Open_vSwitch . other_config:hw-offload=true",
            ),
        ),
        (
            OFF,
            None,
            (
                Verdict.FAILED,
                "no such line; other_config:hw-offload is not set",
                "ovs-vsctl set Open_vSwitch . other_config:hw-offload=true",
            ),
        ),
        (Running(Unknown("no bridge"), "said"), "true", (Verdict.UNKNOWN, "said", None)),
    ],
)
def test_whether_the_daemon_offloads(running: Running, key: str | None, answer: Answer) -> None:
    observed = host(ovs=ovs(hw_offload=key))
    found = answers(checks(observed, running=running))
    assert found[OVS, "does the running daemon offload flows?"] == answer


POLICY = (OVS, "does its policy let flows into the NIC?")


@pytest.mark.parametrize(
    ("desired", "hint"),
    [
        (None, f"ovs-vsctl remove Open_vSwitch . other_config tc-policy, then {RESTART}"),
        (SPEC, f"eswitch apply, then {RESTART}"),
        (
            replace(SPEC, ovs=replace(SPEC.ovs, hw_offload=False)),
            f"ovs-vsctl remove Open_vSwitch . other_config tc-policy, then {RESTART}",
        ),
        (
            hydrate(
                DesiredState,
                {
                    **json.loads((FOLDER / "no-traffic.json").read_text())["spec"],
                    "ovs": {"tc_policy": "skip_hw"},
                },
            ),
            f"write another `tc_policy` into the spec and apply it, then {RESTART}",
        ),
    ],
)
def test_a_policy_that_forbids_hardware(desired: DesiredState | None, hint: str) -> None:
    found = answers(checks(host(ovs=ovs(tc_policy="skip_hw")), desired=desired))
    text = "other_config:tc-policy is skip_hw: nothing can be offloaded"
    assert found[POLICY] == (Verdict.FAILED, text, hint)
    for harmless in ("none", "skip_sw", None):
        assert POLICY not in answers(checks(host(ovs=ovs(tc_policy=harmless)), desired=desired))


PART = "is an e-switch part of a bridge?"


def test_nothing_to_look_at() -> None:
    text = "no uplink or representor of an e-switch is in an Open vSwitch bridge"
    hint = "eswitch init > eswitch.yaml writes a spec for this host"
    found = answers(checks(host(), ports=()))
    assert found == {("this host", PART): (Verdict.FAILED, text, hint)}
    text = "the spec puts no port of a NIC into a bridge"
    found = answers(checks(host(), ports=(), desired=SPEC))
    assert found == {("the spec", PART): (Verdict.FAILED, text, "name one under `bridges`")}


def test_a_host_without_a_nic_for_it() -> None:
    bare = replace(host(), nics=())
    found = answers(checks(bare, ports=(), desired=SPEC))
    text = (
        "no NIC of this host can be an e-switch now: this host: it has no network card on a PCI bus"
    )
    hint = "use a NIC with a programmable e-switch, such as a ConnectX-5 or later"
    assert found == {("this host", PART): (Verdict.FAILED, text, hint)}
    alien = host(nics={"enp7s0f0np0": {"driver": "e1000e"}, "enp8s0f0np0": {"driver": "e1000e"}})
    ((verdict, text, told),) = answers(checks(alien, ports=())).values()
    assert verdict is Verdict.FAILED
    assert text.startswith("no NIC of this host can be an e-switch now: 0000:07:00.0 (enp7s0f0np0)")
    assert "; 0000:08:00.0 (enp8s0f0np0): " in text
    assert told == "use a NIC with an e-switch, such as a ConnectX-5 or later"


def test_a_port_that_is_not_here() -> None:
    found = answers(checks(host(), ports=(("vmbr2", Missing(SpecPort("cx6", 0), "no VF 0")),)))
    assert found["cx6/0", "is it here?"] == (Verdict.FAILED, "no VF 0", "eswitch apply")


def bridge(name: str | None, **change: Any) -> Answer:
    observed = host(**change)
    ports = ((name, datapath(observed).port("enp7s0f0r0")),)
    question = f"is it a working port of {name or 'a bridge'}?"
    return answers(checks(observed, ports=ports))[VF0, question]


def with_port(**port: Any) -> dict[str, Any]:
    return {"ovs": {"bridges": {"vmbr2": {"ports": {"enp7s0f0r0": port}}}}}


def test_its_bridge() -> None:
    assert bridge(None) == bridge("vmbr2") == ok("vmbr2, OpenFlow port 2")
    elsewhere = (Verdict.FAILED, "it is in vmbr2", "eswitch apply")
    assert bridge("vmbr9") == elsewhere
    two = {"ovs": {"bridges": [*HOST["ovs"]["bridges"], {"name": "vmbr9", "ports": []}]}}
    assert bridge("vmbr9", **two) == elsewhere
    gone: dict[str, Any] = {"ovs": {"bridges": {"vmbr2": {"ports": {"enp7s0f0r0": None}}}}}
    nowhere = (Verdict.FAILED, "it is in no bridge", "eswitch apply")
    assert bridge("vmbr2", **gone) == bridge(None, **gone) == nowhere
    log = "see ovs-vswitchd.log"
    assert bridge("vmbr2", **with_port(error="no such device", ofport=-1)) == (
        Verdict.FAILED,
        "no such device",
        log,
    )
    assert bridge("vmbr2", **with_port(ofport=-1)) == (
        Verdict.FAILED,
        "OpenFlow port -1: ovs-vswitchd could not open it",
        log,
    )
    assert bridge("vmbr2", **with_port(ofport=None)) == (
        Verdict.UNKNOWN,
        "ovs-vswitchd has not numbered it yet",
        None,
    )


def link(name: str, question: str, **change: Any) -> Answer | None:
    observed = host(links={name.partition(" ")[0]: change or None})
    return answers(checks(observed)).get((name, question))


def test_what_keeps_flows_out_has_the_kind_that_flows_have() -> None:
    observed = host(ovs=ovs(tc_policy="skip_hw"), links={"enp7s0f0r0": {"hw_tc_offload": False}})
    kinds = {each.question: each.reason_kind for each in checks(observed) if each.reason_kind}
    assert kinds == {
        "does its policy let flows into the NIC?": "tc_policy",
        "is hw-tc-offload on?": "hw_tc_offload_off",
    }


def test_its_link() -> None:
    up, tc, carrier = "is its link up?", "is hw-tc-offload on?", "has it a carrier?"
    assert link(VF0, up) == (Verdict.UNKNOWN, "the link was not read", None)
    assert link(VF0, tc) is None
    assert link(VF0, up, up=False) == (Verdict.FAILED, "down", "ip link set enp7s0f0r0 up")
    assert link(VF0, tc, up=False) == ok("on")
    assert link(VF0, tc, hw_tc_offload=False) == (
        Verdict.FAILED,
        "off",
        "ethtool -K enp7s0f0r0 hw-tc-offload on",
    )
    assert link(VF0, tc, hw_tc_offload={"reason": "why"}) == (Verdict.UNKNOWN, "why", None)
    assert link(VF0, tc, hw_tc_offload=None) == (Verdict.UNKNOWN, "not asked", None)
    hint = "check cable, module and far end"
    assert link(UPLINK, carrier, carrier=False) == (Verdict.FAILED, "no carrier", hint)
    silent = (Verdict.UNKNOWN, "the kernel does not say", None)
    assert link(UPLINK, carrier, carrier=None) == silent
    assert link(UPLINK, carrier, up=False) is None
    assert link(VF0, carrier, carrier=False) is None


def test_the_carrier_of_a_vf_that_this_host_drives() -> None:
    vf, carrier = "enp7s0f0v1 (0000:07:00.0 VF 1)", "has it a carrier?"
    hint = "ip link set enp7s0f0r1 up"
    assert link(vf, carrier, carrier=False) == (Verdict.FAILED, "no carrier", hint)
    assert link(vf, carrier, up=False) is None
    assert link(vf, carrier) is None


def broken(name: str, /, as_kind: Kind = Kind.REPRESENTOR, **change: Any) -> str | None:
    return fault(Port(name, as_kind), host(**change))


def test_why_a_port_cannot_carry_anything_now() -> None:
    rep, wire = "enp7s0f0r0", "enp7s0f0np0"
    assert broken(rep) is broken(wire, Kind.UPLINK) is None
    down: dict[str, Any] = {"links": {rep: {"up": False}}}
    assert broken(rep, **down) == "its link is down"
    assert broken(rep, Kind.OUTSIDE, **down) is broken(rep, Kind.TUNNEL, **down) is None
    dark: dict[str, Any] = {"links": {rep: {"carrier": False}, wire: {"carrier": False}}}
    assert broken(wire, Kind.UPLINK, **dark) == "it has no carrier"
    assert broken(rep, **dark) is None
    assert broken(wire, Kind.UPLINK, links={wire: {"carrier": None}}) is None
    assert broken(rep, **with_port(error="no such device")) == "no such device"
    gone: dict[str, Any] = {"ovs": {"bridges": {"vmbr2": {"ports": {rep: None}}}}}
    assert broken(rep, **gone) == "it is in no bridge"
    assert broken(rep, **gone, links={rep: None}) == "it is in no bridge"
    assert broken(rep, **gone, links={rep: {"master": "vmbr9"}}) == "it is in no bridge"
    assert broken(rep, **gone, links={rep: {"master": "ovs-system"}}) is None
