"""What rollback leaves alone on a host that others change too."""

from __future__ import annotations

import errno

import pytest
from faults import Fault, FaultyTwin, Kind, Plan

from eswitch.engine import Undo, apply, prepare, rollback
from eswitch.engine.undo import differences
from eswitch.errors import HostError, NotEffective, Refused, Unsupported
from eswitch.observe import observe
from eswitch.spec import load
from eswitch.twin import Twin, open_machine

SPEC = """\
version: 1
nics: {nic: {match: {mac: "08:c0:eb:32:98:11"}, vfs: [{driver: host}, {driver: none}]}}
bridges: {vmbr2: {ports: [nic], address: 10.1.0.1/24}}
"""
MORE = SPEC.replace("10.1.0.1/24", "[10.1.0.1/24, 10.1.0.2/24]")


def go(twin: Twin, spec: str = SPEC) -> None:
    apply(twin, load(spec.encode(), "spec"), "spec", consent=lambda plan: True)


def shown(twin: Twin) -> Undo:
    """What a person is shown before the question."""
    undo = prepare(twin)
    assert undo is not None
    return undo


def refused(twin: Twin, undo: Undo) -> Refused:
    """The refusal, before which nothing was touched."""
    files, state = dict(twin.state.files), observe(twin)
    with pytest.raises(Refused) as told:
        rollback(twin, undo)
    assert (twin.state.files, observe(twin)) == (files, state)
    return told.value


@pytest.fixture
def twin() -> FaultyTwin:
    twin = FaultyTwin(open_machine("lab"))
    go(twin)
    return twin


def test_no_port_of_somebody_else_goes_with_our_bridge(twin: Twin) -> None:
    add = "ovs-vsctl add-port vmbr2 mine -- set interface mine type=internal"
    twin.run(add.split())
    refusal = refused(twin, shown(twin))
    assert refusal.message == (
        "vmbr2 has port mine, which somebody else put there; undoing this would delete it"
    )
    assert refusal.hint == "ovs-vsctl del-port vmbr2 mine, or move it, then roll back again"
    twin.run(["ovs-vsctl", "del-port", "vmbr2", "mine"])
    assert rollback(twin, shown(twin)) == ()


def test_another_apply_while_the_question_stood(twin: Twin) -> None:
    old = shown(twin)
    go(twin, MORE)
    refusal = refused(twin, old)
    assert (refusal.message, refusal.hint) == (
        "another apply ran meanwhile",
        "look again: eswitch rollback",
    )
    for _ in range(2):
        rollback(twin, shown(twin))
    assert prepare(twin) is None


def test_another_rollback_while_the_question_stood(twin: Twin) -> None:
    old = shown(twin)
    rollback(twin, shown(twin))
    assert refused(twin, old).message == "another rollback ran meanwhile"


def test_what_is_gone_does_not_stand_before_older_entries(twin: Twin) -> None:
    first = shown(twin).entry.path
    go(twin, MORE)
    twin.run(["ovs-vsctl", "del-br", "vmbr2"])
    with pytest.raises(NotEffective, match=r"vmbr2 is gone(.|\n)*Cannot find device"):
        rollback(twin, shown(twin))
    assert shown(twin).entry.path == first
    rollback(twin, shown(twin))
    assert prepare(twin) is None


@pytest.mark.parametrize("kind", [Kind.FAIL, Kind.HALF])
def test_a_full_disk(twin: Twin, kind: Kind) -> None:
    """A line may be half written before it is full; the next rollback reads past it."""
    state = observe(twin)
    twin.faults = Plan([Fault(kind, matching="append", errno=errno.ENOSPC)])
    with pytest.raises(HostError, match=r"No space left on device; nothing was touched"):
        rollback(twin, shown(twin))
    assert observe(twin) == state
    assert rollback(twin, shown(twin)) == ()
    assert prepare(twin) is None


@pytest.mark.parametrize(
    ("package", "words", "hint"),
    [
        ("iproute2", "`devlink` is not installed", "apt install iproute2"),
        ("openvswitch-switch", "`ovs-vsctl` is not installed", "apt install openvswitch-switch"),
    ],
)
def test_what_the_undo_needs_must_be_there(twin: Twin, package: str, words: str, hint: str) -> None:
    undo = shown(twin)
    twin.state.packages.remove(package)
    told = unsupported(twin, undo)
    assert words in told.message
    assert told.hint == hint
    twin.state.packages.append(package)
    assert rollback(twin, shown(twin)) == ()


def test_nothing_is_begun_while_open_vswitch_is_stopped(twin: Twin) -> None:
    twin.run(["systemctl", "stop", "openvswitch-switch"])
    told = unsupported(twin, shown(twin))
    assert "undoing this needs Open vSwitch" in told.message
    assert told.hint == "systemctl start openvswitch-switch"
    twin.run(["systemctl", "start", "openvswitch-switch"])
    assert rollback(twin, shown(twin)) == ()


def unsupported(twin: Twin, undo: Undo) -> Unsupported:
    """The refusal, before which nothing was touched."""
    files, state = dict(twin.state.files), observe(twin)
    with pytest.raises(Unsupported, match="nothing was touched") as told:
        rollback(twin, undo)
    assert (twin.state.files, observe(twin)) == (files, state)
    return told.value


def test_what_somebody_switched_off_is_mended_and_off_again(twin: Twin) -> None:
    name = "enp1s0r1"
    twin.run(["ethtool", "-K", name, "hw-tc-offload", "off"])
    go(twin)
    link = twin.state.link(name)
    assert link is not None
    assert link.tc_offload
    assert rollback(twin, shown(twin)) == ()
    assert not link.tc_offload


def test_made_anew_a_representor_is_as_it_was(twin: Twin) -> None:
    """Other VFs, other representors; the undo makes the old ones again, with the feature off."""
    without = SPEC + "ovs: {hw_offload: false}\n"
    go(twin, without)
    twin.run(["ethtool", "-K", "enp1s0r1", "hw-tc-offload", "off"])
    go(twin, without.replace("{driver: none}]", "{driver: none}, {driver: none}]"))
    assert rollback(twin, shown(twin)) == ()
    link = twin.state.link("enp1s0r1")
    assert link is not None
    assert link.tc_offload is False


def test_a_journal_of_before_the_feature_was_asked_for(twin: Twin) -> None:
    before = [{"name": "r0", "hw_tc_offload": None, "up": True}]
    now = [{"name": "r0", "hw_tc_offload": True, "hw_tc_fixed": False, "up": False}]
    assert differences({"links": before}, {"links": now}) == ["links[r0].up: was True, now False"]


def test_a_vf_that_a_vm_had_held_goes_back_to_vfio() -> None:
    """The spec wants its own driver on it; a VM took it meanwhile, as Proxmox does, and stopped."""
    twin = FaultyTwin(open_machine("pve8-cx6dx-ready"))
    go(twin)
    twin.start_guest("vm/101")
    twin.stop_guest("vm/101")
    go(twin)
    assert rollback(twin, shown(twin)) == ()
    vf = next(nic for nic in observe(twin).nics if nic.vfs).vf(0)
    assert vf is not None
    assert vf.driver == "vfio-pci"
