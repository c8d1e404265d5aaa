"""Puts back what was before the last apply, and checks that it is so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from eswitch.errors import EswitchError, HostError, NotEffective, Refused, Unsupported
from eswitch.host import Host
from eswitch.model.action import Action, Command, Program, Replace, Settle, Tool, Write
from eswitch.model.identifiers import OWNER
from eswitch.model.observed import ObservedState, OvsStatus
from eswitch.model.plain import Plain, to_plain
from eswitch.model.question import Question, Topic
from eswitch.observe import answer, observe
from eswitch.stages import passthrough, tools
from eswitch.topology import session, stacking

from . import journal, resume
from .batch import Operation, undo_operations
from .converge import LOCK
from .execute import execute_all
from .explain import says_gone
from .over_reboot import Event

# What an untouched host changes by itself, or what the kernel invents anew for recreated devices.
_VOLATILE = {
    *("index", "ingress", "users", "session_addresses", "carrier", "reason"),
    "link_local",  # the kernel's own, with the link
    "ofport",  # Open vSwitch gives the port of a recreated interface another number
}
_INVENTED = {"mac"}
_COMMAND_LINE = frozenset({"boot.content", "boot.next"})
# What only a reboot changes: that of the apply has come, or that of the rollback is still to come.
_OF_THIS_BOOT = {
    *("current", "default", "cmdline", "iommu", "iommu_group", "group_peers"),
    *("vfio_loaded", "loaded", "version", "kit", "guests", "next_release", "passphrase"),
}
_UNTIL_REBOOT = {"sriov", "eswitch", "driver"}
"""What an undone firmware or driver goes on showing until then."""
# Asked of e-switch ports only: what was none before, or was written down by an older eswitch, has
# nothing to compare with.
_FEATURE = {"hw_tc_offload", "hw_tc_fixed"}


@dataclass(frozen=True, slots=True)
class Undo:
    """A rollback that could be done: the apply it undoes and the operations in their order."""

    entry: journal.Entry
    operations: tuple[Operation, ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """What a person would type."""
        return tuple(str(action) for op in self.operations for action in op.actions)

    @property
    def reboots(self) -> bool:
        """Whether it is in force only after a reboot."""
        return any(step.reboot for step in self.entry.steps)


def prepare(host: Host) -> Undo | None:
    """The last apply that can be undone, or None when there is none."""
    entry = journal.last(host)
    if entry is None:
        return None
    # A step that was begun and not seen to end may have happened: its inverse tolerates both.
    return Undo(entry, undo_operations([step.inverse for step in entry.steps]))


def rollback(
    host: Host, undo: Undo, *, started: Callable[[Operation], None] = lambda operation: None
) -> tuple[str, ...]:
    """Undo it, compare with what was observed before, and return what the host refused meanwhile
    (what was to be undone was gone, or had never happened).

    What would go on after a reboot is called off first: it would bring all of it back.

    Raises Unsupported if a tool or Open vSwitch is missing that it needs; Refused if it is no
    longer the last apply, a guest holds a VF that would be pulled, or somebody else has a port in a
    bridge that would go; HostError where the host refuses; NotEffective if a file or a program
    could not be undone, or if the host afterwards differs from what it was.
    """
    with host.lock(LOCK):
        _refuse_if_outdated(undo, host)
        now = observe(host)
        _refuse_without_tools(undo, now)
        _refuse_if_used(undo, now)
        _refuse_if_shared(undo, now)
        resume.settle(host, Event.ROLLED_BACK)
        writer = journal.Journal(host, undo.entry.path)
        refused: list[str] = []
        undone = True
        writer.undoing()
        try:
            for operation in undo.operations:
                started(operation)
                said = execute_all(operation, host)
                refused += said
                # What a machine boots with, nobody sees in time: its own word counts.
                boots = isinstance(operation.actions[0], Program | Replace)
                undone = undone and (not boots or all(says_gone(text) for text in said))
        except (EswitchError, KeyboardInterrupt) as error:
            writer.stop("rollback failed", error)
            raise
        left = _settled_differences(host, undo)
        if left or not undone:
            # If the rest is gone, all is undone that can be: the next is of the apply before.
            complete = all(says_gone(text) for text in refused)
            lines = [f"  {line}" for line in (*left, *refused)]
            what = "the host is not quite what it was" if left else "not all of it could be undone"
            differs = NotEffective(
                f"{what}:\n" + "\n".join(lines),
                hint=f"the commands are in {undo.entry.path}",
            )
            writer.stop("rolled back" if complete else "rollback failed", differs)
            raise differs
        try:
            writer.end("rolled back")
        except journal.JournalFailed as error:
            error.message = f"the host is what it was, but {error.message}"
            raise
        return tuple(refused)


def _refuse_if_outdated(undo: Undo, host: Host) -> None:
    """Others may apply, or roll back, between the question and its answer."""
    shown, newest = undo.entry, journal.last(host)
    if newest and (newest.path, len(newest.steps)) == (shown.path, len(shown.steps)):
        return
    ran = "apply" if newest and newest.path >= shown.path else "rollback"
    raise Refused(f"another {ran} ran meanwhile", hint="look again: eswitch rollback")


def _refuse_without_tools(undo: Undo, now: ObservedState) -> None:
    """Half an undo is worse than none: whatever carries it out has to be there first."""
    needed = {
        action.tool.value if isinstance(action, Command) else "udevadm"
        for op in undo.operations
        for action in op.actions
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
    """No VF is pulled from a guest, and nobody's session cut, by undoing either."""
    words = {
        word
        for op in undo.operations
        for action in op.actions
        if _is_felt(action)
        for word in str(action).replace("/", " ").split()
    }
    for nic in now.nics:
        address = session.session_on(stacking.carriers(nic, now), now)
        if address and words & {nic.pci, nic.netdev}:
            raise _cut(address)
        for vf in nic.vfs:
            if vf.users and (nic.pci in _emptied(undo) or words & {vf.pci, vf.netdev}):
                raise Refused(
                    f"VF {vf.index} ({vf.pci}) is in use by {', '.join(vf.users)}",
                    where=str(nic.pci),
                    hint="stop that guest first, then roll back again",
                )
    for bridge in now.ovs.bridges:
        address = session.session_on(stacking.on_bridge(bridge, now), now)
        if address and bridge.name in words:
            raise _cut(address)


