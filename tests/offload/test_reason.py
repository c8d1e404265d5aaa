"""Every reason as a value: what makes it, its facts, and how it reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from offload.merge_patch import observed_from, patched

from eswitch.offload.datapath import datapath
from eswitch.offload.document import flows_document
from eswitch.offload.flow import parse_dump
from eswitch.offload.place import places
from eswitch.offload.reason import Fact, Reason, ReasonKind, because

HOST = json.loads((Path(__file__).parent.parent / "cases" / "verify" / "host.json").read_text())
UNICAST = "eth(dst=02:00:00:00:00:02)"
VF0, VF1 = "enp7s0f0r0", "enp7s0f0r1"
ONE_CARD = {"nics": {"enp8s0f0np0": {"switch_id": "3298110003ebc008"}}}
BOND = {"name": "bond0", "index": 99, "up": True, "mtu": 1500, "kind": "bond"}


def host(**config: str) -> dict[str, object]:
    return {"ovs": {"other_config": config}}


def kernel(**options: str) -> dict[str, object]:
    return {"kernel": {"release": "6.12", "options": options}}


def line(
    out: str, key: str = UNICAST, state: str = ", dp:tc", in_port: str = VF0, stage: str = "0"
) -> str:
    counts = f"packets:9, bytes:9, used:0.1s{state}, actions:{out}"
    return f"recirc_id({stage}),in_port({in_port}),{key}, {counts}"


IN_NIC = ", offloaded:yes, dp:tc"
Case = tuple[ReasonKind, list[str], dict[str, Any], dict[str, Fact], str, str | None]
CASES: list[Case] = [
    (
        ReasonKind.GROUP,
        [line(VF1, "eth(dst=ff:ff:ff:ff:ff:ff)")],
        {},
        {},
        "broadcast and multicast are copied by the CPU",
        None,
    ),
    (
        ReasonKind.FLOOD,
        [line(f"{VF1},enp7s0f0np0")],
        {},
        {},
        (
            "the bridge has not learned this address, or a mirror copies it: "
            "the CPU sends each packet to several ports"
        ),
        None,
    ),
    (
        ReasonKind.HOST,
        [line("vmbr2")],
        {},
        {"port": "vmbr2"},
        "vmbr2 is this host itself: such traffic always ends in the CPU",
        None,
    ),
    (
        ReasonKind.INTERNAL_PORT,
        [line("fwln101o0")],
        {"ovs": {"bridges": {"vmbr2": {"ports": [{"name": "fwln101o0", "type": "internal"}]}}}},
        {"port": "fwln101o0"},
        "fwln101o0 is an internal port: such traffic always ends in the CPU",
        None,
    ),
    (
        ReasonKind.OUTSIDE,
        [line("tap101i0")],
        {},
        {"ports": ("tap101i0",)},
        "tap101i0 is no port of an e-switch",
        None,
    ),
    (
        ReasonKind.OUTSIDE,
        [line("tap102i0", in_port="tap101i0")],
        {},
        {"ports": ("tap101i0", "tap102i0")},
        "tap101i0, tap102i0 are no ports of an e-switch",
        None,
    ),
    (
        ReasonKind.UNNAMED,
        [line("4")],
        {},
        {},
        "one of its ports has no name in the dump, so what it is is not known",
        None,
    ),
    (
        ReasonKind.NEIGHBOUR,
        [line(VF1, f"{UNICAST},eth_type(0x0806)")],
        {},
        {},
        "ARP or neighbour discovery: a few packets to find an address",
        None,
    ),
    (
        ReasonKind.SETUP,
        [line(VF1, "ct_state(+new)")],
        {},
        {},
        "first packets of a connection: hardware takes over once it is established",
        None,
    ),
    (
        ReasonKind.OTHER_SWITCH,
        [line("enp8s0f0r0")],
        {},
        {
            "output": "enp8s0f0r0",
            "output_switch": "4498110003ebc008",
            "input": VF0,
            "input_switch": "3298110003ebc008",
        },
        (
            "output enp8s0f0r0 is on another switch (4498110003ebc008) "
            "than input enp7s0f0r0 (3298110003ebc008)"
        ),
        None,
    ),
    (
        ReasonKind.OTHER_PF,
        [line("enp8s0f0np0")],
        ONE_CARD,
        {
            "output": "enp8s0f0np0",
            "output_pf": "0000:08:00.0",
            "input": VF0,
            "input_pf": "0000:07:00.0",
        },
        (
            "output enp8s0f0np0 is of another PF (0000:08:00.0) of the card than input enp7s0f0r0 "
            "(0000:07:00.0): without VF LAG each PF is an e-switch of its own"
        ),
        "connect ports of one PF, or bond the card's uplinks (VF LAG)",
    ),
    (
        ReasonKind.VF_OF_OTHER_PF,
        [line(VF0, in_port="enp8s0f0r0")],
        ONE_CARD,
        {
            "output": VF0,
            "output_pf": "0000:07:00.0",
            "input": "enp8s0f0r0",
            "input_pf": "0000:08:00.0",
        },
        (
            "output enp7s0f0r0 is of another PF (0000:07:00.0) of the card than input enp8s0f0r0 "
            "(0000:08:00.0): not every NIC forwards between their VFs"
        ),
        "connect ports of one PF",
    ),
    (
        ReasonKind.HW_OFFLOAD_OFF,
        [line(VF1)],
        host(**{"hw-offload": "false"}),
        {},
        "hw-offload is off in Open vSwitch",
        (
            "ovs-vsctl set Open_vSwitch . other_config:hw-offload=true, "
            "then systemctl restart openvswitch-switch (the switch stands still for a moment)"
        ),
    ),
    (
        ReasonKind.TC_POLICY,
        [line(VF1)],
        host(**{"tc-policy": "skip_hw"}),
        {},
        "tc-policy is skip_hw: Open vSwitch keeps flows out of the hardware",
        (
            "ovs-vsctl remove Open_vSwitch . other_config tc-policy, "
            "then systemctl restart openvswitch-switch (the switch stands still for a moment)"
        ),
    ),
    (
        ReasonKind.HW_TC_OFFLOAD_OFF,
        [line(VF1)],
        {"links": {VF0: {"hw_tc_offload": False}}},
        {"port": VF0},
        "hw-tc-offload is off on enp7s0f0r0",
        "ethtool -K enp7s0f0r0 hw-tc-offload on",
    ),
    (
        ReasonKind.KERNEL_OPTION,
        [line(VF1)],
        kernel(MLX5_CLS_ACT="n"),
        {"release": "6.12", "option": "MLX5_CLS_ACT"},
        "kernel 6.12 is built without CONFIG_MLX5_CLS_ACT",
        "boot a Proxmox kernel, or another one that has it",
    ),
    (
        ReasonKind.KERNEL_RECIRCULATION,
        [line("ct,recirc(0x7)", state=", dp:ovs")],
        kernel(NET_TC_SKB_EXT="n"),
        {"release": "6.12", "option": "NET_TC_SKB_EXT"},
        "it recirculates, and kernel 6.12 is built without CONFIG_NET_TC_SKB_EXT",
        "boot a Proxmox kernel, or another one that has it",
    ),
    (
        ReasonKind.STAGE_MISSING,
        [line(VF1, state=IN_NIC, stage="0x1f")],
        {},
        {"recirc_id": 31},
        "the flow that leads to recirc_id(0x1f) is not in the dump",
        None,
    ),
    (
        ReasonKind.STAGE_IN_SOFTWARE,
        [line(VF1, state=IN_NIC, stage="0x1f"), line("ct,recirc(0x1f)")],
        {},
        {"recirc_id": 31},
        "the flow that leads to recirc_id(0x1f) is not in hardware",
        None,
    ),
    (
        ReasonKind.USERSPACE_ACTION,
        [line("clone(userspace(pid=1)),enp7s0f0r1")],
        {},
        {},
        "its action userspace() sends each packet to ovs-vswitchd",
        None,
    ),
    (
        ReasonKind.REFUSED,
        [line(VF1)],
        {},
        {},
        "the NIC refused it; its reason is not known without tracing the kernel's extack messages",
        None,
    ),
    (
        ReasonKind.NOT_IN_TC,
        [line(VF1, state=", dp:ovs")],
        {},
        {},
        (
            "Open vSwitch did not bring it into TC; why is not known without its debug log, or it "
            "is older than hw-offload (`ovs-appctl revalidator/purge` makes all flows anew)"
        ),
        "`ovs-appctl revalidator/purge` makes all flows anew",
    ),
    (
        ReasonKind.USERSPACE_DATAPATH,
        [line(VF1, state=", offloaded:partial, dp:ovs")],
        {},
        {},
        "a userspace datapath handles it, wholly or in part",
        None,
    ),
    (
        ReasonKind.UNPLACED,
        [line(VF1, state="")],
        {},
        {},
        "the dump does not say where it runs",
        None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])
def test_reason(case: Case) -> None:
    kind, lines, change, facts, text, remedy = case
    observed = observed_from(patched(HOST, change))
    dump = parse_dump("\n".join(lines))
    assert not dump.unparsed
    found = places(dump.flows, datapath(observed), observed)
    reason = found[0].reason
    assert reason is not None
    assert reason.kind is kind
    assert dict(reason.facts) == facts
    assert (str(reason), reason.text, reason.remedy) == (text, text, remedy)
    assert reason == because(kind, **facts)
    assert len({reason, because(kind, **facts)}) == 1
    first = json.loads(json.dumps(flows_document(found)))["flows"][0]
    seen = {name: first[name] for name in ("reason", "reason_kind", "remedy")}
    assert seen == {"reason": text, "reason_kind": kind.value, "remedy": remedy}


def test_every_kind_has_a_case() -> None:
    assert {case[0] for case in CASES} == set(ReasonKind)


def test_the_kinds_are_what_programs_know_them_by() -> None:
    """These are in other people's scripts: a new one is fine, a renamed one is not."""
    assert [kind.value for kind in ReasonKind] == [kind.name.lower() for kind in ReasonKind]
    assert {type(kind.value) for kind in ReasonKind} == {str}


