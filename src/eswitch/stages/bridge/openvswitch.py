"""Stage `bridge` (the recipe's 配置OVS): Open vSwitch with hardware offload, its bridges and ports.

All Open vSwitch steps come before all `ip` steps, so that the engine can make one OVSDB transaction
and one `ip -batch` of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from eswitch.model.action import Command, Tool, Unnamed, Word
from eswitch.model.desired import DesiredBridge, DesiredState, EswitchMode, TcPolicy
from eswitch.model.identifiers import OWNER, VfId
from eswitch.model.observed import ObservedState, OvsBridge, OvsPort, OvsStatus
from eswitch.model.plan import Blocker, Note, StagePlan
from eswitch.model.step import Step
from eswitch.stages.commands import mark, put_back, without_rules
from eswitch.stages.remaining import without_bridges
from eswitch.topology import matching, session, stacking
from eswitch.topology.ownership import ADDRESSES, owned
from eswitch.topology.ports import WantedPort, wanted_ports

from . import addresses, tc_offload
from .addresses import put_route, record

NAME = "bridge"
_DEFAULTS = {"hw-offload": "false", "tc-policy": "none", "max-idle": "10000"}


def plan(desired: DesiredState, observed: ObservedState) -> tuple[StagePlan, ObservedState]:
    """Steps for Open vSwitch's settings, bridges, ports, then links, addresses and routes."""
    ovs = observed.ovs
    offload = tc_offload.plan(desired, observed)
    if ovs.status is not OvsStatus.RUNNING:
        blockers = (*offload.blockers, *((_not_running(observed),) if desired.bridges else ()))
        return StagePlan((*offload.steps, *_links_up(desired, observed)), blockers), observed
    wanted = {bridge.name: wanted_ports(bridge, desired, observed) for bridge in desired.bridges}
    stale, blockers_, notes = _stale(desired, wanted, observed)
    steps: list[Step] = []
    if desired.bridges:
        steps += _settings(desired, observed)
    steps += stale
    left = without_bridges({step.subject for step in stale if step.attribute == "bridge"}, observed)
    for bridge in desired.bridges:
        steps += _bridge(bridge, ovs.bridge(bridge.name))
        for port in wanted[bridge.name]:
            more, refused = _port(port, left)
            steps += more
            blockers_ += refused
    steps += addresses.records(desired, observed)
    steps += offload.steps
    steps += _links_up(desired, observed)
    more, refused = addresses.plan(desired, left)
    steps += more
    notes += [*offload.notes, *_policy_note(desired), *_restart_note(steps)]
    return StagePlan(
        tuple(steps), (*offload.blockers, *blockers_, *refused), tuple(notes)
    ), observed


def _not_running(observed: ObservedState) -> Blocker:
    if observed.ovs.status is OvsStatus.ABSENT:
        return Blocker(
            "Open vSwitch", "Open vSwitch is not installed", "apt install openvswitch-switch"
        )
    if observed.ovs.status is OvsStatus.UNKNOWN:
        message = f"Open vSwitch cannot be asked: {observed.ovs.reason}"
        return Blocker("Open vSwitch", message, "run it as root")
    return Blocker(
        "Open vSwitch",
        f"Open vSwitch is not running: {observed.ovs.reason}",
        "systemctl start openvswitch-switch",
    )


def _settings(desired: DesiredState, observed: ObservedState) -> Iterator[Step]:
    ovs = desired.ovs
    wanted = {
        "hw-offload": "true" if ovs.hw_offload else "false",
        "tc-policy": str(ovs.tc_policy) if ovs.tc_policy else None,
        "max-idle": str(ovs.max_idle) if ovs.max_idle is not None else None,
    }
    why = {"hw-offload": "without it Open vSwitch offers no flow to the NIC"}
    have = observed.ovs.other_config
    for key, new in wanted.items():
        if new is not None and new != have.get(key, _DEFAULTS[key]):
            yield _setting(key, new, why.get(key, "the spec says so"), desired, observed)
    if keeps_out(desired, observed):
        reason = "it keeps all flows out of the NIC, and the spec asks for hw_offload"
        yield _setting("tc-policy", None, reason, desired, observed)


def keeps_out(desired: DesiredState, observed: ObservedState) -> bool:
    """Whether a policy that nobody wrote into the spec defeats what the spec is for."""
    ovs = desired.ovs
    found = observed.ovs.other_config.get("tc-policy")
    return ovs.hw_offload and ovs.tc_policy is None and found == TcPolicy.SKIP_HW


def _setting(
    key: str,
    new: str | None,
    why: str,
    desired: DesiredState,
    observed: ObservedState,
) -> Step:
    """Sets a key of `other_config`, or removes it (`new` is None)."""

    def command(value: str | None) -> Command:
        if value is None:
            return Command(Tool.OVS, ("remove", "Open_vSwitch", ".", "other_config", key))
        return Command(Tool.OVS, ("set", "Open_vSwitch", ".", f"other_config:{key}={value}"))

    old = observed.ovs.other_config.get(key)
    return Step(
        NAME,
        "Open vSwitch",
        key,
        old if old is not None else f"unset ({_DEFAULTS[key]})",
        new if new is not None else f"unset ({_DEFAULTS[key]})",
        why,
        (command(new),),
        (command(old),),
        source=desired.ovs.source,
    )


