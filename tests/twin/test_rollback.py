"""What rollback leaves alone on a host that others change too."""

from __future__ import annotations

import errno
from contextlib import suppress
from dataclasses import replace

import pytest
from twin.state_judge import settled

from eswitch.engine import Undo, apply, prepare, rollback
from eswitch.engine.batch import Operation, undo_operations
from eswitch.engine.comparison import RULES, How, Rule, differences
from eswitch.engine.journal import Entry, Executed
from eswitch.engine.rollback_guards import refuse
from eswitch.errors import HostError, Locked, NotEffective, Refused, Unsupported
from eswitch.model.action import Action, Command, Program, Replace, SetVfCount, Tool, Write
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import (
    EswitchState,
    KernelState,
    LinkState,
    NicState,
    ObservedState,
    OvsPort,
    VfState,
)
from eswitch.model.step import Step
from eswitch.model.subject import Bridge, File, Nic, Port
from eswitch.observe import observe
from eswitch.spec import load
from eswitch.twin import Fault, Kind, Twin, open_machine
from eswitch.twin.faults import Plan

EMPTY = ObservedState(KernelState("6.14"))
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
def twin() -> Twin:
    twin = Twin(open_machine("lab"))
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
    before = observe(twin)
    old = replace(before.links[0], name="r0", up=True, hw_tc_offload=None)
    now = replace(old, up=False, hw_tc_offload=True, hw_tc_fixed=True)
    assert differences(replace(before, links=(old,)), replace(before, links=(now,))) == (
        "links[r0].up: was True, now False",
    )


def test_a_vf_that_a_vm_had_held_goes_back_to_vfio() -> None:
    """The spec wants its own driver on it; a VM took it meanwhile, as Proxmox does, and stopped."""
    twin = Twin(open_machine("pve8-cx6dx-ready"))
    go(twin)
    twin.start_guest("vm/101")
    twin.stop_guest("vm/101")
    go(twin)
    assert rollback(twin, shown(twin)) == ()
    vf = next(nic for nic in observe(twin).nics if nic.vfs).vf(0)
    assert vf is not None
    assert vf.driver == "vfio-pci"


def mode_lies(twin: Twin) -> None:
    twin.faults = Plan([Fault(Kind.LIE, matching="mode legacy", times=99)])


def test_a_mode_that_stays_is_told(twin: Twin) -> None:
    """All that differs is the mode: nothing else tells of it."""
    mode_lies(twin)
    with pytest.raises(NotEffective, match=r"eswitch\.mode: was legacy, now switchdev"):
        rollback(twin, shown(twin))


def test_the_judge_of_the_lives_needs_no_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that forgets the mode finds nothing; the twin's own state tells all the same."""
    twin = Twin(open_machine("lab"))
    start = settled(twin.state)
    go(twin)
    assert settled(twin.state) != start
    forgetful = {**RULES, (EswitchState, "mode"): Rule(How.NOT, "for this test")}
    monkeypatch.setattr("eswitch.engine.comparison.RULES", forgetful)
    mode_lies(twin)
    with suppress(NotEffective):
        rollback(twin, shown(twin))
    pf = "0000:01:00.0"
    was, now = start["functions"], settled(twin.state)["functions"]
    assert isinstance(was, dict)
    assert isinstance(now, dict)
    assert was[pf] != now[pf]


def test_the_lock_is_held_all_the_time(twin: Twin) -> None:
    """Nobody applies, nor rolls back, while this one does; and it waits for nobody."""
    undo, state = shown(twin), settled(twin.state)
    with twin.lock("/run/eswitch/lock"), pytest.raises(Locked):
        rollback(twin, undo)
    assert settled(twin.state) == state
    held: list[bool] = []

    def started(operation: Operation) -> None:
        try:
            with twin.lock("/run/eswitch/lock"):
                held.append(False)
        except Locked:
            held.append(True)

    rollback(twin, undo, started=started)
    assert len(held) > 3
    assert all(held)


def from_afar(twin: Twin, address: str = "10.1.0.1") -> None:
    """Somebody came in over the bridge vmbr2."""
    twin.state.environment["SSH_CONNECTION"] = f"10.1.0.9 50000 {address} 22"


