"""The links that have to be up."""

from __future__ import annotations

from collections.abc import Iterator

from eswitch.model.action import Command, Tool, Unnamed, Word
from eswitch.model.desired import DesiredState, EswitchMode
from eswitch.model.identifiers import VfId
from eswitch.model.observed import ObservedState, OvsStatus
from eswitch.model.step import Step
from eswitch.model.subject import Bridge, Representor, Subject, Uplink
from eswitch.topology import matching
from eswitch.topology.ports import representor_name, uplink_name


def links_up(desired: DesiredState, observed: ObservedState) -> Iterator[Step]:
    """Uplink, representors, bridges: a representor that is down takes its VF's carrier away."""
    for nic, pf in matching.usable(desired, observed):
        if nic.mode is not EswitchMode.SWITCHDEV:
            continue
        why = "nothing leaves the host otherwise"
        yield from _up(Uplink(pf.pci), uplink_name(pf), why, observed)
        for want in nic.vfs:
            subject = Representor(VfId(pf.pci, want.index))
            why = "while its representor is down, a VF has no carrier"
            yield from _up(subject, representor_name(pf, want.index), why, observed)
    for bridge in desired.bridges if observed.ovs.status is OvsStatus.RUNNING else ():
        why = "its local port carries the host's addresses"
        yield from _up(Bridge(bridge.name), bridge.name, why, observed)


def _up(subject: Subject, name: Word, why: str, observed: ObservedState) -> Iterator[Step]:
    link = None if isinstance(name, Unnamed) else observed.link(name)
    if link and link.up:
        return
    inverse = () if link is None else (Command(Tool.IP, ("link", "set", name, "down")),)
    up = Command(Tool.IP, ("link", "set", name, "up"))
    yield Step(subject, "link", "down", "up", why, (up,), inverse)
