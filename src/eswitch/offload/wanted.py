"""Where each port is that the spec wants in a bridge, or why it is not here."""

from __future__ import annotations

from dataclasses import dataclass

from eswitch.model.desired import DesiredPort, DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.subject import SpecPort
from eswitch.topology.matching import candidates

from .datapath import Datapath, Port, datapath


@dataclass(frozen=True, slots=True)
class Missing:
    """A port that the spec wants and the host does not have."""

    subject: SpecPort
    why: str


Wanted = tuple[tuple[str | None, Port | Missing], ...]
"""Bridge and port; the bridge is None where any will do (there is no spec)."""


def wanted(desired: DesiredState | None, observed: ObservedState) -> Wanted:
    """The ports that the spec puts into bridges, each with the name of its bridge.

    Without a spec those of the e-switches that somebody put into bridges.
    """
    known = datapath(observed)
    if desired is None:
        return tuple((port.bridge, port) for port in known.bridged)
    return tuple(
        (bridge.name, _resolve(port, desired, observed, known))
        for bridge in desired.bridges
        for port in bridge.ports
    )


def _resolve(
    port: DesiredPort, desired: DesiredState, observed: ObservedState, known: Datapath
) -> Port | Missing:
    subject = SpecPort(port.nic, port.vf)
    match = desired.nic(port.nic).match
    found = candidates(match, observed)
    if len(found) != 1:
        return Missing(subject, f"{len(found) or 'no'} NICs have {match}")
    (nic,) = found
    if port.vf is None:
        if nic.netdev is None:
            return Missing(
                SpecPort(port.nic, port.vf), f"{nic.pci} has no interface in this network namespace"
            )
        uplink = known.ports.get(nic.netdev)
        return uplink or Missing(
            SpecPort(port.nic, port.vf), f"{nic.netdev} is not in switchdev mode"
        )
    vf = nic.vf(port.vf)
    if vf is None:
        return Missing(subject, f"{nic.pci} has no VF {port.vf}")
    if vf.representor is None:
        return Missing(subject, f"VF {port.vf} of {nic.pci} has no representor")
    return known.port(vf.representor)