def test_a_session_on_the_bridge_is_not_cut(twin: Twin) -> None:
    from_afar(twin)
    told = refused(twin, shown(twin))
    assert told.message == "your session comes in through 10.1.0.1/24; undoing this would cut it"


def test_a_bridge_that_is_only_mentioned_is_not_touched() -> None:
    """Words of a file or of a command say nothing about who is hit."""
    twin = Twin(open_machine("lab"))
    go(twin)
    observed = replace(observe(twin), session_addresses=("10.1.0.1",))
    for name in ("vmbr2", "port", "set", "del-br"):
        renamed = called(observed, name)
        refuse(file_step(f"auto {name}\n"), renamed)
        port = Command(Tool.OVS, ("set", "port", "other", "tag=20"))
        refuse(undo_of(Step(Port("other"), "tag", "1", "2", "", (), (port,))), renamed)
        on_it = Step(Port("other"), "tag", "1", "2", "", (), (port,), touches=(Bridge(name),))
        with pytest.raises(Refused, match=r"your session comes in through 10\.1\.0\.1/24"):
            refuse(undo_of(on_it), renamed)


def called(observed: ObservedState, name: str) -> ObservedState:
    """The same host with a bridge `name` in the place of vmbr2."""
    (bridge,) = observed.ovs.bridges
    link = observed.link("vmbr2")
    assert link is not None
    ports = (OvsPort(name, type="internal"),)
    ovs = replace(observed.ovs, bridges=(replace(bridge, name=name, ports=ports),))
    return replace(observed, links=(replace(link, name=name),), ovs=ovs)


def undo_of(step: Step) -> Undo:
    entry = Entry("1", "today", "spec", EMPTY, (Executed.of(step),), "applied")
    return Undo(entry, undo_operations([step.inverse]))


def file_step(text: str) -> Undo:
    path = "/etc/modules-load.d/eswitch.conf"
    change = Replace(path, None, text)
    step = Step(File(path), "text", "none", "some", "why", (change,), (change.inverse,))
    back = Replace(path, text, text + "# vmbr2 port\n")
    return undo_of(replace(step, inverse=(*step.inverse, back)))


def test_a_guest_in_a_vf_that_stays_is_not_asked_to_stop() -> None:
    """Undoing what its VF has no part in pulls nothing; undoing the VFs, or its driver, does."""
    pf, vf = PciAddress("0000:01:00.0"), PciAddress("0000:01:00.2")
    held = VfState(0, vf, users=("process 812 (kvm)",))
    nic = NicState(pf, "mlx5_core", None, None, vfs=(held,))
    now = ObservedState(KernelState("6.14"), nics=(nic,))

    def undo(*inverse: Action) -> Undo:
        return undo_of(Step(Nic(pf), "x", "", "", "", (), inverse))

    refuse(undo(SetVfCount(PciAddress("0000:02:00.0"), 0, timeout=1.0)), now)
    refuse(undo(Program(("cat", f"/sys/bus/pci/devices/{pf}/sriov_numvfs", vf))), now)
    for pulls in (
        SetVfCount(pf, 0, timeout=1.0),
        Write("/sys/bus/pci/drivers/vfio-pci/unbind", vf),
    ):
        with pytest.raises(Refused, match=r"in use by process 812"):
            refuse(undo(pulls), now)


def test_what_counts_from_the_next_boot_on_cuts_nobody() -> None:
    """Firmware is set back for the card's next start, also over the session's own card."""
    pf = PciAddress("0000:01:00.0")
    link = LinkState("up0", 2, None, up=True, carrier=True, mtu=1500, addresses=("10.9.0.1/24",))
    now = ObservedState(
        KernelState("6.14"),
        nics=(NicState(pf, "mlx5_core", "up0", None),),
        links=(link,),
        session_addresses=("10.9.0.1",),
    )
    back = Program(("mstconfig", "-d", pf, "-y", "set", "NUM_OF_VFS=2"), whole=True)
    step = Step(Nic(pf), "firmware", "2", "8", "", (), (back,), reboot=True)
    refuse(undo_of(step), now)
    with pytest.raises(Refused, match=r"10\.9\.0\.1"):
        refuse(undo_of(replace(step, reboot=False)), now)
