"""Whether a NIC could be an e-switch here: the planner's own checks, asked without a spec."""

from __future__ import annotations

from dataclasses import replace

from eswitch.model.desired import DesiredNic, NicMatch
from eswitch.model.drivers import Support
from eswitch.model.firmware import FirmwareState
from eswitch.model.fitness import Fitness
from eswitch.model.observed import NicState, ObservedState
from eswitch.model.plan import Blocker
from eswitch.model.unknown import Unknown

from . import nics
from .firmware import DPU


def fitness(nic: NicState, observed: ObservedState) -> Fitness:
    """Driver, SR-IOV, kernel, in this order: the first that is missing is the reason."""
    asked = DesiredNic(nic.netdev or nic.pci, NicMatch(pci=nic.pci))
    if nic.driver is None and (due := nics.known_profile(nic)) is not None:
        hint = f"`eswitch plan` says whether this kernel has {due.name}, and how to get it"
        return Fitness(able=False, why=f"it has no driver ({due.name})", hint=hint, curable=True)
    profile = nics.profile_for(asked, nic)
    if isinstance(profile, Blocker):
        # Another card is what helps here: no hint is worth its line.
        return replace(_unable(profile, nic), hint="" if nic.driver else profile.hint, alien=True)
    if isinstance(nic.firmware, FirmwareState) and nic.firmware.is_dpu:
        hint = "run eswitch on the BlueField itself, or put the card into NIC mode"
        return Fitness(able=False, why=f"it is {DPU}", hint=hint)
    if nic.sriov is None or nic.sriov.total == 0:
        why = "it shows no SR-IOV capability" if nic.sriov is None else "it offers no VFs"
        hint = "switch SR-IOV on in the BIOS, then reboot"
        if profile.firmware:
            hint = "`eswitch plan` with a spec says what its firmware and the BIOS lack"
        return Fitness(able=False, why=why, hint=hint, curable=bool(profile.firmware))
    verdict = nics.kernel_verdict(asked, profile, observed)
    if isinstance(verdict, Blocker):
        return replace(_unable(verdict, nic), curable=True)
    remarks = [profile.remark] if profile.support is Support.DOCUMENTED else []
    if verdict:
        remarks.append(verdict.message)
    if isinstance(nic.eswitch, Unknown):
        why = f"its e-switch cannot be read: {nic.eswitch.reason}"
        return Fitness(able=None, why=why, remark="; ".join(remarks))
    return Fitness(able=True, remark="; ".join(remarks))


def _unable(blocker: Blocker, nic: NicState) -> Fitness:
    why = blocker.message.removeprefix(f"{nic.pci} is ").removeprefix(f"{nic.pci} ")
    return Fitness(able=False, why=why, hint=blocker.hint)