def _is_felt(action: Action) -> bool:
    """Whether what it names may notice: firmware is set for the card's next start."""
    resets = ("mstfwreset", "mlxfwreset")
    return not isinstance(action, Program) or action.argv[0] in resets


def _refuse_if_shared(undo: Undo, now: ObservedState) -> None:
    """No bridge is deleted while somebody else has a port in it."""
    for op in undo.operations:
        for action in op.actions:
            if not isinstance(action, Command) or "del-br" not in action.args:
                continue
            name = str(action.args[-1])
            bridge = now.ovs.bridge(name)
            for port in bridge.ports if bridge else ():
                if port.name != name and OWNER not in port.external_ids:
                    raise Refused(
                        f"{name} has port {port.name}, which somebody else put there; "
                        "undoing this would delete it",
                        hint=f"ovs-vsctl del-port {name} {port.name}, or move it, "
                        "then roll back again",
                    )


def _cut(address: str) -> Refused:
    return Refused(
        f"your session comes in through {address}; undoing this would cut it",
        hint="run this from the console, or over another address",
    )


def _emptied(undo: Undo) -> set[str]:
    """The PFs whose VFs the undo removes."""
    return {
        action.path.split("/")[-2]
        for op in undo.operations
        for action in op.actions
        if isinstance(action, Write)
        and action.path.endswith("/sriov_numvfs")
        and action.value == "0"
    }


