"""Why no NIC of a host can be an e-switch, where that is so: the way out is then not the spec."""

from __future__ import annotations

from eswitch.model.fitness import Fitness
from eswitch.model.observed import NicState, ObservedState
from eswitch.model.plan import Blocker

from .fitness import fitness


def none_usable(observed: ObservedState) -> tuple[Blocker, ...]:
    """What keeps each NIC from it, those that can be helped first; empty if one is usable, may be,
    or only needs another kernel."""
    fits = [(nic, fitness(nic, observed)) for nic in observed.nics]
    if any(fit.able is not False or fit.by_kernel for _, fit in fits):
        return ()
    if not fits:
        hint = "use a NIC with a programmable e-switch, such as a ConnectX-5 or later"
        return (Blocker("this host", "it has no network card on a PCI bus", hint),)
    fits.sort(key=lambda each: each[1].alien)
    return tuple(_obstacle(nic, fit) for nic, fit in fits)


def _obstacle(nic: NicState, fit: Fitness) -> Blocker:
    subject = f"{nic.pci} ({nic.netdev})" if nic.netdev else str(nic.pci)
    return Blocker(subject, fit.why, fit.hint)
