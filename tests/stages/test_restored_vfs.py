"""Both stages that make VFs make them in one way."""

from __future__ import annotations

from eswitch.model.action import Settle, SetVfCount
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import KernelState, NicState, ObservedState, SriovState
from eswitch.stages import restored_vfs

PF = PciAddress("0000:07:00.0")


def pf(driver: str, *, autoprobe: bool = True) -> NicState:
    sriov = SriovState(total=8, count=2, autoprobe=autoprobe)
    return NicState(PF, driver, "up0", None, sriov=sriov)


def test_vfs_are_made_unbound() -> None:
    (off, made, _, on) = restored_vfs.make(pf("mlx5_core"), 4)
    assert (str(off), str(on)) == (
        f"echo 0 > /sys/bus/pci/devices/{PF}/sriov_drivers_autoprobe",
        f"echo 1 > /sys/bus/pci/devices/{PF}/sriov_drivers_autoprobe",
    )
    assert made == SetVfCount(PF, 4, timeout=84.0)


def test_the_wait_is_for_the_pf_where_its_driver_is_the_vfs_too() -> None:
    assert restored_vfs.make(pf("mlx5_core"), 4)[2] == Settle(urgent=True, pf=PF)
    assert restored_vfs.make(pf("ice"), 4)[2] == Settle(urgent=True)


def test_the_time_is_that_of_the_most_that_there_may_be() -> None:
    assert restored_vfs.remove(pf("ice")) == SetVfCount(PF, 0, timeout=84.0)
    assert restored_vfs.remove(pf("ice"), most=100).timeout == 360.0


def test_made_again_autoprobe_is_as_it_was() -> None:
    state = ObservedState(KernelState("6.14"))
    for was in (False, True):
        *_, last = restored_vfs.make_again(pf("ice", autoprobe=was), state)
        assert last == restored_vfs.autoprobe(pf("ice"), on=was)
    assert restored_vfs.make_again(NicState(PF, "ice", None, None), state) == ()
