"""What a reboot will leave of a host, as far as it can be foreseen."""

from __future__ import annotations

from dataclasses import replace

from eswitch.model.drivers import ModeChange, profile_of
from eswitch.model.observed import EswitchState, NicState, ObservedState


def after_reboot(observed: ObservedState) -> ObservedState:
    """No VFs and every e-switch in legacy mode: neither outlives a boot (domain.md 1.4).

    What else is configured to come up at boot is taken to do so. The administrator's session stays
    where it is: what would cut it must be refused before the reboot, not after it.
    """
    return replace(observed, nics=tuple(restarted(nic) for nic in observed.nics))


def restarted(nic: NicState) -> NicState:
    """The same function after its own restart, by a boot or a reset of the card."""
    sriov = replace(nic.sriov, count=0, autoprobe=True) if nic.sriov else None
    eswitch = nic.eswitch
    profile = profile_of(nic.driver)
    lasting = profile is not None and profile.mode_change is ModeChange.FIXED
    if isinstance(eswitch, EswitchState) and not lasting:
        eswitch = EswitchState("legacy", eswitch.inline_mode, eswitch.encap_mode)
    return replace(nic, sriov=sriov, eswitch=eswitch, vfs=(), ingress=None)
