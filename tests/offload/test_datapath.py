"""Which port belongs to which e-switch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hydrate import hydrate
from offload.merge_patch import observed_from, patched

from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.offload.datapath import Kind, datapath
from eswitch.offload.wanted import Missing, wanted

FOLDER = Path(__file__).parent.parent / "cases" / "verify"
HOST = json.loads((FOLDER / "host.json").read_text())
SPEC = hydrate(DesiredState, json.loads((FOLDER / "no-traffic.json").read_text())["spec"])


def observed(**change: Any) -> ObservedState:
    return observed_from(patched(HOST, change))


def test_ports_by_kind() -> None:
    known = datapath(observed())
    kinds = {
        name: known.port(name).kind.value
        for name in ("enp7s0f0np0", "enp8s0f0r0", "vmbr2", "tap101i0", "vxlan_sys_4789", "12", "")
    }
    assert kinds == {
        "enp7s0f0np0": "uplink",
        "enp8s0f0r0": "representor",
        "vmbr2": "host",
        "tap101i0": "outside",
        "vxlan_sys_4789": "tunnel",
        "12": "unnamed",
        "": "unnamed",
    }
    assert known.port("enp7s0f0r1").subject == "enp7s0f0r1 (0000:07:00.0 VF 1)"
    assert [port.name for port in known.bridged] == ["enp7s0f0np0", "enp7s0f0r0", "enp7s0f0r1"]


def test_a_nic_in_legacy_mode_has_no_eswitch_ports() -> None:
    # phys_switch_id is there in legacy mode too and proves nothing (domain.md 1.6).
    vfs = [{"index": 0, "pci": "0000:07:00.1"}]
    legacy = observed(nics={"enp7s0f0np0": {"eswitch": {"mode": "legacy"}, "vfs": vfs}})
    assert datapath(legacy).port("enp7s0f0np0").kind is Kind.OUTSIDE
    found = dict(enumerate(port for _, port in wanted(SPEC, legacy)))
    assert found[0] == Missing("cx6/uplink", "enp7s0f0np0 is not in switchdev mode")
    assert found[1] == Missing("cx6/0", "VF 0 of 0000:07:00.0 has no representor")
    assert found[2] == Missing("cx6/1", "0000:07:00.0 has no VF 1")


def test_a_nic_without_mode_but_with_representors_is_an_eswitch() -> None:
    nfp = observed(nics={"enp7s0f0np0": {"eswitch": {"reason": "Operation not supported"}}})
    assert datapath(nfp).port("enp7s0f0np0").kind is Kind.UPLINK


def test_a_spec_that_matches_no_nic() -> None:
    absent = observed(nics={"enp7s0f0np0": {"mac": "02:00:00:00:00:99"}})
    assert all(isinstance(port, Missing) for _, port in wanted(SPEC, absent))


@pytest.mark.parametrize(
    ("second", "kind"), [("3298110003ebc008", Kind.UPLINK), ("4498110003ebc008", Kind.OUTSIDE)]
)
def test_a_bond_is_an_uplink_if_its_members_share_a_switch(second: str, kind: Kind) -> None:
    bond = {"name": "bond0", "index": 99, "up": True, "mtu": 1500, "kind": "bond"}
    members = {name: {"master": "bond0"} for name in ("enp7s0f0np0", "enp8s0f0np0")}
    links = [*patched(HOST["links"], members), bond]
    bonded = observed(links=links, nics={"enp8s0f0np0": {"switch_id": second}})
    assert datapath(bonded).port("bond0").kind is kind


def test_a_bond_without_members_is_nothing() -> None:
    links = [{"name": "bond0", "index": 99, "up": True, "mtu": 1500, "kind": "bond"}]
    assert datapath(observed(links=links)).port("bond0").kind is Kind.OUTSIDE


def test_the_uplinks_own_switch_id_serves_where_the_nic_shows_none() -> None:
    change = {
        "nics": {"enp7s0f0np0": {"switch_id": None}},
        "links": {"enp7s0f0np0": {"switch_id": "aa"}},
    }
    assert datapath(observed(**change)).port("enp7s0f0r0").switch == "aa"
    assert datapath(observed(nics=change["nics"])).port("enp7s0f0r0").switch == "pci 0000:07:00.0"
