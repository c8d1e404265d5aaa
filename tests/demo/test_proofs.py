"""A proof that cannot fail proves nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eswitch.demo import proofs
from eswitch.demo.proofs import Proof, Seen
from eswitch.demo.story import BRIDGE, CHAPTERS, MACHINE, NIC
from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.observe import observe
from eswitch.offload.datapath import datapath
from eswitch.offload.flow import Placement
from eswitch.offload.place import places
from eswitch.offload.reason import ReasonKind, because
from eswitch.offload.sources.openvswitch import read_flows
from eswitch.twin import Twin, open_machine


def look(twin: Twin) -> Seen:
    state = observe(twin)
    found = places(read_flows(twin).flows, datapath(state), state)
    return Seen(state, state, found)


@pytest.fixture(scope="module")
def bare() -> Seen:
    return look(Twin(open_machine(MACHINE)))


@pytest.fixture(scope="module")
def ready() -> Seen:
    """SR-IOV and IOMMU on, nothing else."""
    return look(Twin(open_machine("pve8-cx6dx-ready")))


@pytest.fixture(scope="module")
def switching() -> Seen:
    """An e-switch with traffic."""
    from eswitch import engine
    from eswitch.spec import load

    twin = Twin(open_machine("pve8-cx6dx-ready"))
    wanted = load(twin.read_bytes("/etc/eswitch/eswitch.yaml", 1 << 20), "spec")
    assert isinstance(wanted, DesiredState)
    engine.apply(twin, wanted, "spec", consent=lambda plan: True)
    twin.start_guest("vm/101")
    twin.start_guest("ct/200")
    twin.traffic("vm/101", "outside")
    twin.traffic("ct/200", "outside")
    twin.traffic("vm/101", "ct/200")
    return look(twin)


def test_on_the_bare_box(bare: Seen) -> None:
    assert not proofs.cannot_switch(NIC)(bare)
    assert not proofs.lost(NIC)(bare)
    assert "does not offer" in proofs.can_switch(NIC, 4)(bare)
    assert proofs.is_switch(NIC, 2, BRIDGE)(bare)
    assert "only 0 flows" in proofs.in_hardware(1)(bare)


def test_on_a_box_that_is_ready(ready: Seen) -> None:
    assert not proofs.can_switch(NIC, 2)(ready)
    assert "already" in proofs.cannot_switch(NIC)(ready)
    assert "does not offer" in proofs.can_switch(NIC, 99)(ready)
    nic = next(nic for nic in ready.after.nics if nic.pci == NIC)
    state = replace(ready.after, nics=(replace(nic, iommu_group=None),))
    assert "IOMMU" in proofs.can_switch(NIC, 2)(replace(ready, after=state))


def test_all_of_several(ready: Seen) -> None:
    can, cannot = proofs.can_switch(NIC, 2), proofs.cannot_switch(NIC)
    assert not proofs.both(can, can)(ready)
    assert "already" in proofs.both(can, cannot)(ready)
    assert "already" in proofs.both(cannot, can)(ready)


def test_on_an_eswitch(switching: Seen) -> None:
    assert not proofs.is_switch(NIC, 2, BRIDGE)(switching)
    assert not proofs.in_hardware(6)(switching)
    assert "only 6" in proofs.in_hardware(7)(switching)
    assert "with 2 VFs" in proofs.is_switch(NIC, 3, BRIDGE)(switching)
    assert "not in vmbr7" in proofs.is_switch(NIC, 2, "vmbr7")(switching)
    assert "has kept" in proofs.lost(NIC)(switching)


def test_a_flow_on_the_cpu_is_seen(switching: Seen) -> None:
    refused = because(ReasonKind.REFUSED)
    slow = tuple(
        replace(place, placement=Placement.TC_SOFTWARE, reason=refused)
        for place in switching.places
    )
    assert "the NIC refused it" in proofs.in_hardware(1)(replace(switching, places=slow))


def test_a_write_is_seen(switching: Seen, bare: Seen) -> None:
    assert not proofs.untouched(replace(switching, operations=("read /proc/cmdline",)))
    wrote = replace(switching, operations=("write /sys/x 1",))
    assert "it wrote: write /sys/x 1" in proofs.untouched(wrote)
    assert "has changed" in proofs.untouched(replace(switching, before=bare.after))


def test_the_past_is_remembered(switching: Seen, bare: Seen) -> None:
    proof = proofs.as_it_was("then")
    assert "nobody" in proof(switching)
    assert not proof(replace(switching, past={"then": switching.after}))
    assert "not what it was" in proof(replace(switching, past={"then": bare.after}))


@pytest.mark.parametrize(
    "proof",
    [proofs.cannot_switch(NIC), proofs.can_switch(NIC, 1), proofs.is_switch(NIC, 1, BRIDGE)],
)
def test_without_the_nic(proof: Proof, bare: Seen) -> None:
    nothing = ObservedState(bare.after.kernel)
    assert proof(Seen(nothing, nothing))


def test_the_story_is_more_than_a_show() -> None:
    """What changes the machine is proven, not only shown."""
    for chapter in CHAPTERS:
        assert chapter.told
        for act in chapter.acts:
            assert act.typed
            if act.typed.startswith(("eswitch apply", "eswitch rollback", "eswitch twin reboot")):
                assert act.proof, act.typed
    assert sum(act.proof is not None for chapter in CHAPTERS for act in chapter.acts) >= 10
