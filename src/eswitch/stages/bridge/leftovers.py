"""What eswitch made earlier and the spec no longer wants, or wants under another name."""

from __future__ import annotations

from eswitch.model.action import Command, Tool
from eswitch.model.desired import DesiredState
from eswitch.model.disturbance import Disturbance, Effect
from eswitch.model.identifiers import OWNER, VfId
from eswitch.model.observed import ObservedState, OvsBridge, OvsPort
from eswitch.model.plan import Blocker, Note
from eswitch.model.step import Step
from eswitch.model.subject import Bridge, Port
from eswitch.stages.commands import mark, put_back, without_rules
from eswitch.topology.ownership import ADDRESSES, owned
from eswitch.topology.ports import WantedPort

from .addresses import put_route, record
from .sessions import session_on_bridge


def leftovers(
    desired: DesiredState, wanted: dict[str, list[WantedPort]], observed: ObservedState
) -> tuple[list[Step], set[str], list[Blocker], list[Note]]:
    """What eswitch made earlier and the spec no longer wants, or wants under another name."""
    steps: list[Step] = []
    gone: set[str] = set()
    blockers: list[Blocker] = []
    notes: list[Note] = []
    names = {bridge.name for bridge in desired.bridges}
    identities = {port.identity: port.name for ports in wanted.values() for port in ports}
    for bridge in observed.ovs.bridges:
        mine = owned(bridge)
        if bridge.name not in names and OWNER in bridge.external_ids:
            foreign = [
                port.name for port in bridge.ports if port not in mine and port.name != bridge.name
            ]
            if foreign:
                text = f"no longer in the spec, kept because {', '.join(foreign)} use it"
                notes.append(Note(Bridge(bridge.name), text))
            else:
                steps.append(_remove_bridge(bridge, observed))
                gone.add(bridge.name)
                blockers += session_on_bridge(bridge, observed)
                continue
        for port in mine:
            identity = port.external_ids[OWNER]
            # A name not known yet (VFs about to be made) tells nothing about this port.
            known = identities.get(identity)
            if known is None or (isinstance(known, str) and known != port.name):
                steps.append(_remove_port(bridge, port, observed))
                if not port.error:
                    blockers += session_on_bridge(bridge, observed)
    return steps, gone, blockers, notes


def _remove_port(bridge: OvsBridge, port: OvsPort, observed: ObservedState) -> Step:
    rules = [cmd for pf in observed.nics if pf.netdev == port.name for cmd in without_rules(pf)]
    text = f"{port.name} leaves {bridge.name}"
    leaves = Disturbance((Port(port.name),), Effect.LOSS, text)
    return Step(
        Port(port.name),
        "bridge port",
        bridge.name,
        "none",
        "eswitch put it there, and the spec no longer has it",
        (Command(Tool.OVS, ("--if-exists", "del-port", bridge.name, port.name)), *rules),
        (Command(Tool.OVS, put_back(bridge.name, port)),),
        disturbs=() if port.error else (leaves, *_cut_off({port.name}, observed)),
        touches=(Bridge(bridge.name),),
    )


def _cut_off(ports: set[str], observed: ObservedState) -> tuple[Disturbance, ...]:
    """Those who hold a VF whose representor goes."""
    return tuple(
        Disturbance(
            (VfId(pf.pci, vf.index),),
            Effect.LOSS,
            f"VF {vf.index} of {pf.pci}, in use by {', '.join(vf.users)}, is cut off",
        )
        for pf in observed.nics
        for vf in pf.vfs
        if vf.users and vf.representor in ports
    )


def _remove_bridge(bridge: OvsBridge, observed: ObservedState) -> Step:
    link = observed.link(bridge.name)
    back: tuple[str, ...] = ("--may-exist", "add-br", bridge.name)
    back = (*back, "--", "set", "bridge", bridge.name, mark("bridge"))
    for port in owned(bridge):
        back = (*back, "--", *put_back(bridge.name, port))
    inverse = [Command(Tool.OVS, back)]
    if link and link.up:
        inverse.append(Command(Tool.IP, ("link", "set", bridge.name, "up")))
    if ADDRESSES in bridge.external_ids:
        inverse.append(record(bridge.name, tuple(bridge.external_ids[ADDRESSES].split())))
    for address in link.addresses if link else ():
        words = ("addr", "add", address, "dev", bridge.name)
        inverse.append(Command(Tool.IP, words))
    routes = [route for route in observed.routes if route.device == bridge.name]
    inverse += [put_route(route) for route in routes]
    ports = {port.name for port in bridge.ports}
    rules = [cmd for pf in observed.nics if pf.netdev in ports for cmd in without_rules(pf)]
    gateways = (f"the default route over {bridge.name}" for _ in routes)
    lost = ", ".join((bridge.name, *(link.addresses if link else ()), *gateways))
    gone = Disturbance((Bridge(bridge.name),), Effect.LOSS, f"gone for good: {lost}")
    return Step(
        Bridge(bridge.name),
        "bridge",
        "Open vSwitch",
        "none",
        "eswitch made it, and the spec no longer has it",
        (Command(Tool.OVS, ("--if-exists", "del-br", bridge.name)), *rules),
        tuple(inverse),
        disturbs=(gone, *_cut_off(ports, observed)),
    )
