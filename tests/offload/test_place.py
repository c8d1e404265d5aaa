"""Reasons are facts: each of them follows from what was observed, or says that it is not known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from offload.merge_patch import observed_from, patched

from eswitch.offload.datapath import datapath
from eswitch.offload.flow import Placement, parse_dump
from eswitch.offload.nature import Nature
from eswitch.offload.place import Place, places
from eswitch.offload.reason import ReasonKind, because

FOLDER = Path(__file__).parent.parent / "cases" / "verify"
HOST = json.loads((FOLDER / "host.json").read_text())
UNICAST = "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)"


def place(
    actions: str,
    *,
    in_port: str = "enp7s0f0r0",
    key: str = UNICAST,
    state: str = ", dp:tc",
    **change: Any,
) -> Place:
    observed = observed_from(patched(HOST, change))
    line = f"recirc_id(0),in_port({in_port}),{key}, packets:9, bytes:9, used:0.1s{state}, "
    dump = parse_dump(line + f"actions:{actions}")
    (found,) = places(dump.flows, datapath(observed), observed)
    return found


@pytest.mark.parametrize(
    ("key", "nature"),
    [
        ("eth(dst=01:00:5e:00:00:01)", Nature.GROUP),
        ("eth(dst=01:00:00:00:00:00/01:00:00:00:00:00)", Nature.GROUP),
        ("eth(dst=01:00:00:00:00:00/fe:00:00:00:00:00)", Nature.ESWITCH),
        ("eth(dst=02:00:00:00:00:01)", Nature.ESWITCH),
        ("eth_type(0x0806),arp(op=2)", Nature.NEIGHBOUR),
        ("eth_type(0x8100),vlan(vid=5),encap(eth_type(0x0806))", Nature.NEIGHBOUR),
        ("eth_type(0x86dd),ipv6(proto=58),icmpv6(type=135,code=0)", Nature.NEIGHBOUR),
        ("eth_type(0x86dd),ipv6(proto=58),icmpv6(type=128,code=0)", Nature.ESWITCH),
        ("ct_state(0x21/0x23)", Nature.SETUP),
        ("ct_state(0x21/0x22)", Nature.ESWITCH),  # new is not matched on
        ("ct_state(+new-est+trk)", Nature.SETUP),
        ("ct_state(-new+est+trk)", Nature.ESWITCH),
        ("ct_state(0x22/0x23)", Nature.ESWITCH),
        ("", Nature.ESWITCH),
    ],
)
def test_nature_of_a_key(key: str, nature: Nature) -> None:
    assert place("enp7s0f0r1", key=key).nature is nature


@pytest.mark.parametrize(
    ("actions", "nature"),
    [
        ("enp7s0f0r1", Nature.ESWITCH),
        ("vmbr2", Nature.HOST),
        ("enp7s0f0r1,enp7s0f0np0", Nature.FLOOD),
        ("enp7s0f0np0,enp7s0f0r1,vmbr2,tap101i0", Nature.FLOOD),
        ("enp7s0f0r1,vmbr2", Nature.FLOOD),
        ("vmbr2,tap101i0", Nature.HOST),
        ("enp7s0f0r1,tap101i0", Nature.OUTSIDE),
        ("enp8s0f0r0", Nature.OTHER_SWITCH),
        ("vxlan_sys_4789", Nature.ESWITCH),
        ("drop", Nature.DROP),
        ("4", Nature.UNNAMED),
        ("ct(commit,zone=5),enp7s0f0r1", Nature.SETUP),
        ("ct(zone=5),recirc(0x7)", Nature.ESWITCH),
        ("userspace(pid=1,controller(reason=1))", Nature.ESWITCH),
    ],
)
def test_nature_of_actions(actions: str, nature: Nature) -> None:
    assert place(actions).nature is nature


@pytest.mark.parametrize(
    ("actions", "change", "reason"),
    [
        ("enp7s0f0r1", {}, "the NIC refused it; its reason is not known"),
        ("vmbr2", {}, "vmbr2 is this host itself: such traffic always ends in the CPU"),
        ("tap101i0", {}, "tap101i0 is no port of an e-switch"),
        ("enp8s0f0r0", {}, "output enp8s0f0r0 is on another switch (4498110003ebc008) than input"),
        ("4", {}, "one of its ports has no name"),
        ("userspace(pid=1)", {}, "its action userspace() sends each packet to ovs-vswitchd"),
        ("clone(userspace(pid=1)),enp7s0f0r1", {}, "its action userspace()"),
        ("enp7s0f0r1", {"ovs": {"other_config": {"hw-offload": "false"}}}, "hw-offload is off"),
        ("enp7s0f0r1", {"ovs": {"other_config": {"tc-policy": "skip_hw"}}}, "tc-policy is skip_hw"),
        (
            "enp7s0f0r1",
            {"links": {"enp7s0f0r0": {"hw_tc_offload": False}}},
            "hw-tc-offload is off on enp7s0f0r0",
        ),
        ("enp7s0f0r1", {"links": {"enp7s0f0r1": {"hw_tc_offload": False}}}, "the NIC refused it"),
        (
            "enp7s0f0r1",
            {"kernel": {"release": "6.12", "options": {"MLX5_CLS_ACT": "n"}}},
            "kernel 6.12 is built without CONFIG_MLX5_CLS_ACT",
        ),
        ("enp7s0f0r1", {"kernel": {"options": {"reason": "no file"}}}, "the NIC refused it"),
    ],
)
def test_reason(actions: str, change: Any, reason: str) -> None:
    found = place(actions, **change)
    assert found.placement is Placement.TC_SOFTWARE
    assert str(found.reason).startswith(reason)


ONE_CARD = {"enp8s0f0np0": {"switch_id": "3298110003ebc008"}}
BOND = {"name": "bond0", "index": 99, "up": True, "mtu": 1500, "kind": "bond"}


@pytest.mark.parametrize(
    ("in_port", "out", "why"),
    [
        ("enp7s0f0r0", "enp8s0f0np0", "without VF LAG each PF is an e-switch of its own"),
        ("enp8s0f0np0", "enp7s0f0r0", "without VF LAG each PF is an e-switch of its own"),
        ("enp7s0f0np0", "enp8s0f0np0", "without VF LAG each PF is an e-switch of its own"),
        ("enp7s0f0r0", "enp8s0f0r0", "not every NIC forwards between their VFs"),
    ],
)
def test_two_pfs_of_a_card_are_two_switches_although_they_show_one_id(
    in_port: str, out: str, why: str
) -> None:
    found = place(out, in_port=in_port, nics=ONE_CARD)
    assert found.nature is Nature.OTHER_SWITCH
    assert found.counts
    assert str(found.reason).startswith(f"output {out} is of another PF (0000:")
    assert str(found.reason).endswith(why)
    assert place(out, in_port=in_port, nics=ONE_CARD, state=", offloaded:yes, dp:tc").reason is None


@pytest.mark.parametrize("out", ["bond0", "enp8s0f0r0"])
def test_with_a_bond_they_are_one(out: str) -> None:
    members = {name: {"master": "bond0"} for name in ("enp7s0f0np0", "enp8s0f0np0")}
    links = [*patched(HOST["links"], members), BOND]
    found = place(out, nics=ONE_CARD, links=links)
    assert found.nature is Nature.ESWITCH
    assert str(found.reason).startswith("the NIC refused it")


FLOODED = "enp7s0f0np0,enp7s0f0r1,vmbr2"


def test_a_flood_is_the_bridges_doing_and_not_the_nics() -> None:
    assert str(place(FLOODED).reason) == (
        "the bridge has not learned this address, or a mirror copies it: "
        "the CPU sends each packet to several ports"
    )
    assert not place(FLOODED).counts
    assert place(FLOODED, state=", offloaded:yes, dp:tc").counts


@pytest.mark.parametrize(
    ("key", "in_port", "nature"),
    [
        ("eth(dst=ff:ff:ff:ff:ff:ff),eth_type(0x0800)", "enp7s0f0r0", Nature.GROUP),
        (f"{UNICAST},eth_type(0x0806)", "enp7s0f0r0", Nature.HOST),
        (f"{UNICAST},eth_type(0x0800)", "vxlan_sys_4789", Nature.FLOOD),
        # Learned or not, the CPU has to send these.
        (f"{UNICAST},eth_type(0x0800)", "vmbr2", Nature.HOST),
        (f"{UNICAST},eth_type(0x0800)", "tap101i0", Nature.HOST),
    ],
)
def test_what_else_goes_to_several_ports(key: str, in_port: str, nature: Nature) -> None:
    assert place(FLOODED, key=key, in_port=in_port).nature is nature


def test_an_internal_port_is_not_the_host_itself() -> None:
    ports = [{"name": "vmbr2", "type": "internal"}, {"name": "fwln101o0", "type": "internal"}]
    found = place("fwln101o0", ovs={"bridges": {"vmbr2": {"ports": ports}}})
    assert str(found.reason) == "fwln101o0 is an internal port: such traffic always ends in the CPU"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (", offloaded:yes, dp:tc", None),
        (", dp:ovs", "Open vSwitch did not bring it into TC"),
        (", offloaded:partial, dp:ovs", "a userspace datapath handles it"),
        ("", "the dump does not say where it runs"),
    ],
)
def test_reason_by_placement(state: str, reason: str | None) -> None:
    found = place("enp7s0f0r1", state=state)
    assert str(found.reason).startswith(str(reason))


def test_committing_again_is_no_setup() -> None:
    # OVN commits on established connections too, to change a mark.
    found = place("ct(commit,zone=5,mark=1),enp7s0f0r1", key="ct_state(0x22/0x23)")
    assert found.nature is Nature.ESWITCH


@pytest.mark.parametrize(
    ("actions", "option", "named"),
    [
        ("ct(zone=5),recirc(0x7)", "n", True),
        ("ct(zone=5),recirc(0x7)", "y", False),
        ("enp7s0f0r1", "n", False),  # it does not recirculate: something else is the matter
    ],
)
def test_a_kernel_that_cannot_recirculate_in_tc(actions: str, option: str, named: bool) -> None:
    kernel = {"release": "6.12", "options": {"NET_TC_SKB_EXT": option}}
    found = place(actions, state=", dp:ovs", kernel=kernel)
    assert ("kernel 6.12 is built without CONFIG_NET_TC_SKB_EXT" in str(found.reason)) == named


@pytest.mark.parametrize("others", [(", dp:tc", ", dp:ovs"), (", dp:ovs", ", dp:tc")])
def test_a_stage_counts_as_the_worst_that_leads_to_it(others: tuple[str, str]) -> None:
    lines = [
        f"recirc_id(0),in_port(enp7s0f0r0),eth(dst=02:00:00:00:00:0{number}), packets:1, bytes:1, "
        f"used:0.1s{state}, actions:ct,recirc(0x7)"
        for number, state in enumerate((", offloaded:yes, dp:tc", *others))
    ]
    last = "recirc_id(0x7),in_port(enp7s0f0r0), packets:1, bytes:1, used:0.1s, offloaded:yes, dp:tc"
    dump = parse_dump("\n".join([*lines, f"{last}, actions:enp7s0f0r1"]))
    observed = observed_from(HOST)
    *_, found = places(dump.flows, datapath(observed), observed)
    assert found.placement is Placement.KERNEL
    assert found.reason == because(ReasonKind.STAGE_IN_SOFTWARE, recirc_id=7)
