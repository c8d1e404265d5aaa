"""Which port belongs to which e-switch."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hydrate import hydrate
from offload.merge_patch import observed_from, patched

from eswitch.model.desired import DesiredState
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import ObservedState
from eswitch.model.subject import SpecPort
from eswitch.offload.datapath import Datapath, Kind, Port, datapath
from eswitch.offload.wanted import Missing, wanted

PF0, PF1 = PciAddress("0000:07:00.0"), PciAddress("0000:08:00.0")
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
    assert str(known.port("enp7s0f0r1").subject) == "enp7s0f0r1 (0000:07:00.0 VF 1)"
    assert [port.name for port in known.bridged] == ["enp7s0f0np0", "enp7s0f0r0", "enp7s0f0r1"]


def test_a_nic_in_legacy_mode_has_no_eswitch_ports() -> None:
    # phys_switch_id is there in legacy mode too and proves nothing (domain.md 1.6).
    vfs = [{"index": 0, "pci": "0000:07:00.1"}]
    legacy = observed(nics={"enp7s0f0np0": {"eswitch": {"mode": "legacy"}, "vfs": vfs}})
    assert datapath(legacy).port("enp7s0f0np0").kind is Kind.OUTSIDE
    found = dict(enumerate(port for _, port in wanted(SPEC, legacy)))
    assert found[0] == Missing(SpecPort("cx6"), "enp7s0f0np0 is not in switchdev mode")
    assert found[1] == Missing(SpecPort("cx6", 0), "VF 0 of 0000:07:00.0 has no representor")
    assert found[2] == Missing(SpecPort("cx6", 1), "0000:07:00.0 has no VF 1")


def test_an_uplink_in_another_namespace_is_no_port() -> None:
    here = observed()
    away = replace(here, nics=(replace(here.nics[0], netdev=None), *here.nics[1:]))
    assert set(datapath(away).ports) == set(datapath(here).ports) - {"enp7s0f0np0"}


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


@pytest.mark.parametrize(
    "name",
    [
        *("vxlan_sys_4789", "genev_sys_6081", "gre_sys", "erspan_sys", "ip6gre_sys"),
        "ip6erspan_sys",
    ],
)
def test_tunnel_devices_by_name(name: str) -> None:
    assert Datapath({}).port(name) == Port(name, Kind.TUNNEL)


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        *((name, Kind.TUNNEL) for name in ("vxlan", "geneve", "gre", "erspan", "ip6gre")),
        *((name, Kind.TUNNEL) for name in ("ip6erspan", "gtpu")),
        ("internal", Kind.HOST),
        ("", Kind.OUTSIDE),
        ("patch", Kind.OUTSIDE),
    ],
)
def test_ports_by_their_type_in_the_database(type_: str, kind: Kind) -> None:
    ports = [{"name": "p0", "type": type_}]
    found = datapath(observed(ovs={"bridges": {"vmbr2": {"ports": ports}}})).port("p0")
    assert found == Port("p0", kind, bridge=None if kind is Kind.OUTSIDE else "vmbr2")


def test_which_ports_an_eswitch_can_reach() -> None:
    assert {kind for kind in Kind if kind.on_eswitch} == {
        Kind.UPLINK,
        Kind.REPRESENTOR,
        Kind.TUNNEL,
    }


def test_each_port_with_its_identity() -> None:
    known = datapath(observed())
    switch, other = "3298110003ebc008", "4498110003ebc008"
    assert known.ports == {
        "vmbr2": Port("vmbr2", Kind.HOST, bridge="vmbr2"),
        "enp7s0f0np0": Port("enp7s0f0np0", Kind.UPLINK, switch, PF0, None, "vmbr2"),
        "enp7s0f0r0": Port("enp7s0f0r0", Kind.REPRESENTOR, switch, PF0, 0, "vmbr2"),
        "enp7s0f0r1": Port("enp7s0f0r1", Kind.REPRESENTOR, switch, PF0, 1, "vmbr2"),
        "enp8s0f0np0": Port("enp8s0f0np0", Kind.UPLINK, other, PF1, None, None),
        "enp8s0f0r0": Port("enp8s0f0r0", Kind.REPRESENTOR, other, PF1, 0, None),
    }
    assert str(known.port("enp7s0f0np0").subject) == "enp7s0f0np0 (0000:07:00.0 uplink)"
    assert str(known.port("vmbr2").subject) == "vmbr2"


def test_what_two_ports_must_share() -> None:
    assert Port("a", Kind.UPLINK, "s", PF0).forwards_with == ("s", PF0)
    bonded = Port("a", Kind.UPLINK, "s", PF0, bond="bond0")
    assert bonded.forwards_with == ("s", "bond0")
    assert Port("a", Kind.UPLINK, "s").forwards_with == ("s", "")
    assert Port("a", Kind.TUNNEL).forwards_with is None


def test_uplinks_come_before_representors_and_bridges_by_name() -> None:
    def port(name: str, bridge: str | None, pci: PciAddress, vf: int | None) -> Port:
        kind = Kind.UPLINK if vf is None else Kind.REPRESENTOR
        return Port(name, kind, "s", pci, vf, bridge)

    right = [
        Port("bond0", Kind.UPLINK, "s", bridge="br0", bond="bond0"),
        port("x", "br0", PF1, None),
        port("c", "br1", PF0, None),
        port("b", "br1", PF0, 0),
        port("a", "br1", PF0, 1),
        port("d", "br1", PF1, None),
    ]
    others = [port("e", None, PF0, 2), Port("br1", Kind.HOST, bridge="br1")]
    known = {each.name: each for each in [*others, *reversed(right)]}
    assert Datapath(known).bridged == tuple(right)


def bonded_host(
    names: tuple[str, ...] = ("enp7s0f0np0", "enp8s0f0np0"),
    kind: str = "bond",
    bridge: str | None = "vmbr2",
) -> ObservedState:
    bond = {"name": "bond0", "index": 99, "up": True, "mtu": 1500, "kind": kind}
    links = [*patched(HOST["links"], {name: {"master": "bond0"} for name in names}), bond]
    ports = [{"name": "bond0"}] if bridge else []
    return observed(
        links=links,
        nics={"enp8s0f0np0": {"switch_id": "3298110003ebc008"}},
        ovs={"bridges": {"vmbr2": {"ports": ports}}},
    )


def test_a_bond_and_the_ports_of_its_pfs_know_each_other() -> None:
    known = datapath(bonded_host()).ports
    assert known["bond0"] == Port(
        "bond0", Kind.UPLINK, "3298110003ebc008", bridge="vmbr2", bond="bond0"
    )
    assert {name for name, port in known.items() if port.bond} == {
        *("bond0", "enp7s0f0np0", "enp7s0f0r0", "enp7s0f0r1", "enp8s0f0np0", "enp8s0f0r0"),
    }
    assert datapath(bonded_host(bridge=None)).ports["bond0"].bridge is None


def test_a_bond_of_one_pf_leaves_the_others_alone() -> None:
    known = datapath(bonded_host(names=("enp7s0f0np0",))).ports
    assert {name for name, port in known.items() if port.bond} == {
        *("bond0", "enp7s0f0np0", "enp7s0f0r0", "enp7s0f0r1"),
    }


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "bridge"},
        {"names": ("enp7s0f0np0", "tap101i0")},
        {"names": ("enp7s0f0np0", "enp7s0f0r0")},
    ],
)
def test_what_is_no_bond_of_uplinks(change: dict[str, Any]) -> None:
    assert "bond0" not in datapath(bonded_host(**change)).ports


def test_without_a_spec_the_bridged_ports_are_wanted() -> None:
    known = datapath(observed())
    assert wanted(None, observed()) == tuple(("vmbr2", port) for port in known.bridged)
    assert len(known.bridged) == 3


def test_the_wanted_ports_that_are_here() -> None:
    known = datapath(observed())
    assert wanted(SPEC, observed()) == tuple(
        ("vmbr2", known.port(name)) for name in ("enp7s0f0np0", "enp7s0f0r0", "enp7s0f0r1")
    )


def test_why_a_wanted_port_is_not_here() -> None:
    absent = observed(nics={"enp7s0f0np0": {"mac": "02:00:00:00:00:99"}})
    assert {port for _, port in wanted(SPEC, absent)} == {
        Missing(SpecPort("cx6", vf), "no NICs have mac 08:c0:eb:32:98:07") for vf in (None, 0, 1)
    }
    twice = observed(nics={"enp8s0f0np0": {"mac": "08:c0:eb:32:98:07"}})
    found = {port.why for _, port in wanted(SPEC, twice) if isinstance(port, Missing)}
    assert found == {"2 NICs have mac 08:c0:eb:32:98:07"}
    here = observed()
    nameless = replace(here, nics=(replace(here.nics[0], netdev=None), *here.nics[1:]))
    first, *_ = (port for _, port in wanted(SPEC, nameless))
    why = "0000:07:00.0 has no interface in this network namespace"
    assert first == Missing(SpecPort("cx6"), why)
