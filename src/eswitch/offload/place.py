"""What a datapath flow is: between whom, does it belong in hardware, and why is it not there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eswitch.model.observed import ObservedState

from .causes import Case, reason_of
from .datapath import Datapath, Port
from .flow import Flow, Placement
from .nature import Nature, nature_of
from .reason import Reason
from .recirculation import Chains


@dataclass(frozen=True, slots=True)
class Place:
    """A flow with its meaning.

    `placement` is the effective one: a flow behind `recirc()` is in hardware only if all flows
    that lead to it are, since the packets have passed the CPU otherwise. `reason` is None for
    flows in hardware.
    """

    flow: Flow
    source: Port
    targets: tuple[Port, ...]
    nature: Nature
    placement: Placement
    reason: Reason | None

    @property
    def unicast(self) -> bool:
        """Whether it is to one receiver."""
        return self.nature is not Nature.GROUP

    @property
    def counts(self) -> bool:
        """Whether it speaks for or against the hardware; a flood does where the NIC copies it."""
        in_nic = self.placement is Placement.HARDWARE
        return self.nature.belongs_in_hardware or (self.nature is Nature.FLOOD and in_nic)

    @property
    def final(self) -> bool:
        """False for a flow that only hands its packets to the next stage."""
        return bool(self.targets) or self.nature is Nature.DROP


def places(flows: Iterable[Flow], known: Datapath, observed: ObservedState) -> tuple[Place, ...]:
    """Locate all flows of a dump; they are needed together, because flows lead to flows."""
    flows = tuple(flows)
    chains = Chains(flows)
    return tuple(_place(flow, chains.effective(flow), known, observed) for flow in flows)


def _place(flow: Flow, placement: Placement, known: Datapath, observed: ObservedState) -> Place:
    source = known.port(flow.in_port)
    targets = tuple(known.port(name) for name in flow.outputs)
    nature = nature_of(flow, source, targets)
    reason = None
    if placement is not Placement.HARDWARE:
        reason = reason_of(Case(flow, placement, nature, (source, *targets), observed))
    return Place(flow, source, targets, nature, placement, reason)
