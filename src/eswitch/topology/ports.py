"""Which interface each port is that the spec wants in a bridge."""

from __future__ import annotations

from dataclasses import dataclass

from eswitch.model.action import Unnamed, Word
from eswitch.model.desired import DesiredBridge, DesiredState
from eswitch.model.identifiers import VfId
from eswitch.model.observed import NicState, ObservedState
from eswitch.model.subject import Uplink

from .matching import usable


@dataclass(frozen=True, slots=True)
class WantedPort:
    """A port that the spec wants: `name` is its interface, once it has one; `vf` is None for the
    uplink."""

    bridge: str
    name: Word
    tag: int | None
    pf: NicState
    vf: VfId | None

    @property
    def subject(self) -> Uplink | VfId:
        """Who the port is about."""
        return Uplink(self.pf.pci) if self.vf is None else self.vf

    @property
    def identity(self) -> str:
        """Its mark in OVSDB."""
        return f"{self.pf.pci}/uplink" if self.vf is None else f"{self.pf.pci}/vf{self.vf.index}"


def wanted_ports(
    bridge: DesiredBridge, desired: DesiredState, observed: ObservedState
) -> list[WantedPort]:
    """The ports of one bridge in the spec's order; those of unusable NICs are left out."""
    found = []
    pfs = {nic.name: pf for nic, pf in usable(desired, observed)}
    for port in bridge.ports:
        pf = pfs.get(port.nic)
        if pf is None:
            continue
        vf = None if port.vf is None else VfId(pf.pci, port.vf)
        name = uplink_name(pf) if vf is None else representor_name(pf, vf.index)
        found.append(WantedPort(bridge.name, name, port.vlan, pf, vf))
    return found


def uplink_name(pf: NicState) -> Word:
    """The name of a PF's interface, or what stands for it until it has one."""
    return pf.netdev or Unnamed(f"uplink of {pf.pci}")


def representor_name(pf: NicState, index: int) -> Word:
    """The same of the representor of a VF, which may be yet to be made."""
    vf = pf.vf(index)
    here = vf.representor if vf else None
    return here or Unnamed(f"representor of {VfId(pf.pci, index)}")
