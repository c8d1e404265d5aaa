"""Whether a NIC could be an e-switch here: the planner's own checks, asked without a spec."""

from __future__ import annotations

from dataclasses import replace

from eswitch.model.desired import DesiredNic, NicMatch
from eswitch.model.drivers import Support
from eswitch.model.fitness import Fitness
from eswitch.model.observed import NicState, ObservedState, Unknown
from eswitch.model.plan import Blocker

from . import nics


def fitness(nic: NicState, observed: ObservedState) -> Fitness:
    """Driver, SR-IOV, kernel, in this order: the first that is missing is the reason."""
    asked = DesiredNic(nic.netdev or nic.pci, NicMatch(pci=nic.pci))
    profile = nics.profile_for(asked, nic)
    if isinstance(profile, Blocker):
        # Another card is what helps here: no hint is worth its line.
        return replace(_unable(profile, nic), hint="" if nic.driver else profile.hint, alien=True)
    if nic.sriov is None:
        hint = "switch SR-IOV on in the BIOS and in the NIC's firmware, then reboot"
        return Fitness(able=False, why="it shows no SR-IOV capability", hint=hint)
    if nic.sriov.total == 0:
        hint = "raise NUM_OF_VFS in the NIC's firmware and reboot"
        return Fitness(able=False, why="its firmware offers no VFs", hint=hint)
    verdict = nics.kernel_verdict(asked, profile, observed)
    if isinstance(verdict, Blocker):
        return replace(_unable(verdict, nic), by_kernel=True)
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
