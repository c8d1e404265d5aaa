"""Stage `bridge` (the recipe's 配置OVS): Open vSwitch with hardware offload, its bridges and ports.

All Open vSwitch steps come before all `ip` steps, so that the engine can make one OVSDB transaction
and one `ip -batch` of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from eswitch.model.action import Command, Tool
from eswitch.model.desired import DesiredBridge, DesiredState
from eswitch.model.observed import ObservedState, OvsBridge, OvsStatus
from eswitch.model.plan import Blocker, Obstacle, StagePlan
from eswitch.model.step import Step
from eswitch.model.subject import Bridge, Part
from eswitch.stages.commands import mark
from eswitch.stages.remaining import without_bridges
from eswitch.topology.ports import wanted_ports

from . import addresses, tc_offload
from .leftovers import leftovers
from .links import links_up
from .ports import port_steps
from .settings import policy_note, restart_note, settings


def plan(desired: DesiredState, observed: ObservedState) -> tuple[StagePlan, ObservedState]:
    """Steps for Open vSwitch's settings, bridges, ports, then links, addresses and routes."""
    ovs = observed.ovs
    offload = tc_offload.plan(desired, observed)
    if ovs.status is not OvsStatus.RUNNING:
        blockers = (*offload.blockers, *((_not_running(observed),) if desired.bridges else ()))
        return StagePlan((*offload.steps, *links_up(desired, observed)), blockers), observed
    wanted = {bridge.name: wanted_ports(bridge, desired, observed) for bridge in desired.bridges}
    stale, gone, blockers_, notes = leftovers(desired, wanted, observed)
    steps: list[Step] = []
    if desired.bridges:
        steps += settings(desired, observed)
    steps += stale
    left = without_bridges(gone, observed)
    for bridge in desired.bridges:
        steps += _bridge(bridge, ovs.bridge(bridge.name))
        for port in wanted[bridge.name]:
            more, refused = port_steps(port, left)
            steps += more
            blockers_ += refused
    steps += addresses.records(desired, observed)
    steps += offload.steps
    steps += links_up(desired, observed)
    more, refused = addresses.plan(desired, left)
    steps += more
    notes += [*offload.notes, *policy_note(desired), *restart_note(steps)]
    return StagePlan(
        tuple(steps), (*offload.blockers, *blockers_, *refused), tuple(notes)
    ), observed


def _not_running(observed: ObservedState) -> Blocker:
    if observed.ovs.status is OvsStatus.ABSENT:
        message, hint = "Open vSwitch is not installed", "apt install openvswitch-switch"
        return Blocker(Part.OPEN_VSWITCH, message, hint, Obstacle.MISSING)
    if observed.ovs.status is OvsStatus.UNKNOWN:
        message = f"Open vSwitch cannot be asked: {observed.ovs.reason}"
        return Blocker(Part.OPEN_VSWITCH, message, "run it as root")
    return Blocker(
        Part.OPEN_VSWITCH,
        f"Open vSwitch is not running: {observed.ovs.reason}",
        "systemctl start openvswitch-switch",
        Obstacle.MISSING,
    )


def _bridge(want: DesiredBridge, now: OvsBridge | None) -> Iterator[Step]:
    if now is not None:
        return
    add = ("--may-exist", "add-br", want.name, "--", "set", "bridge", want.name, mark("bridge"))
    yield Step(
        Bridge(want.name),
        "bridge",
        "none",
        "Open vSwitch",
        "the spec's `bridges`",
        (Command(Tool.OVS, add),),
        (Command(Tool.OVS, ("--if-exists", "del-br", want.name)),),
        timeout=30.0,
        source=want.source,
    )
