"""What a host will be once steps have run, or after a reboot, as far as it can be foreseen."""

from __future__ import annotations

from dataclasses import replace

from eswitch.model.drivers import ModeChange, profile_of
from eswitch.model.machine import BootState
from eswitch.model.observed import EswitchState, NicState, ObservedState
from eswitch.model.plan import Note
from eswitch.model.subject import Part
from eswitch.model.unknown import Unknown


def of_reboot(boot: BootState | Unknown | None, release: str) -> tuple[Note, ...]:
    """What the user should know of the reboot itself; `release` is that of the running kernel."""
    if not isinstance(boot, BootState):
        return ()
    notes: tuple[Note, ...] = ()
    if boot.next_release not in (None, release):
        text = f"it starts kernel {boot.next_release}, this one is {release}: what was found out"
        notes += (Note(Part.REBOOT, f"{text} concerns this one"),)
    if boot.passphrase:
        text = "this host may ask for a passphrase at boot (/etc/crypttab), and wait for it"
        notes += (Note(Part.REBOOT, text),)
    return notes


def after_reboot(observed: ObservedState) -> ObservedState:
    """No VFs and every e-switch in legacy mode: neither outlives a boot (facts 1.4).

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


def with_nic(observed: ObservedState, pf: NicState) -> ObservedState:
    """The same host with that PF in the place of what it was."""
    return replace(observed, nics=tuple(pf if n.pci == pf.pci else n for n in observed.nics))


def without_port(observed: ObservedState, name: str) -> ObservedState:
    """The same host with that port gone from its bridge."""
    bridges = tuple(
        replace(bridge, ports=tuple(port for port in bridge.ports if port.name != name))
        for bridge in observed.ovs.bridges
    )
    links = tuple(
        replace(link, master=None) if link.name == name else link for link in observed.links
    )
    return replace(observed, links=links, ovs=replace(observed.ovs, bridges=bridges))


def without_bridges(bridges: set[str], observed: ObservedState) -> ObservedState:
    """The same host once these bridges have gone, with their ports, addresses and routes."""
    ovs = observed.ovs
    free = {port.name for each in ovs.bridges if each.name in bridges for port in each.ports}
    return replace(
        observed,
        ovs=replace(ovs, bridges=tuple(each for each in ovs.bridges if each.name not in bridges)),
        links=tuple(
            replace(link, master=None) if link.name in free else link
            for link in observed.links
            if link.name not in bridges
        ),
        routes=tuple(route for route in observed.routes if route.device not in bridges),
    )
