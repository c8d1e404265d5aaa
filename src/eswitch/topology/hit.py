"""Whose traffic a change hits: from who it is about to the interfaces that hear of it."""

from __future__ import annotations

from collections.abc import Iterable

from eswitch.model.identifiers import VfId
from eswitch.model.observed import LinkState, ObservedState
from eswitch.model.subject import Bridge, Interface, Nic, Port, Representor, Subject, Uplink

from . import stacking


def links_of(subjects: Iterable[Subject], observed: ObservedState) -> tuple[LinkState, ...]:
    """The interfaces on this host that hear of it when that happens to these; each once."""
    names = {link.name for subject in subjects for link in _links(subject, observed)}
    return tuple(link for link in observed.links if link.name in names)


def _links(subject: Subject, observed: ObservedState) -> tuple[LinkState, ...]:
    match subject:
        case Nic(pci=pci) | Uplink(pci=pci):
            pf = observed.nic(pci)
            return stacking.carriers(pf, observed) if pf else ()
        case VfId() | Representor():
            return _behind(subject if isinstance(subject, VfId) else subject.vf, observed)
        case Bridge(name=name):
            bridge = observed.ovs.bridge(name)
            return stacking.on_bridge(bridge, observed) if bridge else ()
        case Port(name=name):
            return _port(name, observed)
        case Interface(name=name):
            return stacking.on_top({name}, observed)
        case _:
            return ()


def _behind(vf: VfId, observed: ObservedState) -> tuple[LinkState, ...]:
    """A VF's own interface, as far as this host has it."""
    pf = observed.nic(vf.pf)
    state = pf.vf(vf.index) if pf else None
    return stacking.on_top({state.netdev}, observed) if state and state.netdev else ()


def _port(name: str, observed: ObservedState) -> tuple[LinkState, ...]:
    """Of an uplink all that is on it; of a representor what is behind it; else the port itself."""
    for pf in observed.nics:
        if pf.netdev == name:
            return stacking.carriers(pf, observed)
        for vf in pf.vfs:
            if vf.representor == name:
                return _behind(VfId(pf.pci, vf.index), observed)
    return stacking.on_top({name}, observed)
