"""Who hears of it when something happens to a subject: what is on it, and all that lies above."""

from __future__ import annotations

import pytest

from eswitch.model.identifiers import PciAddress, VfId
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
from eswitch.model.subject import (
    Bridge,
    DefaultRoute,
    File,
    HostAddress,
    Interface,
    Nic,
    Part,
    Port,
    Representor,
    SpecNic,
    Subject,
    Uplink,
)
from eswitch.topology.hit import links_of

PF = PciAddress("0000:07:00.0")
VF = VfId(PF, 0)


def link(name: str, **more: str) -> LinkState:
    return LinkState(name, 1, None, up=True, carrier=True, mtu=1500, **more)  # type: ignore[arg-type]


HOST = ObservedState(
    KernelState("6.14"),
    nics=(
        NicState(
            PF,
            "mlx5_core",
            "enp7s0f0np0",
            None,
            vfs=(
                VfState(
                    0, PciAddress("0000:07:00.2"), netdev="enp7s0f0v0", representor="enp7s0f0r0"
                ),
                VfState(1, PciAddress("0000:07:00.3"), representor="enp7s0f0r1"),
            ),
        ),
    ),
    links=(
        link("enp7s0f0np0", master="ovs-system"),
        link("enp7s0f0v0"),
        link("enp7s0f0v0.20", lower="enp7s0f0v0"),
        link("enp7s0f0r0", master="ovs-system"),
        link("enp7s0f0r1", master="ovs-system"),
        link("vmbr2"),
        link("vmbr2.30", lower="vmbr2"),
        link("inside"),
        link("eno1", master="vmbr0"),
        link("vmbr0", kind="bridge"),
    ),
    ovs=OvsState(
        OvsStatus.RUNNING,
        bridges=(
            OvsBridge(
                "vmbr2",
                (
                    OvsPort("vmbr2", type="internal"),
                    OvsPort("inside", type="internal"),
                    OvsPort("enp7s0f0np0"),
                    OvsPort("enp7s0f0r0"),
                ),
            ),
        ),
    ),
)

OF_THE_UPLINK = {"enp7s0f0np0", "vmbr2", "vmbr2.30", "inside"}


@pytest.mark.parametrize(
    ("subject", "names"),
    [
        (Nic(PF), OF_THE_UPLINK),
        (Uplink(PF), OF_THE_UPLINK),
        (Port("enp7s0f0np0"), OF_THE_UPLINK),
        (Bridge("vmbr2"), {"vmbr2", "vmbr2.30", "inside", "enp7s0f0v0", "enp7s0f0v0.20"}),
        (VF, {"enp7s0f0v0", "enp7s0f0v0.20"}),
        (Representor(VF), {"enp7s0f0v0", "enp7s0f0v0.20"}),
        (Port("enp7s0f0r0"), {"enp7s0f0v0", "enp7s0f0v0.20"}),
        (Port("inside"), {"inside"}),
        (Interface("eno1"), {"eno1", "vmbr0"}),
        # This host has no interface behind it: its guest hears, and is asked about elsewhere.
        (VfId(PF, 1), set()),
        (Port("enp7s0f0r1"), set()),
        (VfId(PF, 9), set()),
        (VfId(PciAddress("0000:99:00.0"), 0), set()),
        (Nic(PciAddress("0000:99:00.0")), set()),
        (Bridge("vmbr9"), set()),
        (HostAddress("192.168.1.101/24"), set()),
        (DefaultRoute(4), set()),
        (File("/etc/vmbr2"), set()),
        (SpecNic("vmbr2"), set()),
        (Part.OPEN_VSWITCH, set()),
    ],
    ids=str,
)
def test_links(subject: Subject, names: set[str]) -> None:
    assert {each.name for each in links_of([subject], HOST)} == names


def test_several_subjects_are_told_once_and_in_the_order_of_the_host() -> None:
    found = [each.name for each in links_of([Bridge("vmbr2"), Uplink(PF), VF], HOST)]
    names = OF_THE_UPLINK | {"enp7s0f0v0", "enp7s0f0v0.20"}
    assert found == [each.name for each in HOST.links if each.name in names]
