"""A first spec of a host: it loads, says what is there, and would change next to nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hydrate import hydrate
from hypothesis import given, settings
from ruamel.yaml import YAML
from spec.spec_strategies import hosts

from eswitch.model.desired import DesiredState, MacPolicy, VfDriver
from eswitch.model.firmware import FirmwareState
from eswitch.model.identifiers import MacAddress, PciAddress, derived_mac
from eswitch.model.observed import (
    EswitchState,
    KernelState,
    LinkState,
    NicState,
    ObservedState,
    OvsBridge,
    OvsPort,
    OvsState,
    OvsStatus,
    RouteState,
    SriovState,
    VfState,
)
from eswitch.spec import load
from eswitch.spec.starter import starter
from eswitch.spec.writing import dump
from eswitch.stages import make_plan
from eswitch.topology.suitability import suitability

HOSTS = sorted((Path(__file__).parents[1] / "cases" / "plan").glob("*.yaml"))

PF, VF0, VF1, VF2 = (PciAddress(f"0000:07:00.{function}") for function in range(4))
UPLINK_MAC = MacAddress("08:c0:eb:32:98:11")

CX6 = NicState(
    pci=PF,
    driver="mlx5_core",
    netdev="enp7s0f0np0",
    mac=UPLINK_MAC,
    sriov=SriovState(total=16, count=3, autoprobe=True),
    eswitch=EswitchState("switchdev", "none", "basic"),
    vfs=(
        VfState(0, VF0, "mlx5_core", "v0", MacAddress("ba:dd:ad:de:ad:30"), "enp7s0f0r0"),
        VfState(
            1,
            VF1,
            "vfio-pci",
            None,
            MacAddress("ba:dd:ad:de:ad:31"),
            "enp7s0f0r1",
            users=("process 812 (kvm)",),
        ),
        VfState(2, VF2, None, None, MacAddress("00:00:00:00:00:00"), "enp7s0f0r2"),
    ),
)
IGB = NicState(PciAddress("0000:03:00.0"), "igb", "eno1", MacAddress("08:c0:eb:32:98:13"))


def _link(name: str, index: int, **others: Any) -> LinkState:
    return LinkState(name, index, None, up=True, carrier=True, mtu=1500, **others)


# Made by hand as the recipe says, without eswitch: no marks in Open vSwitch's database.
HAND_MADE = ObservedState(
    KernelState("6.14.8-2-pve", dict.fromkeys(("MLX5_ESWITCH", "MLX5_CLS_ACT"), "y")),
    (CX6, IGB),
    (
        _link("enp7s0f0np0", 2, hw_tc_offload=True),
        _link("enp7s0f0r0", 3, hw_tc_offload=True),
        _link("enp7s0f0r1", 4, hw_tc_offload=True),
        _link("enp7s0f0r2", 5, hw_tc_offload=True),
        _link("vmbr2", 6, addresses=("192.168.1.101/24", "2001:db8::5/64")),
    ),
    (RouteState(4, "192.168.1.1", "vmbr2"),),
    OvsState(
        OvsStatus.RUNNING,
        version="3.5.0",
        other_config={"hw-offload": "true", "max-idle": "30000"},
        bridges=(
            OvsBridge(
                "vmbr2",
                (
                    OvsPort("tap100i0", ofport=4),
                    OvsPort("enp7s0f0r1", tag=20, ofport=3),
                    OvsPort("enp7s0f0np0", ofport=1),
                    OvsPort("enp7s0f0r0", ofport=2),
                    OvsPort("vmbr2", ofport=65534),
                ),
            ),
        ),
    ),
    session_addresses=("192.168.1.101",),
)


def _written(observed: ObservedState) -> tuple[str, DesiredState]:
    text = starter(observed, {nic.pci: suitability(nic, observed) for nic in observed.nics})
    state = load(text.encode(), "starter.yaml")
    assert load(dump(state).encode(), "again") == state
    return text, state


def _observed(path: Path) -> ObservedState:
    observed = hydrate(ObservedState, YAML(typ="safe").load(path)["observed"])
    assert isinstance(observed, ObservedState)
    return observed


def test_a_host_made_by_hand_is_read_back() -> None:
    text, state = _written(HAND_MADE)
    (nic,), (bridge,) = state.nics, state.bridges
    assert nic.match.mac == UPLINK_MAC
    assert [vf.mac_policy for vf in nic.vfs] == [
        MacPolicy.FIXED,
        MacPolicy.FIXED,
        MacPolicy.UNMANAGED,
    ]
    assert [vf.mac for vf in nic.vfs] == ["ba:dd:ad:de:ad:30", "ba:dd:ad:de:ad:31", None]
    assert [vf.driver for vf in nic.vfs] == [VfDriver.HOST, VfDriver.NONE, VfDriver.NONE]
    assert [vf.vlan for vf in nic.vfs] == [None, 20, None]
    assert [str(port) for port in bridge.ports] == [
        "enp7s0f0np0/uplink",
        "enp7s0f0np0/0",
        "enp7s0f0np0/1",
    ]
    assert [str(address) for address in bridge.addresses] == ["192.168.1.101/24", "2001:db8::5/64"]
    assert [str(gateway) for gateway in bridge.gateways] == ["192.168.1.1"]
    assert state.ovs.max_idle == 30000
    for fact in (
        "0000:07:00.0, enp7s0f0np0, driver mlx5_core",
        "3 now, at most 16",
        "in use by process 812 (kvm)",
        "other ports, not in this spec: tap100i0",
        "0000:03:00.0, eno1: driven by igb (Intel 82576/I350): legacy SR-IOV only",
        "your own session comes in through here",
    ):
        assert f"# {fact}" in text.replace("#   ", "# "), fact


def test_planning_it_on_the_same_host_changes_nothing() -> None:
    _, state = _written(HAND_MADE)
    plan = make_plan(state, HAND_MADE)
    assert [blocker for blocker in plan.blockers if "kernel" not in blocker.message] == []
    assert plan.disturbing == ()
    # What eswitch notes for itself about a bridge it did not make is all that is left.
    assert {step.attribute for step in plan.steps} <= {"remembered addresses"}


def _is_dpu(nic: NicState) -> bool:
    return isinstance(nic.firmware, FirmwareState) and nic.firmware.is_dpu


@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.stem)
def test_a_spec_of_every_host_among_the_cases_loads(path: Path) -> None:
    observed = _observed(path)
    text, state = _written(observed)
    for nic in observed.nics:
        assert nic.pci in text
        if nic.driver == "mlx5_core" and nic.sriov and nic.sriov.total and not _is_dpu(nic):
            assert [n for n in state.nics if nic.mac == n.match.mac or nic.pci == n.match.pci]


@pytest.mark.parametrize("name", ["nothing-to-do", "address-changed", "vlan-changed"])
def test_a_host_that_eswitch_made_is_as_wanted(name: str) -> None:
    observed = _observed(HOSTS[0].with_name(f"{name}.yaml"))
    _, state = _written(observed)
    plan = make_plan(state, observed)
    assert not plan.steps
    assert not plan.blockers


def test_marks_of_eswitch_tell_whose_a_renamed_port_was() -> None:
    _, state = _written(_observed(HOSTS[0].with_name("renamed-representor.yaml")))
    assert "enp7s0f0np0/0" in [str(port) for port in state.bridges[0].ports]


def test_a_nic_without_vfs_gets_a_few() -> None:
    for total, proposed in ((16, 2), (1, 1)):
        nic = replace(CX6, vfs=(), sriov=SriovState(total, 0, autoprobe=True))
        _, state = _written(replace(HAND_MADE, nics=(nic,), ovs=OvsState(OvsStatus.ABSENT)))
        assert len(state.nics[0].vfs) == proposed


def test_the_proposed_bridge_loads_once_it_is_no_comment() -> None:
    nic = replace(CX6, vfs=(), sriov=SriovState(16, 0, autoprobe=True))
    host = replace(
        HAND_MADE,
        nics=(nic,),
        ovs=OvsState(OvsStatus.RUNNING),
        links=(_link("enp7s0f0np0", 2, addresses=("10.0.0.5/24", "2001:db8::5/64")),),
        routes=(RouteState(4, "10.0.0.1", "enp7s0f0np0"),),
    )
    text, state = _written(host)
    assert state.bridges == ()
    head, mark, proposal = text.partition("# bridges:\n")
    assert mark
    bridge = load((head + re.sub(r"(?m)^# ?", "", mark + proposal)).encode(), "s").bridges[0]
    assert str(bridge.ports[0]) == "enp7s0f0np0/uplink"
    assert [str(address) for address in bridge.addresses] == ["10.0.0.5/24", "2001:db8::5/64"]
    assert [str(gateway) for gateway in bridge.gateways] == ["10.0.0.1"]


def test_a_host_without_an_eswitch_gets_an_explanation_and_an_example() -> None:
    text, state = _written(replace(HAND_MADE, nics=(IGB,)))
    assert state == DesiredState()
    assert "No NIC of this host can be an e-switch" in text
    example = text.partition("# nics:\n")
    commented = example[1] + example[2].partition("\n\n")[0]
    shown = load(("version: 1\n" + re.sub(r"(?m)^# ?", "", commented)).encode(), "s")
    assert shown.nics[0].match.mac == UPLINK_MAC
    assert shown.bridges[0].name == "vmbr2"


def test_derived_macs_are_not_written_out() -> None:
    vfs = tuple(replace(vf, mac=derived_mac(UPLINK_MAC, vf.index), driver=None) for vf in CX6.vfs)
    text, state = _written(
        replace(HAND_MADE, nics=(replace(CX6, vfs=vfs),), ovs=OvsState(OvsStatus.ABSENT))
    )
    assert {vf.mac_policy for vf in state.nics[0].vfs} == {MacPolicy.DERIVED}
    assert str(derived_mac(UPLINK_MAC, 0)) not in text


def test_pfs_that_share_a_mac_are_matched_by_pci() -> None:
    twin = replace(CX6, pci=PciAddress("0000:08:00.0"), netdev="enp8s0f0np0", vfs=())
    _, state = _written(replace(HAND_MADE, nics=(CX6, twin)))
    assert [nic.match.pci for nic in state.nics] == [PF, "0000:08:00.0"]
    assert [nic.match.mac for nic in state.nics] == [None, None]


def test_what_a_spec_cannot_say_is_said_in_a_comment() -> None:
    ports = (
        OvsPort("enp7s0f0np0", tag=7),
        OvsPort("enp7s0f0r0", trunks=(10, 20)),
        OvsPort("enp7s0f0r1", tag=0),
    )
    link = _link("vmbr2", 6, addresses=("192.168.1.0/24",))
    bridges = (OvsBridge("vmbr2", ports), OvsBridge("-odd", ()))
    ovs = OvsState(OvsStatus.RUNNING, bridges=bridges, other_config={"tc-policy": "odd"})
    routes = (RouteState(4, "172.16.0.1", "vmbr2"),)
    text, state = _written(replace(HAND_MADE, links=(link,), ovs=ovs, routes=routes))
    assert state.bridges[0].addresses == ()
    for fact in (
        "enp7s0f0np0 has tag 7: a spec cannot say that",
        "enp7s0f0r0 has trunks 10, 20: a spec cannot say that",
        "enp7s0f0r1 has tag 0: a spec cannot say that",
        "192.168.1.0/24 was left out",
        "the gateway 172.16.0.1 was left out",
        "the bridge -odd: a spec cannot have that name",
        "a setting of Open vSwitch was left out",
        "hw-offload is off now",
    ):
        assert fact in text


@given(hosts())
@settings(max_examples=60, deadline=None)
def test_a_spec_of_any_host_loads(observed: ObservedState) -> None:
    text, _ = _written(observed)
    for nic in observed.nics:
        assert nic.pci in text


def test_a_nic_that_only_lacks_another_kernel_is_in_the_spec_and_the_reason_beside_it() -> None:
    text, state = _written(_observed(HOSTS[0].with_name("stock-debian-13.yaml")))
    assert len(state.nics) == 1
    assert re.search(r"# .*cannot offload on mlx5_core: it was built without CONFIG_", text)
    assert "boot a Proxmox kernel" in text