def _settled_differences(host: Host, undo: Undo) -> tuple[str, ...]:
    """Devices leave asynchronously: look until nothing differs, for ten seconds at most."""
    deadline = host.monotonic() + 10.0
    before = undo.entry.before
    but = frozenset(_UNTIL_REBOOT if undo.reboots else ())
    asked = tuple(_asked(before))
    while True:
        try:
            now = answer(host, observe(host), asked)
            left = tuple(differences(before, to_plain(now), but=but))
        except HostError:
            if host.monotonic() >= deadline:
                raise
            left = ("unreadable",)
        if not left or host.monotonic() >= deadline:
            return left
        host.sleep(0.2)


def _asked(before: Plain) -> Iterator[Question]:
    """The questions that were answered before, as far as undoing changes the answers."""
    if not isinstance(before, dict):
        return
    for nic in cast("list[dict[str, Plain]]", before.get("nics", [])):
        if nic.get("firmware") is not None:
            yield Question(Topic.FIRMWARE, str(nic["pci"]))
    for module in cast("list[dict[str, Plain]]", before.get("modules", [])):
        yield Question(Topic.MODULE, str(module["name"]))
    if before.get("boot") is not None:
        yield Question(Topic.BOOT)


def differences(
    before: Plain, after: Plain, path: str = "", *, but: frozenset[str] = frozenset()
) -> list[str]:
    """Where two observations differ, as `nics[0].sriov.count: 0, now 2`; volatile fields aside."""
    if isinstance(before, dict) and before.keys() == {"reason"}:
        return []  # an Unknown: there is nothing to compare with
    if isinstance(before, dict) and isinstance(after, dict):
        found = []
        for key in sorted({*before, *after} - _VOLATILE - _OF_THIS_BOOT - but):
            if key in _FEATURE and before.get("hw_tc_offload") is None:
                continue
            if key in _INVENTED and path.startswith("links"):
                continue
            place = f"{path}.{key}" if path else key
            if place in _COMMAND_LINE:
                found += _our_words(before.get(key), after.get(key), place)
                continue
            found += differences(before.get(key), after.get(key), place, but=but)
        return found
    if isinstance(before, list) and isinstance(after, list):
        return _list_differences(before, after, path, but)
    return [] if before == after else [f"{path}: was {before}, now {after}"]


def _our_words(before: Plain, after: Plain, path: str) -> list[str]:
    """What else changed on the kernel's command line, others have changed."""
    if isinstance(before, dict):
        return []  # an Unknown
    if isinstance(after, dict):
        return [f"{path}: unknown now: {after.get('reason')}"]
    old, new = (set(_words_of(each)) for each in (before, after))
    return [f"{path}: {word} is new" for word in passthrough.WORDS if word in new - old]


def _words_of(value: Plain) -> list[str]:
    if isinstance(value, list):
        return [str(word) for word in value]
    return value.replace('"', " ").split() if isinstance(value, str) else []


def _list_differences(
    before: list[Plain], after: list[Plain], path: str, but: frozenset[str]
) -> list[str]:
    old, new = _by_name(before), _by_name(after)
    found = [f"{path}: {key} is gone" for key in old if key not in new]
    found += [
        f"{path}: {key} is new" for key in new if key not in old and not _others(path, new[key])
    ]
    for key, item in old.items():
        if key in new:
            found += differences(item, new[key], f"{path}[{key}]", but=but)
    return found


def _others(path: str, item: Plain) -> bool:
    """What others made meanwhile: an interface, or a bridge port without our mark.

    Representors and VFs that stayed behind show in `nics`.
    """
    if path == "links":
        return True
    ids = item.get("external_ids") if isinstance(item, dict) else None
    return path.endswith(".ports") and isinstance(ids, dict) and OWNER not in ids


def _name(item: dict[str, Plain]) -> Plain:
    """Of an interface, a bridge, a port, a PF, a VF or a default route."""
    if "family" in item:
        return f"IPv{item['family']} default via {item.get('gateway')} dev {item.get('device')}"
    return item.get("name", item.get("pci"))


def _by_name(items: list[Plain]) -> dict[str, Plain]:
    named = {}
    for number, item in enumerate(items):
        name = _name(item) if isinstance(item, dict) else item
        named[str(name if name is not None else number)] = item
    return named
