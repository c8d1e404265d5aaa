"""What may be agreed to by somebody who is there, and not for a time when nobody is."""

from __future__ import annotations

from collections.abc import Iterator

from eswitch.model.observed import LinkState, ObservedState
from eswitch.model.plan import Blocker, Obstacle, Plan
from eswitch.model.subject import Subject
from eswitch.topology.hit import links_of
from eswitch.topology.ownership import ADDRESSES


def unattended_harm(plan: Plan, observed: ObservedState) -> tuple[Blocker, ...]:
    """Later steps that would cut the host off, were they to run by themselves after the reboot.

    An address that eswitch has given a bridge it also brings back. Others may be gone for good, and
    if the host is reached only by them, nobody could log in to mend that.
    """
    found: dict[Subject, Blocker] = {}
    for step in plan.later:
        links = links_of((who for each in step.disturbs for who in each.who), observed)
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
                Obstacle.SESSION,
                step.source,
            ),
        )
    return tuple(found.values())


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
