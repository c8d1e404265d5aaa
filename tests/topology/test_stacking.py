"""What lies on what, one fact after the other: the guards of a session rest on it."""

from __future__ import annotations

import pytest

from eswitch.model.identifiers import OVS_DATAPATH, PciAddress
from eswitch.model.observed import (
    KernelState,
    LinkState,
    NicState,
    ObservedState,
    OvsBridge,
    OvsPort,
    OvsState,
    OvsStatus,
    VfState,
)
from eswitch.topology import stacking

PCI = PciAddress("0000:07:00.0")
VF0 = VfState(0, PciAddress("0000:07:00.1"), netdev="v0", representor="r0")
VF1 = VfState(1, PciAddress("0000:07:00.2"), netdev="v1", representor="r1")
PF = NicState(PCI, "mlx5_core", "pf", None, vfs=(VF0, VF1))


def link(
    name: str, *addresses: str, master: str | None = None, lower: str | None = None
) -> LinkState:
    return LinkState(
        name,
        1,
        None,
        up=True,
        carrier=True,
        mtu=1500,
        master=master,
        lower=lower,
        addresses=addresses,
    )


def host(*links: LinkState, bridges: tuple[OvsBridge, ...] = ()) -> ObservedState:
    ovs = OvsState(OvsStatus.RUNNING, bridges=bridges)
    return ObservedState(KernelState("6.14"), nics=(PF,), links=links, ovs=ovs)


def names(links: tuple[LinkState, ...]) -> list[str]:
    return [each.name for each in links]


BRIDGE = OvsBridge(
    "br0",
    (
        OvsPort("br0", type="internal"),
        OvsPort("inside", type="internal"),
        OvsPort("pf"),
        OvsPort("r0"),
        OvsPort("tap0"),
    ),
)
OTHER = OvsBridge("br1", (OvsPort("br1", type="internal"), OvsPort("r1")))
EVERY = tuple(
    link(name, master=OVS_DATAPATH if name not in ("v0", "v1", "far") else None)
    for name in ("pf", "r0", "r1", "br0", "br1", "inside", "tap0", "v0", "v1", "far")
)


def test_an_uplink_carries_its_bridge_and_the_bridges_internal_ports() -> None:
    observed = host(*EVERY, bridges=(BRIDGE, OTHER))
    assert names(stacking.carriers(PF, observed)) == ["pf", "br0", "inside"]


def test_an_uplink_without_an_interface_carries_nothing() -> None:
    bare = NicState(PCI, "mlx5_core", None, None)
    assert stacking.carriers(bare, host(*EVERY, bridges=(BRIDGE,))) == ()


def test_an_uplink_in_a_bond_of_open_vswitch_may_carry_any_bridge() -> None:
    """No port has its name then: which bridge the bond is in was not read."""
    bonded = OvsBridge("br0", (OvsPort("br0", type="internal"), OvsPort("bond0")))
    observed = host(*EVERY, bridges=(bonded, OTHER))
    assert stacking.in_ovs_bond(PF, observed)
    assert names(stacking.carriers(PF, observed)) == ["pf", "br0", "br1"]


@pytest.mark.parametrize(
    ("master", "bridges"), [(None, (OTHER,)), ("bond0", (OTHER,)), (OVS_DATAPATH, (BRIDGE,))]
)
def test_what_is_no_bond_of_open_vswitch(
    master: str | None, bridges: tuple[OvsBridge, ...]
) -> None:
    assert not stacking.in_ovs_bond(PF, host(link("pf", master=master), bridges=bridges))


def test_a_bridge_carries_the_interfaces_of_its_vfs() -> None:
    observed = host(*EVERY, bridges=(BRIDGE, OTHER))
    assert names(stacking.on_bridge(BRIDGE, observed)) == ["br0", "inside", "v0"]
    assert names(stacking.on_bridge(OTHER, observed)) == ["br1", "v1"]


STACK = (
    link("pf", master="bond0"),
    link("other", master="bond0"),
    link("bond0", "192.0.2.1/24", master="vmbr0"),
    link("bond0.20", "192.0.2.2/24", lower="bond0"),
    link("vmbr0", "192.0.2.3/24"),
    link("vmbr0.30", "192.0.2.4/24", lower="vmbr0"),
    link("apart", "192.0.2.5/24"),
)


def test_on_top_is_all_that_is_above() -> None:
    above = ["bond0", "bond0.20", "vmbr0", "vmbr0.30"]
    assert names(stacking.on_top({"pf"}, host(*STACK))) == ["pf", *above]
    assert names(stacking.on_top({"vmbr0"}, host(*STACK))) == ["vmbr0", "vmbr0.30"]
    assert stacking.on_top(set(), host(*STACK)) == ()
    addresses = stacking.addresses(PF, host(*STACK))
    assert addresses == ("192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24", "192.0.2.4/24")


def test_the_datapath_joins_nothing() -> None:
    """All ports of Open vSwitch have it as their master, whatever bridge they are in."""
    observed = host(*EVERY, link(OVS_DATAPATH), link("above", lower=OVS_DATAPATH))
    assert names(stacking.on_top({"tap0"}, observed)) == ["tap0"]


def test_below_is_what_it_is_made_of() -> None:
    assert names(stacking.below({"vmbr0.30"}, host(*STACK))) == [
        *("pf", "other", "bond0", "vmbr0", "vmbr0.30"),
    ]
    assert names(stacking.below({"apart"}, host(*STACK))) == ["apart"]


@pytest.mark.parametrize("name", ["br0", "inside"])
def test_below_a_bridge_of_open_vswitch_are_its_ports(name: str) -> None:
    observed = host(*EVERY, bridges=(BRIDGE, OTHER))
    found = set(names(stacking.below({name}, observed)))
    assert found == {"pf", "r0", "br0", "inside", "tap0"}
    assert names(stacking.below({"r1"}, observed)) == ["r1"]
