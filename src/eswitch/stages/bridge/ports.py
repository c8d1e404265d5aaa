"""The ports that the spec wants: added, mended, tagged, moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from eswitch.model.action import Command, Tool, Unnamed, Word
from eswitch.model.disturbance import Disturbance, Effect
from eswitch.model.identifiers import OVS_DATAPATH, OWNER
from eswitch.model.observed import ObservedState, OvsBridge, OvsPort
from eswitch.model.plan import Blocker, Obstacle
from eswitch.model.step import Step
from eswitch.model.subject import Bridge
from eswitch.stages.commands import mark, put_back
from eswitch.topology import session, stacking
from eswitch.topology.ports import WantedPort

from .sessions import session_behind, session_on_bridge


def port_steps(want: WantedPort, observed: ObservedState) -> tuple[list[Step], list[Blocker]]:
    """Add it, mend it, or tag it. Moving somebody else's port is refused."""
    name = want.name
    if isinstance(name, Unnamed):
        return [_add_port(want, "none", ())], []
    holder = observed.ovs.bridge_of(name)
    port = holder.port(name) if holder else None
    if holder is None or port is None:
        return _new_port(want, name, observed)
    if holder.name != want.bridge:
        if OWNER not in port.external_ids:
            message = f"{name} is a port of bridge {holder.name}, which somebody else put it into"
            hint = f"ovs-vsctl del-port {holder.name} {name}"
            return [], [Blocker(want.subject, message, hint, Obstacle.FOREIGN)]
        return _move_port(want, name, holder, observed)
    if OWNER not in port.external_ids and (port.error or port.tag != want.tag):
        wrong = f"has VLAN {port.tag or 'none'}" if port.tag != want.tag else f"fails: {port.error}"
        message = f"{name}, which somebody else put into {holder.name}, {wrong}"
        hint = f"ovs-vsctl del-port {holder.name} {name}; eswitch then adds it as the spec says"
        return [], [Blocker(want.subject, message, hint, Obstacle.FOREIGN)]
    if port.error:
        again = Command(Tool.OVS, ("--if-exists", "del-port", want.bridge, name))
        return [_add_port(want, f"error: {port.error}", (again,))], []
    steps = list(_tag(want, name, port))
    return steps, session_behind(want, holder, observed) if steps else []


def _move_port(
    want: WantedPort, name: str, holder: OvsBridge, observed: ObservedState
) -> tuple[list[Step], list[Blocker]]:
    """One of ours goes from bridge to bridge."""
    leave = Command(Tool.OVS, ("--if-exists", "del-port", holder.name, name))
    left = Bridge(holder.name)
    disturbs = Disturbance((want.subject, left), Effect.LOSS, f"{name} leaves {holder.name}")
    step = _add_port(want, f"in {holder.name}", (leave,), (disturbs,))
    port = holder.port(name)
    back = (Command(Tool.OVS, put_back(holder.name, port)),) if port else ()
    step = replace(step, inverse=(*step.inverse, *back), touches=(*step.touches, left))
    return [step], session_on_bridge(holder, observed)


def _new_port(
    want: WantedPort, name: str, observed: ObservedState
) -> tuple[list[Step], list[Blocker]]:
    link = observed.link(name)
    if link and link.master and link.master != OVS_DATAPATH:
        message = f"{name} belongs to {link.master}; it cannot be in {want.bridge} too"
        hint = f"ip link set {name} nomaster"
        return [], [Blocker(want.subject, message, hint, Obstacle.FOREIGN)]
    if want.vf is None and stacking.in_ovs_bond(want.pf, observed):
        message = f"{name} is in a bond of Open vSwitch; it cannot be a port of {want.bridge} too"
        hint = "take it out of the bond first"
        return [], [Blocker(want.subject, message, hint, Obstacle.FOREIGN)]
    if want.vf is not None or link is None:
        return [_add_port(want, "none", ())], []
    blocker = session.session_blocker(want.pf, observed, f"putting it into {want.bridge}")
    if blocker:
        return [], [blocker]
    if not link.addresses:
        return [_add_port(want, "none", ())], []
    lost = f"{', '.join(link.addresses)} on {name} stop working: a bridge port has no address"
    return [_add_port(want, "none", (), (Disturbance((want.subject,), Effect.LOSS, lost),))], []


def _add_port(
    want: WantedPort,
    old: str,
    before: tuple[Command, ...],
    disturbs: tuple[Disturbance, ...] = (),
) -> Step:
    args: list[Word] = ["--may-exist", "add-port", want.bridge, want.name]
    if want.tag is not None:
        args.append(f"tag={want.tag}")
    args += ["--", "set", "port", want.name, mark(want.identity)]
    new = want.bridge if want.tag is None else f"{want.bridge}, VLAN {want.tag}"
    return Step(
        want.subject,
        "bridge port",
        old,
        new,
        "the uplink carries what leaves this host"
        if want.vf is None
        else "the representor stands for the VF on the bridge",
        (*before, Command(Tool.OVS, tuple(args))),
        (Command(Tool.OVS, ("--if-exists", "del-port", want.bridge, want.name)),),
        disturbs,
        (Bridge(want.bridge),),
        timeout=30.0,
    )


def _tag(want: WantedPort, name: str, port: OvsPort) -> Iterator[Step]:
    if port.tag == want.tag:
        return

    def command(tag: int | None) -> Command:
        if tag is None:
            return Command(Tool.OVS, ("clear", "port", name, "tag"))
        return Command(Tool.OVS, ("set", "port", name, f"tag={tag}"))

    yield Step(
        want.subject,
        "VLAN",
        str(port.tag or "none"),
        str(want.tag or "none"),
        "the spec says so",
        (command(want.tag),),
        (command(port.tag),),
        disturbs=(Disturbance((want.subject,), Effect.CHANGE, f"{name} changes its VLAN"),),
        touches=(Bridge(want.bridge),),
    )
