"""What may be agreed to by somebody who is there, and not for a time when nobody is."""

from __future__ import annotations

from collections.abc import Iterator

from eswitch.model.observed import LinkState, ObservedState
from eswitch.model.plan import Blocker, Plan
from eswitch.model.step import Step
from eswitch.topology import stacking
from eswitch.topology.ownership import ADDRESSES


def unattended_harm(plan: Plan, observed: ObservedState) -> tuple[Blocker, ...]:
    """Later steps that would cut the host off, were they to run by themselves after the reboot.

    An address that eswitch has given a bridge it also brings back. Others may be gone for good, and
    if the host is reached only by them, nobody could log in to mend that.
    """
    found: dict[str, Blocker] = {}
    for step in plan.later:
        links = _shaken(step, observed) if step.disturbs else ()
        addresses = tuple(_not_ours(links, observed))
        if not addresses or not _the_only_way({link.name for link in links}, observed):
            continue
        message = f"{step.attribute} -> {step.new}: after the reboot nobody would be there to bring"
        found.setdefault(
            step.subject,
            Blocker(
                step.subject,
                f"{message} {', '.join(addresses)} back",
                "do this part from the console without --reboot, or give the host an address "
                "that is on another card first",
                harm=True,
                source=step.source,
            ),
        )
    return tuple(found.values())


def _shaken(step: Step, observed: ObservedState) -> tuple[LinkState, ...]:
    """The interfaces that carry what a step about an uplink, or a bridge that goes, disturbs."""
    for pf in observed.nics:
        if step.subject in (pf.pci, f"{pf.pci} uplink"):
            return stacking.carriers(pf, observed)
    bridge = observed.ovs.bridge(step.subject)
    return stacking.on_bridge(bridge, observed) if bridge and step.attribute == "bridge" else ()


def _not_ours(links: tuple[LinkState, ...], observed: ObservedState) -> Iterator[str]:
    for link in links:
        bridge = observed.ovs.bridge(link.name)
        ours = bridge.external_ids.get(ADDRESSES, "").split() if bridge else []
        yield from (address for address in link.addresses if address not in ours)


def _the_only_way(names: set[str], observed: ObservedState) -> bool:
    """Whether the host has no default route, or no address, but over these interfaces."""
    routes = {route.device for route in observed.routes}
    holders = {link.name for link in observed.links if link.addresses}
    return (bool(routes) and routes <= names) or holders <= names
