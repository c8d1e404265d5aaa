"""Whether a NIC could be an e-switch here: the planner's own checks, asked without a spec."""

from __future__ import annotations

from dataclasses import replace

from eswitch.model.desired import DesiredNic, NicMatch
from eswitch.model.drivers import Support
from eswitch.model.firmware import FirmwareState
from eswitch.model.observed import NicState, ObservedState
from eswitch.model.plan import Blocker
from eswitch.model.question import Question, Topic
from eswitch.model.subject import Nic, Part
from eswitch.model.suitability import Suitability
from eswitch.model.unknown import Unknown

from . import matching

DPU = "a BlueField in DPU mode: its own Arm cores hold the e-switch"


def suitability(nic: NicState, observed: ObservedState) -> Suitability:
    """Driver, SR-IOV, kernel, in this order: the first that is missing is the reason."""
    asked = DesiredNic(nic.netdev or nic.pci, NicMatch(pci=nic.pci))
    if nic.driver is None and (due := matching.known_profile(nic)) is not None:
        hint = f"`eswitch plan` says whether this kernel has {due.name}, and how to get it"
        return Suitability(
            able=False, why=f"it has no driver ({due.name})", hint=hint, curable=True
        )
    profile = matching.profile_for(asked, nic)
    if isinstance(profile, Blocker):
        # Another card is what helps here: no hint is worth its line.
        return replace(_unable(profile, nic), hint="" if nic.driver else profile.hint, alien=True)
    if isinstance(nic.firmware, FirmwareState) and nic.firmware.is_dpu:
        hint = "run eswitch on the BlueField itself, or put the card into NIC mode"
        return Suitability(able=False, why=f"it is {DPU}", hint=hint)
    if nic.sriov is None or nic.sriov.total == 0:
        why = "it shows no SR-IOV capability" if nic.sriov is None else "it offers no VFs"
        hint = "switch SR-IOV on in the BIOS, then reboot"
        if profile.firmware:
            hint = "`eswitch plan` with a spec says what its firmware and the BIOS lack"
        return Suitability(able=False, why=why, hint=hint, curable=bool(profile.firmware))
    verdict = matching.kernel_verdict(asked, profile, observed)
    if isinstance(verdict, Blocker):
        return replace(_unable(verdict, nic), curable=True)
    remarks = [profile.remark] if profile.support is Support.DOCUMENTED else []
    if verdict:
        remarks.append(verdict.message)
    if isinstance(nic.eswitch, Unknown):
        why = f"its e-switch cannot be read: {nic.eswitch.reason}"
        return Suitability(able=None, why=why, remark="; ".join(remarks))
    return Suitability(able=True, remark="; ".join(remarks))


def _unable(blocker: Blocker, nic: NicState) -> Suitability:
    why = blocker.message.removeprefix(f"{nic.pci} is ").removeprefix(f"{nic.pci} ")
    return Suitability(able=False, why=why, hint=blocker.hint)


def questions(observed: ObservedState) -> frozenset[Question]:
    """What to ask of NICs of which the first look tells too little, without a spec."""
    return frozenset(
        Question(Topic.FIRMWARE, nic.pci)
        for nic in observed.nics
        if (profile := matching.known_profile(nic)) is not None
        and profile.firmware
        and nic.firmware is None
        and (not nic.sriov or not nic.sriov.total or isinstance(nic.eswitch, Unknown))
    )


def none_suitable(observed: ObservedState) -> tuple[Blocker, ...]:
    """What keeps each NIC from it, those that can be helped first; empty if one is usable, may be,
    or can become so here."""
    fits = [(nic, suitability(nic, observed)) for nic in observed.nics]
    if any(fit.able is not False or fit.curable for _, fit in fits):
        return ()
    if not fits:
        hint = "use a NIC with a programmable e-switch, such as a ConnectX-5 or later"
        return (Blocker(Part.HOST, "it has no network card on a PCI bus", hint),)
    fits.sort(key=lambda each: each[1].alien)
    return tuple(_obstacle(nic, fit) for nic, fit in fits)


def _obstacle(nic: NicState, fit: Suitability) -> Blocker:
    return Blocker(Nic(nic.pci, nic.netdev), fit.why, fit.hint)