@pytest.mark.parametrize("facts", [(), (("prot", "a"),), (("port", "a"), ("ports", "b"))])
def test_a_reason_without_its_facts_cannot_be_made(facts: tuple[tuple[str, Fact], ...]) -> None:
    with pytest.raises(ValueError, match="host is about \\['port'\\], not"):
        Reason(ReasonKind.HOST, facts)


def test_what_a_port_is_called_is_never_read_as_a_template() -> None:
    assert because(ReasonKind.HOST, port="{kind}").text.startswith("{kind} is this host itself")


def test_what_comes_first_decides() -> None:
    """What the traffic is comes before how the host is set up, and that before the flow."""
    off = {"hw-offload": "false", "tc-policy": "skip_hw"}
    change = {
        **host(**off),
        "links": {VF0: {"hw_tc_offload": False}},
        **kernel(MLX5_CLS_ACT="n", NET_TC_SKB_EXT="n"),
    }

    def kind(out: str, state: str = ", dp:ovs") -> ReasonKind:
        observed = observed_from(patched(HOST, change))
        dump = parse_dump(line(out, state=state))
        (found,) = places(dump.flows, datapath(observed), observed)
        assert found.reason is not None
        return found.reason.kind

    recirculating = "userspace(pid=1),recirc(0x7)"
    assert kind("vmbr2") is ReasonKind.HOST
    assert kind(recirculating) is ReasonKind.HW_OFFLOAD_OFF
    off["hw-offload"] = "true"
    change |= host(**off)
    assert kind(recirculating) is ReasonKind.TC_POLICY
    change |= host(**{"tc-policy": "none"})
    assert kind(recirculating) is ReasonKind.HW_TC_OFFLOAD_OFF
    del change["links"]
    assert kind(recirculating) is ReasonKind.KERNEL_OPTION
    change |= kernel(NET_TC_SKB_EXT="n")
    assert kind(recirculating) is ReasonKind.KERNEL_RECIRCULATION
    assert kind(recirculating, ", dp:tc") is ReasonKind.USERSPACE_ACTION
    change |= kernel(NET_TC_SKB_EXT="y")
    assert kind(recirculating) is ReasonKind.USERSPACE_ACTION


def test_hw_offload_that_is_not_set_is_off() -> None:
    observed = observed_from(patched(HOST, {"ovs": {"other_config": {"hw-offload": None}}}))
    (found,) = places(parse_dump(line(VF1)).flows, datapath(observed), observed)
    assert found.reason == because(ReasonKind.HW_OFFLOAD_OFF)


@pytest.mark.parametrize(
    ("in_port", "out", "fact"),
    [("enp8s0f0r0", "bond0", "output_pf"), ("bond0", "enp8s0f0r0", "input_pf")],
)
def test_a_bond_has_no_address_and_is_named_by_itself(in_port: str, out: str, fact: str) -> None:
    links = [*patched(HOST["links"], {"enp7s0f0np0": {"master": "bond0"}}), BOND]
    observed = observed_from(patched(HOST, {**ONE_CARD, "links": links}))
    dump = parse_dump(line(out, in_port=in_port))
    (found,) = places(dump.flows, datapath(observed), observed)
    assert found.reason is not None
    assert found.reason.kind is ReasonKind.OTHER_PF
    assert dict(found.reason.facts)[fact] == "bond0"
