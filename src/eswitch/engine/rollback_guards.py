"""Why a rollback is refused before anything is touched. Pure: of an undo, and of what is observed.

Whom it hits is what its steps are about and what they take hold of, never words of their commands.
"""

from __future__ import annotations

from collections.abc import Iterator

from eswitch.errors import Refused, Unsupported
from eswitch.model.action import Action, Command, Settle, SetVfCount, Tool, Write
from eswitch.model.identifiers import OWNER
from eswitch.model.observed import ObservedState, OvsStatus
from eswitch.model.subject import Bridge
from eswitch.stages import tools
from eswitch.topology import session
from eswitch.topology.hit import links_of

from .journal import Entry
from .undo import Undo


def refuse_if_outdated(undo: Undo, newest: Entry | None) -> None:
    """Others may apply, or roll back, between the question and its answer."""
    shown = undo.entry
    if newest and (newest.path, len(newest.steps)) == (shown.path, len(shown.steps)):
        return
    ran = "apply" if newest and newest.path >= shown.path else "rollback"
    raise Refused(f"another {ran} ran meanwhile", hint="look again: eswitch rollback")


def refuse(undo: Undo, now: ObservedState) -> None:
    """Raises Unsupported or Refused if it cannot be done now, or would hurt somebody."""
    _refuse_without_tools(undo, now)
    _refuse_if_used(undo, now)
    _refuse_if_it_cuts(undo, now)
    _refuse_if_shared(undo, now)


def _actions(undo: Undo) -> Iterator[Action]:
    return (action for operation in undo.operations for action in operation.actions)


def _refuse_without_tools(undo: Undo, now: ObservedState) -> None:
    """Half an undo is worse than none: whatever carries it out has to be there first."""
    needed = {
        action.tool.value if isinstance(action, Command) else "udevadm"
        for action in _actions(undo)
        if isinstance(action, Command) or (isinstance(action, Settle) and action.pf is None)
    }
    for tool in now.missing_tools:
        if tool in needed:
            raise Unsupported(
                f"`{tool}` is not installed, and undoing this needs it; nothing was touched",
                hint=f"apt install {tools.PACKAGES.get(tool, 'openvswitch-switch')}",
            )
    if Tool.OVS.value in needed and now.ovs.status is not OvsStatus.RUNNING:
        raise Unsupported(
            f"undoing this needs Open vSwitch, which does not work now ({now.ovs.reason}); "
            "nothing was touched",
            hint="systemctl start openvswitch-switch",
        )


def _refuse_if_used(undo: Undo, now: ObservedState) -> None:
    """No VF is pulled from a guest by undoing either."""
    emptied = {
        action.pf
        for action in _actions(undo)
        if isinstance(action, SetVfCount) and action.count == 0
    }
    rebound = {action.value for action in _actions(undo) if isinstance(action, Write)}
    for nic in now.nics:
        for vf in nic.vfs:
            if vf.users and (nic.pci in emptied or vf.pci in rebound):
                raise Refused(
                    f"VF {vf.index} ({vf.pci}) is in use by {', '.join(vf.users)}",
                    where=str(nic.pci),
                    hint="stop that guest first, then roll back again",
                )


def _refuse_if_it_cuts(undo: Undo, now: ObservedState) -> None:
    """The session that asks for it stays."""
    # What counts from the next boot on, nobody notices now.
    steps = [step for step in undo.entry.steps if not step.reboot]
    felt = [subject for step in steps for subject in (step.subject, *step.touches)]
    address = session.session_on(links_of(felt, now), now)
    if address is not None:
        raise Refused(
            f"your session comes in through {address}; undoing this would cut it",
            hint="run this from the console, or over another address",
        )


def _refuse_if_shared(undo: Undo, now: ObservedState) -> None:
    """No bridge is deleted while somebody else has a port in it."""
    for step in undo.entry.steps:
        if not isinstance(step.subject, Bridge) or not any(map(_deletes_bridge, step.inverse)):
            continue
        name = step.subject.name
        bridge = now.ovs.bridge(name)
        for port in bridge.ports if bridge else ():
            if port.name != name and OWNER not in port.external_ids:
                raise Refused(
                    f"{name} has port {port.name}, which somebody else put there; "
                    "undoing this would delete it",
                    hint=f"ovs-vsctl del-port {name} {port.name}, or move it, then roll back again",
                )


def _deletes_bridge(action: Action) -> bool:
    if not isinstance(action, Command) or action.tool is not Tool.OVS:
        return False
    verb = next((word for word in action.args if not str(word).startswith("-")), "")
    return verb == "del-br"
