"""Whatever disturbs somebody after a reboot at which nobody is there counts, of any kind."""

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
)
from eswitch.model.plan import Obstacle, Plan
from eswitch.model.step import Step
from eswitch.model.subject import Bridge, File, Interface, Subject, Uplink
from eswitch.stages import unattended_harm

PF = PciAddress("0000:07:00.0")


def link(name: str, *addresses: str, lower: str | None = None) -> LinkState:
    return LinkState(
        name, 1, None, up=True, carrier=True, mtu=1500, lower=lower, addresses=addresses
    )


HOST = ObservedState(
    KernelState("6.14"),
    nics=(NicState(PF, "mlx5_core", "enp7s0f0np0", None),),
    links=(link("enp7s0f0np0"), link("vmbr2", "192.168.1.101/24"), link("lo")),
    ovs=OvsState(OvsStatus.RUNNING, bridges=(OvsBridge("vmbr2"),)),
)


def later(*who: Subject) -> Plan:
    disturbs = (Disturbance(who, Effect.LOSS, "it goes"),) if who else ()
    subject = File("/etc/network/interfaces")
    step = Step(subject, "stanza", "old", "new", "a kind of step yet to come", (), (), disturbs)
    return Plan(later=(step,))


@pytest.mark.parametrize("who", [Bridge("vmbr2"), Interface("vmbr2")], ids=repr)
def test_a_step_of_a_new_kind_that_takes_the_only_address(who: Subject) -> None:
    (harm,) = unattended_harm(later(who), HOST)
    assert harm.kind is Obstacle.SESSION
    assert harm.message == (
        "stanza -> new: after the reboot nobody would be there to bring 192.168.1.101/24 back"
    )


@pytest.mark.parametrize("plan", [later(), later(Uplink(PF)), later(Bridge("vmbr9"))])
def test_a_step_that_hits_no_address(plan: Plan) -> None:
    assert unattended_harm(plan, HOST) == ()


def test_the_name_of_its_subject_alone_says_nothing() -> None:
    step = Step(Bridge("vmbr2"), "bridge", "old", "new", "it disturbs nobody", ())
    assert unattended_harm(Plan(later=(step,)), HOST) == ()
