"""Each kind of subject as people read it, and what says that two are the same."""

from __future__ import annotations

from typing import get_args

import pytest

from eswitch.model.identifiers import PciAddress, VfId
from eswitch.model.subject import (
    Bridge,
    DefaultRoute,
    File,
    HostAddress,
    Interface,
    KernelModule,
    Named,
    Nic,
    Part,
    Port,
    Representor,
    SpecNic,
    SpecPort,
    Subject,
    Tool,
    Uplink,
    together,
    vf_of,
)

PF = PciAddress("0000:07:00.0")
VF = VfId(PF, 3)

TOLD = {
    Part.OPEN_VSWITCH: "Open vSwitch",
    SpecNic("cx6"): "cx6",
    Nic(PF): "0000:07:00.0",
    Uplink(PF): "0000:07:00.0 uplink",
    VF: "0000:07:00.0 VF 3",
    Representor(VF): "0000:07:00.0 VF 3 representor",
    Bridge("vmbr2"): "vmbr2",
    Port("enp7s0f0r3"): "port enp7s0f0r3",
    Interface("eno1"): "eno1",
    Named("enp7s0f0r3", VF): "enp7s0f0r3 (0000:07:00.0 VF 3)",
    SpecPort("cx6"): "cx6/uplink",
    HostAddress("192.168.1.101/24"): "192.168.1.101/24",
    DefaultRoute(6): "IPv6 default route",
    KernelModule("vfio"): "vfio",
    File("/etc/kernel/cmdline"): "/etc/kernel/cmdline",
    Tool("ip"): "ip",
}


def test_every_kind_is_here() -> None:
    assert {type(subject) for subject in TOLD} == set(get_args(Subject))


@pytest.mark.parametrize(("subject", "text"), TOLD.items(), ids=TOLD.values())
def test_as_people_read_it(subject: Subject, text: str) -> None:
    assert str(subject) == text


def test_subjects_of_one_name_and_different_kinds_are_different() -> None:
    alike = [Bridge("x"), Interface("x"), SpecNic("x"), KernelModule("x"), Port("x"), File("x")]
    assert len(set(alike)) == len(alike)


def test_the_name_of_the_day_is_no_part_of_who_a_nic_is() -> None:
    assert Nic(PF, "enp7s0f0np0") == Nic(PF)
    assert str(Nic(PF, "enp7s0f0np0")) == "0000:07:00.0 (enp7s0f0np0)"


def test_the_kinds_that_are_written_down_are_different() -> None:
    kinds = [kind.KIND for kind in get_args(Subject) if kind is not Part]
    assert len(set(kinds)) == len(kinds)


def test_vfs_of_a_pf_are_told_together() -> None:
    assert vf_of(VF) == vf_of(Representor(VF)) == VF
    assert vf_of(Nic(PF)) is None
    assert together(VF, VF, "0-126") == "0000:07:00.0 VF 0-126"
    assert together(Representor(VF), VF, "0-126") == "0000:07:00.0 VF 0-126 representor"
