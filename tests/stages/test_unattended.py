"""What an apply may not do by itself after a reboot: cut off the only way to the host."""

from __future__ import annotations

import pytest

from eswitch.model.disturbance import Disturbance, Effect
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import (
    KernelState,
    LinkState,
    NicState,
    ObservedState,
    OvsBridge,
    OvsState,
    OvsStatus,
    RouteState,
)
from eswitch.model.plan import Obstacle, Plan
from eswitch.model.step import Step
from eswitch.model.subject import Bridge, Interface, Nic, Subject
from eswitch.stages.unattended import unattended_harm
from eswitch.topology.ownership import ADDRESSES


def host(addresses: dict[str, tuple[str, ...]], *routes: str) -> ObservedState:
    """Interfaces with their addresses, and the devices of default routes; eth0 is a NIC's."""
    return ObservedState(
        KernelState("6.14"),
        nics=(NicState(PciAddress("0000:07:00.0"), "mlx5_core", "eth0", None),),
        links=tuple(
            LinkState(name, number, None, up=True, carrier=True, mtu=1500, addresses=held)
            for number, (name, held) in enumerate(addresses.items(), 1)
        ),
        routes=tuple(RouteState(4, "192.0.2.1", device) for device in routes),
    )


def step(*who: Subject, new: str = "switchdev", attribute: str = "mode") -> Step:
    noticed = (Disturbance(who, Effect.LOSS, "it is gone"),) if who else ()
    nic = Nic(PciAddress("0000:07:00.0"))
    return Step(nic, attribute, "legacy", new, "why", (), (), noticed)


ETH0 = step(Interface("eth0"))
ONE = {"eth0": ("192.0.2.5/24",), "eth1": ()}
BOTH = {"eth0": ("192.0.2.5/24",), "eth1": ("198.51.100.5/24",)}


@pytest.mark.parametrize(
    ("addresses", "routes", "harm"),
    [
        (ONE, (), True),  # no other address
        (ONE, ("eth0",), True),
        (ONE, ("eth1",), True),  # a route over it, and nobody can ask for eth1
        (BOTH, (), False),  # no default route is lost, and the other address stays
        (BOTH, ("eth0",), True),  # the other address is reached from its own net only
        (BOTH, ("eth1",), False),
        (BOTH, ("eth0", "eth1"), False),  # not the only default route
        (BOTH, ("eth0", "eth0"), True),
    ],
)
def test_the_only_way(
    addresses: dict[str, tuple[str, ...]], routes: tuple[str, ...], harm: bool
) -> None:
    found = unattended_harm(Plan(later=(ETH0,)), host(addresses, *routes))
    assert bool(found) is harm
    if harm:
        (blocker,) = found
        assert blocker.subject == ETH0.subject
        assert blocker.kind is Obstacle.SESSION
        assert blocker.message.startswith("mode -> switchdev: ")
        assert "192.0.2.5/24 back" in blocker.message
        assert "without --reboot" in blocker.hint


def test_what_runs_before_the_reboot_has_somebody_watching() -> None:
    assert unattended_harm(Plan(steps=(ETH0,)), host(ONE)) == ()


def test_what_nobody_notices_cuts_nobody_off() -> None:
    assert unattended_harm(Plan(later=(step(),)), host(ONE)) == ()


def test_an_interface_without_an_address_is_no_way_to_the_host() -> None:
    later = Plan(later=(step(Interface("eth1")),))
    assert unattended_harm(later, host(BOTH | {"eth1": ()}, "eth1")) == ()


def test_a_nic_is_all_that_is_on_it() -> None:
    """Whatever kind of step it is: who notices is what counts."""
    later = Plan(later=(step(Nic(PciAddress("0000:07:00.0")), attribute="of a new kind"),))
    assert len(unattended_harm(later, host(ONE))) == 1


def test_each_is_told_once() -> None:
    later = Plan(later=(ETH0, step(Interface("eth0"), attribute="driver", new="none")))
    (blocker,) = unattended_harm(later, host(ONE))
    assert blocker.message.startswith("mode -> switchdev: ")


@pytest.mark.parametrize(
    ("ours", "harm"),
    [("192.0.2.5/24", False), ("192.0.2.5/24 2001:db8::5/64", False), ("192.0.2.6/24", True)],
)
def test_an_address_that_eswitch_gave_it_brings_back(ours: str, harm: bool) -> None:
    bridge = OvsBridge("vmbr2", external_ids={ADDRESSES: ours})
    bare = host({"vmbr2": ("192.0.2.5/24",)}, "vmbr2")
    observed = ObservedState(
        bare.kernel,
        links=bare.links,
        routes=bare.routes,
        ovs=OvsState(OvsStatus.RUNNING, bridges=(bridge,)),
    )
    found = unattended_harm(Plan(later=(step(Bridge("vmbr2")),)), observed)
    assert bool(found) is harm
