"""Which interface each port is that the spec wants in a bridge."""

from __future__ import annotations

from dataclasses import dataclass

from eswitch.model.action import Unnamed, Word
from eswitch.model.desired import DesiredBridge, DesiredState
from eswitch.model.identifiers import VfId
from eswitch.model.observed import NicState, ObservedState

from .matching import usable


@dataclass(frozen=True, slots=True)
class WantedPort:
    """A port that the spec wants: `identity` is its mark, `name` its interface, once it has one."""

    bridge: str
    identity: str
    name: Word
    tag: int | None
    pf: NicState
    uplink: bool

    @property
    def subject(self) -> str:
        """How plans call it."""
        return self.identity.replace("/", " ", 1).replace("vf", "VF ")


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
        name: Word
        if port.vf is None:
            identity = f"{pf.pci}/uplink"
            name = pf.netdev or Unnamed(f"uplink of {pf.pci}")
        else:
            identity = f"{pf.pci}/vf{port.vf}"
            vf = pf.vf(port.vf)
            here = vf.representor if vf else None
            name = here or Unnamed(f"representor of {VfId(pf.pci, port.vf)}")
        found.append(WantedPort(bridge.name, identity, name, port.vlan, pf, port.vf is None))
    return found
