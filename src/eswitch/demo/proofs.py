"""How to tell that an act of the story showed what it was meant to show. Pure.

A proof takes what was seen and returns what is wrong, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import EswitchState, NicState, ObservedState, OvsStatus
from eswitch.offload.flow import Placement
from eswitch.offload.place import Place

_WRITES = ("write ", "replace ", "append ")


@dataclass(frozen=True, slots=True)
class Seen:
    """The machine before and after an act, its flows after it, what the act did to it (the door's
    own log), and what it looked like at the moments that the story remembers."""

    before: ObservedState
    after: ObservedState
    places: tuple[Place, ...] = ()
    operations: tuple[str, ...] = ()
    past: Mapping[str, ObservedState] | None = None


Proof = Callable[[Seen], str]


def _nic(seen: Seen, pci: str) -> NicState | None:
    return seen.after.nic(PciAddress(pci))


def cannot_switch(pci: str) -> Proof:
    """The NIC shows no SR-IOV: there is nothing to make VFs of."""

    def proof(seen: Seen) -> str:
        nic = _nic(seen, pci)
        if nic is None:
            return f"there is no {pci}"
        return f"{pci} can have VFs already" if nic.sriov and nic.sriov.total else ""

    return proof


def can_switch(pci: str, vfs: int) -> Proof:
    """The firmware offers VFs, and the IOMMU is on."""

    def proof(seen: Seen) -> str:
        nic = _nic(seen, pci)
        if nic is None or nic.sriov is None or nic.sriov.total < vfs:
            return f"{pci} does not offer {vfs} VFs"
        return "" if nic.iommu_group is not None else f"{pci} is in no IOMMU group"

    return proof


def both(*proofs: Proof) -> Proof:
    """All of them."""

    def proof(seen: Seen) -> str:
        return next((wrong for each in proofs if (wrong := each(seen))), "")

    return proof


def is_switch(pci: str, vfs: int, bridge: str) -> Proof:
    """Switchdev mode, so many VFs, and uplink and representors in the bridge."""

    def proof(seen: Seen) -> str:
        nic = _nic(seen, pci)
        if nic is None or not isinstance(nic.eswitch, EswitchState):
            return f"the e-switch of {pci} does not show itself"
        if nic.eswitch.mode != "switchdev" or len(nic.vfs) != vfs:
            return f"{pci} is in mode {nic.eswitch.mode} with {len(nic.vfs)} VFs"
        found = seen.after.ovs.bridge(bridge)
        names = [nic.netdev, *(vf.representor for vf in nic.vfs)]
        missing = [name for name in names if not (found and name and found.port(name))]
        return f"not in {bridge}: {', '.join(map(str, missing))}" if missing else ""

    return proof


def in_hardware(at_least: int) -> Proof:
    """Every unicast flow between ports of the e-switch runs in it, and there are enough."""

    def proof(seen: Seen) -> str:
        mine = [
            place for place in seen.places if place.unicast and place.nature.belongs_in_hardware
        ]
        slow = [place for place in mine if place.placement is not Placement.HARDWARE]
        if slow:
            return f"{len(slow)} of {len(mine)} flows are not in hardware: {slow[0].reason}"
        return "" if len(mine) >= at_least else f"there are only {len(mine)} flows"

    return proof


def untouched(seen: Seen) -> str:
    """Nothing was written, and the machine is what it was."""
    writes = [text for text in seen.operations if text.startswith(_WRITES)]
    if writes:
        return f"it wrote: {writes[0]}"
    return "" if seen.before == seen.after else "the machine has changed"


def lost(pci: str) -> Proof:
    """No VF, no bridge, legacy mode."""

    def proof(seen: Seen) -> str:
        nic = _nic(seen, pci)
        if nic is None or not isinstance(nic.eswitch, EswitchState):
            return f"the e-switch of {pci} does not show itself"
        if nic.vfs or nic.eswitch.mode != "legacy":
            return f"{pci} has kept its mode or its VFs"
        ovs = seen.after.ovs
        return "a bridge is left" if ovs.status is OvsStatus.RUNNING and ovs.bridges else ""

    return proof


def as_it_was(moment: str) -> Proof:
    """The machine is exactly what it was at a moment that the story remembers."""

    def proof(seen: Seen) -> str:
        if seen.past is None or moment not in seen.past:
            return f"nobody remembers {moment}"
        return "" if seen.after == seen.past[moment] else f"it is not what it was at: {moment}"

    return proof