def _policy_note(desired: DesiredState) -> list[Note]:
    """What the spec itself asks for is done, even if it is against its purpose."""
    ovs = desired.ovs
    if not desired.bridges or not ovs.hw_offload or ovs.tc_policy is not TcPolicy.SKIP_HW:
        return []
    text = "the spec says `tc_policy: skip_hw`: nothing will be offloaded"
    return [Note("Open vSwitch", text)]


def _restart_note(steps: list[Step]) -> list[Note]:
    """Enabling hw-offload works at once; the rest only in a new daemon (domain.md 4.1)."""
    late = [
        step.attribute
        for step in steps
        if (step.subject, step.attribute) == ("Open vSwitch", "tc-policy")
        or (step.subject, step.attribute, step.new) == ("Open vSwitch", "hw-offload", "false")
    ]
    if not late:
        return []
    text = (
        f"{', '.join(late)} counts only after `systemctl restart ovs-vswitchd`, "
        "which stops traffic for a moment; eswitch does not restart it"
    )
    return [Note("Open vSwitch", text)]


def _bridge(want: DesiredBridge, now: OvsBridge | None) -> Iterator[Step]:
    if now is not None:
        return
    add = ("--may-exist", "add-br", want.name, "--", "set", "bridge", want.name, mark("bridge"))
    yield Step(
        NAME,
        want.name,
        "bridge",
        "none",
        "Open vSwitch",
        "the spec's `bridges`",
        (Command(Tool.OVS, add),),
        (Command(Tool.OVS, ("--if-exists", "del-br", want.name)),),
        timeout=30.0,
        source=want.source,
    )


def _port(want: WantedPort, observed: ObservedState) -> tuple[list[Step], list[Blocker]]:
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
            return [], [Blocker(want.subject, message, hint, harm=True)]
        return _move_port(want, name, holder, observed)
    if OWNER not in port.external_ids and (port.error or port.tag != want.tag):
        wrong = f"has VLAN {port.tag or 'none'}" if port.tag != want.tag else f"fails: {port.error}"
        message = f"{name}, which somebody else put into {holder.name}, {wrong}"
        hint = f"ovs-vsctl del-port {holder.name} {name}; eswitch then adds it as the spec says"
        return [], [Blocker(want.subject, message, hint, harm=True)]
    if port.error:
        again = Command(Tool.OVS, ("--if-exists", "del-port", want.bridge, name))
        return [_add_port(want, f"error: {port.error}", (again,))], []
    steps = list(_tag(want, name, port))
    return steps, _session_behind(want, holder, observed) if steps else []


def _move_port(
    want: WantedPort, name: str, holder: OvsBridge, observed: ObservedState
) -> tuple[list[Step], list[Blocker]]:
    """One of ours goes from bridge to bridge."""
    leave = Command(Tool.OVS, ("--if-exists", "del-port", holder.name, name))
    disturbs = (f"{name} leaves {holder.name}",)
    step = _add_port(want, f"in {holder.name}", (leave,), disturbs)
    port = holder.port(name)
    back = (Command(Tool.OVS, put_back(holder.name, port)),) if port else ()
    step = replace(step, inverse=(*step.inverse, *back))
    return [step], _session_on_bridge(holder, observed)


def _new_port(
    want: WantedPort, name: str, observed: ObservedState
) -> tuple[list[Step], list[Blocker]]:
    link = observed.link(name)
    if link and link.master and link.master != "ovs-system":
        message = f"{name} belongs to {link.master}; it cannot be in {want.bridge} too"
        hint = f"ip link set {name} nomaster"
        return [], [Blocker(want.subject, message, hint, harm=True)]
    if want.uplink and stacking.in_ovs_bond(want.pf, observed):
        message = f"{name} is in a bond of Open vSwitch; it cannot be a port of {want.bridge} too"
        hint = "take it out of the bond first"
        return [], [Blocker(want.subject, message, hint, harm=True)]
    if not want.uplink or link is None:
        return [_add_port(want, "none", ())], []
    blocker = session.session_blocker(want.pf, observed, f"putting it into {want.bridge}")
    if blocker:
        return [], [blocker]
    if not link.addresses:
        return [_add_port(want, "none", ())], []
    lost = f"{', '.join(link.addresses)} on {name} stop working: a bridge port has no address"
    return [_add_port(want, "none", (), (lost,))], []


def _add_port(
    want: WantedPort, old: str, before: tuple[Command, ...], disturbs: tuple[str, ...] = ()
) -> Step:
    args: list[Word] = ["--may-exist", "add-port", want.bridge, want.name]
    if want.tag is not None:
        args.append(f"tag={want.tag}")
    args += ["--", "set", "port", want.name, mark(want.identity)]
    new = want.bridge if want.tag is None else f"{want.bridge}, VLAN {want.tag}"
    return Step(
        NAME,
        want.subject,
        "bridge port",
        old,
        new,
        "the uplink carries what leaves this host"
        if want.uplink
        else "the representor stands for the VF on the bridge",
        (*before, Command(Tool.OVS, tuple(args))),
        (Command(Tool.OVS, ("--if-exists", "del-port", want.bridge, want.name)),),
        disturbs,
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
        NAME,
        want.subject,
        "VLAN",
        str(port.tag or "none"),
        str(want.tag or "none"),
        "the spec says so",
        (command(want.tag),),
        (command(port.tag),),
        disturbs=(f"{name} changes its VLAN",),
    )


