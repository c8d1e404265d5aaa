"""What the NICs of a host are fit for, asked without a spec."""

from __future__ import annotations

from eswitch.model.fitness import Fitness
from eswitch.model.observed import NicState, ObservedState
from eswitch.model.plan import Blocker
from eswitch.model.question import Question, Topic
from eswitch.model.unknown import Unknown

from .fitness import fitness
from .nics import known_profile


def questions(observed: ObservedState) -> frozenset[Question]:
    """What to ask of NICs of which the first look tells too little, without a spec."""
    return frozenset(
        Question(Topic.FIRMWARE, nic.pci)
        for nic in observed.nics
        if (profile := known_profile(nic)) is not None
        and profile.firmware
        and nic.firmware is None
        and (not nic.sriov or not nic.sriov.total or isinstance(nic.eswitch, Unknown))
    )


def none_usable(observed: ObservedState) -> tuple[Blocker, ...]:
    """What keeps each NIC from it, those that can be helped first; empty if one is usable, may be,
    or can become so here."""
    fits = [(nic, fitness(nic, observed)) for nic in observed.nics]
    if any(fit.able is not False or fit.curable for _, fit in fits):
        return ()
    if not fits:
        hint = "use a NIC with a programmable e-switch, such as a ConnectX-5 or later"
        return (Blocker("this host", "it has no network card on a PCI bus", hint),)
    fits.sort(key=lambda each: each[1].alien)
    return tuple(_obstacle(nic, fit) for nic, fit in fits)


def _obstacle(nic: NicState, fit: Fitness) -> Blocker:
    subject = f"{nic.pci} ({nic.netdev})" if nic.netdev else str(nic.pci)
    return Blocker(subject, fit.why, fit.hint)
