"""The journal after crashes, and what rollback makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_host import FakeHost, fails, full

from eswitch.engine import journal, prepare, rollback
from eswitch.engine.comparison import differences
from eswitch.engine.journal import DIRECTORY, Journal
from eswitch.errors import HostError, NotEffective, Refused, TimedOut
from eswitch.model.action import Command, Settle, SetVfCount, Tool
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import (
    KernelState,
    LinkState,
    NicState,
    ObservedState,
    OvsBridge,
    OvsPort,
    OvsState,
    OvsStatus,
    SriovState,
    VfState,
)
from eswitch.model.step import Step
from eswitch.model.subject import Bridge, Interface, Nic

PCI = PciAddress("0000:07:00.0")
NUMVFS = f"/sys/bus/pci/devices/{PCI}/sriov_numvfs"
RUNNING = OvsState(OvsStatus.RUNNING)
EMPTY = ObservedState(KernelState("6.14"), ovs=RUNNING)


def vfs() -> Step:
    do = (SetVfCount(PCI, 2, timeout=81.0), Settle())
    undo = (SetVfCount(PCI, 0, timeout=81.0), Settle(pf=PCI))
    return Step(Nic(PciAddress(PCI)), "VFs", "0", "2", "why", do, undo)


def port() -> Step:
    do = Command(Tool.OVS, ("add-port", "br0", "x"))
    undo = Command(Tool.OVS, ("--if-exists", "del-port", "br0", "x"))
    name = Interface("x")
    return Step(name, "port", "none", "br0", "why", (do,), (undo,), touches=(Bridge("br0"),))


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    monkeypatch.setattr("eswitch.engine.revert.observe", lambda host: EMPTY)
    return FakeHost(cost=0)


def applied(host: FakeHost, *, end: str = "applied") -> Journal:
    entry = Journal.begin(host, "x.yaml", EMPTY)
    entry.intend([vfs(), port()])
    entry.end(end)
    return entry


def test_undo_is_read_back_in_reverse(host: FakeHost) -> None:
    applied(host)
    undo = prepare(host)
    assert undo is not None
    assert undo.commands == (
        "ovs-vsctl --if-exists del-port br0 x",
        f"echo 0 > {NUMVFS}",
        f"udevadm settle --timeout=180  # until the interfaces of {PCI} have names",
    )
    assert rollback(host, undo) == ()
    assert host.log == [
        "ovs-vsctl --timeout=60 -- --if-exists del-port br0 x",
        f"echo 0 > {NUMVFS}",
    ]
    assert prepare(host) is None


def test_the_apply_before_comes_next(host: FakeHost) -> None:
    first, second = applied(host), applied(host)
    undo = prepare(host)
    assert undo is not None
    assert undo.entry.path == second.path
    rollback(host, undo)
    undo = prepare(host)
    assert undo is not None
    assert undo.entry.path == first.path


def test_nothing_was_ever_applied(host: FakeHost) -> None:
    assert prepare(host) is None


def test_an_apply_that_went_on_meanwhile(host: FakeHost) -> None:
    entry = applied(host, end="failed")
    undo = prepare(host)
    assert undo is not None
    entry.intend([port()])
    with pytest.raises(Refused, match="another apply ran meanwhile"):
        rollback(host, undo)
    assert host.log == []


def test_a_line_cut_off_by_a_crash_is_ignored(host: FakeHost) -> None:
    applied(host, end="failed")
    path = f"{DIRECTORY}/000001.jsonl"
    host.files[path] = f'{host.text(path)}{{"step": 2, "title": "half a li'.encode()
    undo = prepare(host)
    assert undo is not None
    assert len(undo.entry.steps) == 2
    host.files[path] = f"{host.text(path)}\n".encode()
    rollback(host, undo)
    assert prepare(host) is None


def test_a_crash_before_the_end_can_be_undone(host: FakeHost) -> None:
    Journal.begin(host, "x.yaml", EMPTY).intend([vfs()])
    undo = prepare(host)
    assert undo is not None
    assert undo.entry.end is None


def test_damage_in_the_middle_is_an_error(host: FakeHost) -> None:
    applied(host)
    path = f"{DIRECTORY}/000001.jsonl"
    head, *rest = host.text(path).splitlines()
    host.files[path] = "\n".join([head, "garbage", *rest]).encode()
    with pytest.raises(HostError, match="line 2 is damaged"):
        prepare(host)


def test_what_is_gone_already_is_tolerated(host: FakeHost) -> None:
    applied(host)
    host.fail = fails("del-port", "no bridge named br0")
    undo = prepare(host)
    assert undo is not None
    gone = rollback(host, undo)
    assert len(gone) == 1
    assert "no bridge named br0" in gone[0]


def test_a_refusal_can_be_tried_again(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    applied(host)
    error = HostError("Device or resource busy", errno=16)
    host.fail = lambda effect: error if "numvfs" in effect else None
    now = ObservedState(
        KernelState("6.14"), nics=(NicState(PCI, "mlx5_core", None, None),), ovs=RUNNING
    )
    monkeypatch.setattr("eswitch.engine.revert.observe", lambda host: now)
    undo = prepare(host)
    assert undo is not None
    with pytest.raises(NotEffective, match="busy"):
        rollback(host, undo)
    assert prepare(host) is not None


@pytest.mark.parametrize(
    "words",
    [
        'no row "x" in table Port',
        "no port named x",
        "no bridge named br0",
        'Cannot find device "x"',
        "kernel answers: No such device",
    ],
)
def test_a_thing_that_is_gone_is_not_tried_again(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    applied(host)
    host.fail = fails("del-port", f"ovs-vsctl: {words}")
    now = ObservedState(
        KernelState("6.14"), nics=(NicState(PCI, "mlx5_core", None, None),), ovs=RUNNING
    )
    monkeypatch.setattr("eswitch.engine.revert.observe", lambda host: now)
    undo = prepare(host)
    assert undo is not None
    with pytest.raises(NotEffective, match=words):
        rollback(host, undo)
    assert prepare(host) is None


def test_a_rollback_that_cannot_be_written_touches_nothing(host: FakeHost) -> None:
    applied(host)
    host.fail = full('{"rollback"')
    undo = prepare(host)
    assert undo is not None
    with pytest.raises(HostError, match=r"journal could not be written.*; nothing was tou") as told:
        rollback(host, undo)
    assert told.value.hint == "df -h /var/lib/eswitch"
    assert host.log == []


def test_a_rollback_of_which_only_the_end_is_not_written(host: FakeHost) -> None:
    applied(host)
    host.fail = full('{"end"')
    undo = prepare(host)
    assert undo is not None
    with pytest.raises(HostError, match="the host is what it was, but the journal could n") as told:
        rollback(host, undo)
    assert "nothing was touched" not in told.value.message
    assert len(host.log) == 2
    host.fail = lambda effect: None
    assert prepare(host) == undo, "it was not written down, so it can be done again"


def test_a_difference_is_told_on_a_full_disk_too(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(host)
    host.fail = full('{"end"')
    now = ObservedState(
        KernelState("6.14"), nics=(NicState(PCI, "mlx5_core", None, None),), ovs=RUNNING
    )
    monkeypatch.setattr("eswitch.engine.revert.observe", lambda host: now)
    undo = prepare(host)
    assert undo is not None
    with pytest.raises(NotEffective, match=r"is new\nthe journal could not be written"):
        rollback(host, undo)


def test_a_write_that_hangs_stops_the_undo(host: FakeHost) -> None:
    first, second = port(), vfs()
    entry = Journal.begin(host, "x.yaml", EMPTY)
    entry.intend([first, second])
    host.fail = lambda effect: TimedOut("no answer") if "numvfs" in effect else None
    undo = prepare(host)
    assert undo is not None
    with pytest.raises(HostError, match="no answer"):
        rollback(host, undo)
    assert not any("del-port" in line for line in host.log)


def test_one_refusal_does_not_stop_the_others(host: FakeHost) -> None:
    entry = Journal.begin(host, "x.yaml", EMPTY)
    entry.intend([port(), port()])
    host.fail = fails("-- --if-exists del-port br0 x -- --if-exists", "no bridge named br0")
    undo = prepare(host)
    assert undo is not None
    assert rollback(host, undo) == ()
    assert host.log == ["ovs-vsctl --timeout=60 -- --if-exists del-port br0 x"] * 2


def test_a_vf_in_use_is_not_pulled(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    applied(host)
    held = VfState(0, PciAddress("0000:07:00.2"), users=("process 812 (kvm)",))
    nic = NicState(PCI, "mlx5_core", None, None, vfs=(held,))
    now = ObservedState(KernelState("6.14"), nics=(nic,), ovs=RUNNING)
    monkeypatch.setattr("eswitch.engine.revert.observe", lambda host: now)
    undo = prepare(host)
    assert undo is not None
    with pytest.raises(Refused, match="process 812"):
        rollback(host, undo)
    assert host.log == []


def test_a_host_that_differs_afterwards_is_reported(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(host)
    now = ObservedState(
        KernelState("6.14"), nics=(NicState(PCI, "mlx5_core", None, None),), ovs=RUNNING
    )
    monkeypatch.setattr("eswitch.engine.revert.observe", lambda host: now)
    undo = prepare(host)
    assert undo is not None
    with pytest.raises(NotEffective, match=r"0000:07:00\.0 is new"):
        rollback(host, undo)


def test_differences_name_the_place() -> None:
    nic = NicState(PCI, "mlx5_core", None, None, sriov=SriovState(4, 0, autoprobe=True))
    more = replace(nic, sriov=SriovState(4, 2, autoprobe=True))
    found = differences(replace(EMPTY, nics=(nic,)), replace(EMPTY, nics=(more,)))
    assert found == (f"nics[{PCI}].sriov.count: was 0, now 2",)
    assert journal.SCHEMA == "eswitch.journal/v2"


def test_a_session_is_not_cut(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    applied(host)
    bridge = OvsBridge("br0", (OvsPort("br0", type="internal"),))
    now = ObservedState(
        KernelState("6.14"),
        links=(
            LinkState("br0", 3, None, up=True, carrier=True, mtu=1500, addresses=("10.0.0.5/24",)),
        ),
        ovs=OvsState(OvsStatus.RUNNING, bridges=(bridge,)),
        session_addresses=("10.0.0.5",),
    )
    monkeypatch.setattr("eswitch.engine.revert.observe", lambda host: now)
    undo = prepare(host)
    assert undo is not None
    with pytest.raises(Refused, match=r"10\.0\.0\.5"):
        rollback(host, undo)
    assert host.log == []


def test_what_others_made_meanwhile_is_no_difference() -> None:
    tap = LinkState("tap101i0", 9, None, up=True, carrier=True, mtu=1500)
    ports: tuple[OvsPort, ...] = (OvsPort("tap101i0"),)

    def found() -> tuple[str, ...]:
        before = replace(RUNNING, bridges=(OvsBridge("br0"),))
        after = replace(RUNNING, bridges=(OvsBridge("br0", ports),))
        return differences(replace(EMPTY, ovs=before), replace(EMPTY, ovs=after, links=(tap,)))

    assert found() == ()
    ports += (OvsPort("r0", external_ids={"eswitch": "0000:07:00.0/vf0"}),)
    assert found() == ("ovs.bridges[br0].ports: r0 is new",)