def _stale(
    desired: DesiredState, wanted: dict[str, list[WantedPort]], observed: ObservedState
) -> tuple[list[Step], list[Blocker], list[Note]]:
    """What eswitch made earlier and the spec no longer wants, or wants under another name."""
    steps: list[Step] = []
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
                notes.append(Note(bridge.name, text))
            else:
                steps.append(_remove_bridge(bridge, observed))
                blockers += _session_on_bridge(bridge, observed)
                continue
        for port in mine:
            identity = port.external_ids[OWNER]
            # A name not known yet (VFs about to be made) tells nothing about this port.
            known = identities.get(identity)
            if known is None or (isinstance(known, str) and known != port.name):
                steps.append(_remove_port(bridge, port, observed))
                if not port.error:
                    blockers += _session_on_bridge(bridge, observed)
    return steps, blockers, notes


def _session_behind(want: WantedPort, holder: OvsBridge, observed: ObservedState) -> list[Blocker]:
    """Another VLAN cuts the session that comes in through this port, or from its VF's interface."""
    if want.uplink:
        return _session_on_bridge(holder, observed)
    names = {vf.netdev for vf in want.pf.vfs if vf.representor == want.name and vf.netdev}
    address = session.session_on(stacking.on_top(names, observed), observed)
    if address is None:
        return []
    message = f"your session comes in through {address} behind {want.name}; its VLAN would change"
    hint = "run this from the console, or over another address"
    return [Blocker(want.subject, message, hint, harm=True)]


def _session_on_bridge(bridge: OvsBridge, observed: ObservedState) -> list[Blocker]:
    address = session.session_on(stacking.on_bridge(bridge, observed), observed)
    if address is None:
        return []
    message = f"your session comes in through {address} on it, and the spec would take it away"
    return [Blocker(bridge.name, message, "run this from the console", harm=True)]


def _remove_port(bridge: OvsBridge, port: OvsPort, observed: ObservedState) -> Step:
    rules = [cmd for pf in observed.nics if pf.netdev == port.name for cmd in without_rules(pf)]
    return Step(
        NAME,
        f"port {port.name}",
        "bridge port",
        bridge.name,
        "none",
        "eswitch put it there, and the spec no longer has it",
        (Command(Tool.OVS, ("--if-exists", "del-port", bridge.name, port.name)), *rules),
        (Command(Tool.OVS, put_back(bridge.name, port)),),
        disturbs=()
        if port.error
        else (f"{port.name} leaves {bridge.name}", *_cut_off({port.name}, observed)),
    )


def _cut_off(ports: set[str], observed: ObservedState) -> tuple[str, ...]:
    """Those who hold a VF whose representor goes."""
    return tuple(
        f"VF {vf.index} of {pf.pci}, in use by {', '.join(vf.users)}, is cut off"
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
    return Step(
        NAME,
        bridge.name,
        "bridge",
        "Open vSwitch",
        "none",
        "eswitch made it, and the spec no longer has it",
        (Command(Tool.OVS, ("--if-exists", "del-br", bridge.name)), *rules),
        tuple(inverse),
        disturbs=(f"gone for good: {lost}", *_cut_off(ports, observed)),
    )


def _links_up(desired: DesiredState, observed: ObservedState) -> Iterator[Step]:
    """Uplink, representors, bridges: a representor that is down takes its VF's carrier away."""
    for nic, pf in matching.usable(desired, observed):
        if nic.mode is not EswitchMode.SWITCHDEV:
            continue
        uplink = pf.netdev or Unnamed(f"uplink of {pf.pci}")
        yield from _up(f"{pf.pci} uplink", uplink, "nothing leaves the host otherwise", observed)
        for want in nic.vfs:
            vf = pf.vf(want.index)
            identity = VfId(pf.pci, want.index)
            name = (vf.representor if vf else None) or Unnamed(f"representor of {identity}")
            why = "while its representor is down, a VF has no carrier"
            yield from _up(f"{identity} representor", name, why, observed)
    for bridge in desired.bridges if observed.ovs.status is OvsStatus.RUNNING else ():
        why = "its local port carries the host's addresses"
        yield from _up(bridge.name, bridge.name, why, observed)


def _up(subject: str, name: Word, why: str, observed: ObservedState) -> Iterator[Step]:
    link = None if isinstance(name, Unnamed) else observed.link(name)
    if link and link.up:
        return
    inverse = () if link is None else (Command(Tool.IP, ("link", "set", name, "down")),)
    up = Command(Tool.IP, ("link", "set", name, "up"))
    yield Step(NAME, subject, "link", "down", "up", why, (up,), inverse)
