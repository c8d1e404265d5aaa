"""Where two observations of a host differ, as far as an undo answers for that. Pure.

Every field of an observation is compared, value by value, unless `RULES` has a row for it that says
how else, and why. A new field is compared until somebody has a reason why it should not be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum

from eswitch.files.kernel_cmdline import mentioned
from eswitch.model.firmware import Parameter
from eswitch.model.identifiers import OWNER
from eswitch.model.machine import BootState, ModuleState
from eswitch.model.observed import (
    LinkState,
    NicState,
    ObservedState,
    OvsBridge,
    OvsPort,
    OvsState,
    RouteState,
    VfState,
)
from eswitch.model.plain import to_plain
from eswitch.model.unknown import Unknown
from eswitch.stages.passthrough import WORDS


class How(Enum):
    """How a field is compared that is not simply the same or not."""

    NOT = "not"
    AFTER_REBOOT = "not while the undo waits for a reboot"
    IF_ASKED = "not if nobody had asked before"
    OUR_WORDS = "only for the kernel's words that are ours"


@dataclass(frozen=True, slots=True)
class Rule:
    """How, and why."""

    how: How
    why: str


_OF_A_BOOT = "only a reboot changes it: that of the apply has come, or the rollback's is to come"
_UNDONE = "an undone firmware or driver goes on showing until the reboot"
_FEATURE = "only e-switch ports are asked: what was none before has nothing to compare with"

RULES: Mapping[tuple[type, str], Rule] = {
    (ObservedState, "session_addresses"): Rule(How.NOT, "it is about who asks, not about the host"),
    (ObservedState, "iommu"): Rule(How.NOT, _OF_A_BOOT),
    (ObservedState, "vfio_loaded"): Rule(
        How.NOT, "a module that is loaded harms nobody, and stays"
    ),
    (ObservedState, "kit"): Rule(How.NOT, "what a build would need; installing it was no step"),
    (ObservedState, "guests"): Rule(How.NOT, "they come and go"),
    (NicState, "ingress"): Rule(How.NOT, "Open vSwitch leaves its qdisc where it had a port"),
    (NicState, "iommu_group"): Rule(How.NOT, _OF_A_BOOT),
    (NicState, "driver"): Rule(How.AFTER_REBOOT, _UNDONE),
    (NicState, "sriov"): Rule(How.AFTER_REBOOT, _UNDONE),
    (NicState, "eswitch"): Rule(How.AFTER_REBOOT, _UNDONE),
    (VfState, "driver"): Rule(How.AFTER_REBOOT, _UNDONE),
    (VfState, "users"): Rule(How.NOT, "guests come and go"),
    (VfState, "group_peers"): Rule(How.NOT, _OF_A_BOOT),
    (Parameter, "current"): Rule(How.NOT, _OF_A_BOOT),
    (Parameter, "default"): Rule(How.NOT, "the maker's, of the firmware that runs"),
    (LinkState, "index"): Rule(How.NOT, "the kernel gives a device that comes back another"),
    (LinkState, "mac"): Rule(How.NOT, "the kernel invents one for a device that comes back"),
    (LinkState, "carrier"): Rule(How.NOT, "it is up to the other end, and comes late"),
    (LinkState, "link_local"): Rule(How.NOT, "the kernel's own, and comes with the link"),
    (LinkState, "hw_tc_offload"): Rule(How.IF_ASKED, _FEATURE),
    (LinkState, "hw_tc_fixed"): Rule(How.IF_ASKED, _FEATURE),
    (OvsPort, "ofport"): Rule(How.NOT, "the port of a device that comes back gets another"),
    (OvsState, "reason"): Rule(How.NOT, "the words for a status, which is compared"),
    (OvsState, "version"): Rule(How.NOT, "an upgrade of the package is somebody else's"),
    (BootState, "cmdline"): Rule(How.NOT, _OF_A_BOOT),
    (BootState, "content"): Rule(How.OUR_WORDS, "what else changed there, others have changed"),
    (BootState, "next"): Rule(How.OUR_WORDS, "what else changed there, others have changed"),
    (BootState, "next_release"): Rule(How.NOT, "an upgrade of the kernel is somebody else's"),
    (BootState, "passphrase"): Rule(How.NOT, "who unlocks a disk is no step's"),
    (ModuleState, "loaded"): Rule(How.NOT, _OF_A_BOOT),
    (ModuleState, "version"): Rule(How.NOT, _OF_A_BOOT),
}


def differences(
    before: ObservedState, after: ObservedState, *, reboots: bool = False
) -> tuple[str, ...]:
    """What is not as it was, as `nics[0000:07:00.0].sriov.count: was 0, now 2`.

    With `reboots` the undo is in force only after a reboot, which has not come.
    """
    return tuple(_Comparison(reboots=reboots).values(before, after, ""))


class _Comparison:
    def __init__(self, *, reboots: bool) -> None:
        self._reboots = reboots

    def values(self, before: object, after: object, path: str) -> Iterator[str]:
        """Of any type that an observation is made of."""
        if isinstance(before, Unknown):
            return  # there is nothing to compare with
        if isinstance(after, Unknown):
            yield f"{path}: unknown now: {after.reason}"
        elif is_dataclass(before) and type(before) is type(after):
            yield from self._fields(before, after, path)
        elif isinstance(before, dict) and isinstance(after, dict):
            for key in sorted({*before, *after}):
                yield from self.values(before.get(key), after.get(key), f"{path}.{key}")
        elif isinstance(before, tuple) and isinstance(after, tuple):
            yield from self._items(before, after, path)
        elif before != after:
            yield f"{path}: was {to_plain(before)}, now {to_plain(after)}"

    def _fields(self, before: object, after: object, path: str) -> Iterator[str]:
        kind = type(before)
        for name in sorted(field.name for field in fields(kind)):  # type: ignore[arg-type]
            old, new = getattr(before, name), getattr(after, name)
            place = f"{path}.{name}" if path else name
            rule = RULES.get((kind, name))
            match rule.how if rule else None:
                case How.NOT:
                    continue
                case How.AFTER_REBOOT if self._reboots:
                    continue
                case How.IF_ASKED if isinstance(before, LinkState) and not _asked(before):
                    continue
                case How.OUR_WORDS:
                    yield from _our_words(old, new, place)
                case _:
                    yield from self.values(old, new, place)

    def _items(
        self, before: tuple[object, ...], after: tuple[object, ...], path: str
    ) -> Iterator[str]:
        """Each with the one of its identity; in which order they come says nothing."""
        old, new = ({_identity(item): item for item in items} for items in (before, after))
        yield from (f"{path}: {key} is gone" for key in old if key not in new)
        yield from (f"{path}: {key} is new" for key in new if key not in old and _ours(new[key]))
        for key, item in old.items():
            if key in new:
                yield from self.values(item, new[key], f"{path}[{key}]")


def _asked(link: LinkState) -> bool:
    return link.hw_tc_offload is not None


def _identity(item: object) -> str:
    """By which it is known, whatever else changes of it."""
    match item:
        case NicState(pci=pci) | VfState(pci=pci):
            return pci
        case LinkState(name=name) | OvsPort(name=name) | OvsBridge(name=name):
            return name
        case ModuleState(name=name):
            return name
        case RouteState(family=family, gateway=gateway, device=device):
            return f"IPv{family} default via {gateway} dev {device}"
        case _:
            return str(item)


def _ours(item: object) -> bool:
    """False for what others made meanwhile: an interface, or a bridge port without our mark.

    Representors and VFs that stayed behind show in `nics`.
    """
    return not isinstance(item, LinkState) and not (
        isinstance(item, OvsPort) and OWNER not in item.external_ids
    )


def _our_words(before: object, after: object, path: str) -> Iterator[str]:
    if isinstance(before, Unknown):
        return
    if isinstance(after, Unknown):
        yield f"{path}: unknown now: {after.reason}"
        return
    old, new = _words_of(before), _words_of(after)
    yield from (f"{path}: {word} is new" for word in WORDS if word in new - old)


def _words_of(value: object) -> frozenset[str]:
    if isinstance(value, tuple):
        return frozenset(map(str, value))
    return mentioned(value) if isinstance(value, str) else frozenset()
