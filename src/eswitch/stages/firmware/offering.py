"""Stage `firmware` (the recipe's 启动固件SRIOV): the NIC offers enough VFs.

Many cards do as they arrive, so the firmware is asked only where `sriov_totalvfs` is not enough
(domain.md 2.5). Only what is needed is set, nothing is ever lowered, and it counts from the NIC's
next start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from eswitch.model.action import Action, Command, Program, Settle, Tool
from eswitch.model.desired import DesiredState
from eswitch.model.disturbance import Disturbance, Effect
from eswitch.model.firmware import FirmwareState, FirmwareWay
from eswitch.model.observed import EswitchState, NicState, ObservedState, SriovState
from eswitch.model.plan import Blocker, Obstacle, Pending, StagePlan
from eswitch.model.question import Question, Topic
from eswitch.model.step import Step
from eswitch.model.subject import Interface, Nic, SpecNic, Uplink
from eswitch.model.unknown import Unknown
from eswitch.stages import restored_vfs
from eswitch.stages.remaining import restarted, with_nic
from eswitch.topology import disturbance, matching, session, stacking
from eswitch.topology.suitability import DPU

from .nvconfig import (
    COUNT,
    OWN_COUNT,
    SWITCH,
    Store,
    Want,
    count_name,
    first_function,
    most,
    not_in_force,
    numbers,
    stores_of,
    told,
    write,
)

ATTRIBUTE = "firmware"
_RESET = 300.0
"""Seconds that a reset of the card may take, its driver's restart included."""
_BIOS = "switch on SR-IOV for this slot in the BIOS, or power the machine off and on again"


def questions(desired: DesiredState, observed: ObservedState) -> frozenset[Question]:
    """About the PFs whose VFs are too few, or whose e-switch nobody answers for."""
    return frozenset(
        Question(Topic.FIRMWARE, want.pf.pci)
        for want in _wants(desired, observed)
        if want.pf.firmware is None and want.profile.firmware
    )


def _wants(desired: DesiredState, observed: ObservedState) -> Iterator[Want]:
    for nic, pf in matching.matched(desired, observed):
        profile = matching.known_profile(pf)
        if profile is None:
            continue
        few = not matching.offers(pf, nic)
        # A BlueField in DPU mode has VFs, and no e-switch for this host.
        mute = bool(profile.firmware and pf.driver) and isinstance(pf.eswitch, Unknown)
        if few or mute:
            yield Want(nic, pf, profile)


def plan(desired: DesiredState, observed: ObservedState) -> tuple[StagePlan, ObservedState]:
    """Steps for each card that offers too few VFs; its functions share one store."""
    total = StagePlan()
    wants = [want for want in _wants(desired, observed) if not _hopeless(want, observed)]
    cards: dict[str, list[Want]] = {}
    for want in wants:
        cards.setdefault(str(want.pf.pci).rpartition(".")[0], []).append(want)
    for card in cards.values():
        part = _card(card, observed)
        total += part
        if part.blockers or not (part.steps or part.pending):
            continue
        if any(not step.reboot for step in part.steps):
            for pf in _functions(card[0], observed):
                observed = with_nic(observed, restarted(pf))
        few = [want for want in card if _few(want)]
        for want in few:
            pf = observed.nic(want.pf.pci) or want.pf
            observed = with_nic(observed, _once_set(pf, few))
    return total, observed


def _hopeless(want: Want, observed: ObservedState) -> bool:
    """What the driver stage has said is not said again."""
    profile = matching.profile_for(want.nic, replace(want.pf, driver=want.profile.name))
    if isinstance(profile, Blocker):
        return True
    return isinstance(matching.kernel_verdict(want.nic, profile, observed), Blocker)


def _once_set(pf: NicState, card: list[Want]) -> NicState:
    """The function as it will be: nothing but the number of its VFs is foreseen."""
    now = pf.sriov or SriovState(0, 0, autoprobe=True)
    sriov = replace(now, total=max(now.total, most(card)))
    eswitch = pf.eswitch if isinstance(pf.eswitch, EswitchState) else EswitchState("legacy")
    return replace(pf, sriov=sriov, eswitch=eswitch)


def _card(card: list[Want], observed: ObservedState) -> StagePlan:
    blocked = tuple(blocker for want in card if (blocker := _obstacle(want)))
    few = [want for want in card if _few(want)]
    if blocked or not few:  # enough VFs: the e-switch stage says what is wrong with it
        return StagePlan(blockers=blocked)
    stores, refused = stores_of(few)
    if refused:
        return StagePlan(blockers=refused)
    waiting = ", ".join(filter(None, map(not_in_force, stores)))
    settings = any(store.settings for store in stores)
    reset = any(want.nic.firmware_reset for want in few)
    if not settings and not waiting:
        return StagePlan(blockers=tuple(map(_in_force_and_yet, few)))
    if not settings and not reset:
        return StagePlan(pending=(Pending(Nic(first_function(few[0])), ATTRIBUTE, waiting),))
    blockers = tuple(_harm(few[0], observed, stores)) if reset else ()
    return StagePlan((_set(few, stores, reset=reset, observed=observed),), blockers)


def _few(want: Want) -> bool:
    return not matching.offers(want.pf, want.nic)


def _obstacle(want: Want) -> Blocker | None:
    """Why the firmware cannot be asked, or may not be told."""
    nic, pf, profile = want.nic, want.pf, want.profile
    missing = (
        f"{pf.pci} shows no SR-IOV capability"
        if pf.sriov is None
        else f"{len(nic.vfs)} VFs are wanted, {pf.pci} can have {pf.sriov.total}"
    )
    source = nic.vfs_source or nic.source
    firmware = pf.firmware
    if not profile.firmware:
        if not _few(want):
            return None
        hint = "switch on SR-IOV in the BIOS and in the NIC's own menu there"
        hint += ", or lower `vfs`" if pf.sriov is not None else ""
        return Blocker(SpecNic(nic.name), missing, hint, Obstacle.BY_HAND, source)
    if not isinstance(firmware, FirmwareState):
        if not _few(want):
            return None
        reason = firmware.reason if firmware is not None else "nobody asked"
        message = f"{missing}, and its firmware cannot be asked: {reason}"
        hint, kind = _way_out(reason)
        return Blocker(SpecNic(nic.name), message, hint, kind, source)
    if firmware.is_dpu:
        return Blocker(
            SpecNic(nic.name),
            f"{pf.pci} is {DPU}",
            "run eswitch on the BlueField itself, or put the card into NIC mode "
            f"(mstconfig -d {pf.pci} set INTERNAL_CPU_OFFLOAD_ENGINE=1, then power off and on)",
            Obstacle.BY_HAND,
            nic.source,
        )
    return None


def _way_out(reason: str) -> tuple[str, Obstacle]:
    """What to do, and what kind of obstacle that makes it."""
    if "lockdown" in reason:
        hint = "Secure Boot forbids it to every program: set SR-IOV and the number of VFs in the "
        hint += "card's own menu in the BIOS, or switch Secure Boot off while you do it here"
        return hint, Obstacle.BY_HAND
    if "installed" in reason:
        return "apt install mstflint", Obstacle.MISSING
    if "root" in reason:
        return "run it as root", Obstacle.IMPOSSIBLE
    return "set SR-IOV and the number of VFs in the card's own menu in the BIOS", Obstacle.BY_HAND


def _in_force_and_yet(want: Want) -> Blocker:
    """The firmware has it in force, and the function does not show it."""
    firmware = want.pf.firmware
    sriov = want.pf.sriov
    shown = "shows no SR-IOV capability" if sriov is None else f"shows sriov_totalvfs {sriov.total}"
    message = f"{want.pf.pci} {shown}, though its firmware has {SWITCH} on"
    if isinstance(firmware, FirmwareState):
        count = firmware.parameters.get(count_name(firmware))
        message += f" and {count_name(firmware)} {count.next}" if count else ""
    message += " in force"
    source = want.nic.vfs_source or want.nic.source
    return Blocker(SpecNic(want.nic.name), message, _BIOS, Obstacle.BY_HAND, source)


_RESETTERS = {FirmwareWay.MSTCONFIG: "mstfwreset", FirmwareWay.MLXCONFIG: "mlxfwreset"}


def _harm(want: Want, observed: ObservedState, stores: list[Store]) -> Iterator[Blocker]:
    """A reset takes every function of the card down."""
    otherwise = "or leave `firmware_reset` out, and reboot when it suits you"
    if stores[0].firmware.way not in _RESETTERS:
        message = f"{want.pf.pci} cannot be reset without mstfwreset, which eswitch did not find"
        hint = f"apt install mstflint, {otherwise}"
        yield Blocker(SpecNic(want.nic.name), message, hint, Obstacle.MISSING, want.nic.source)
    for pf in _functions(want, observed):
        cut = session.session_blocker(pf, observed, "resetting the card")
        held = disturbance.vf_blockers(pf, "resetting the card")
        if cut is None:
            held += tuple(_lost(pf, observed))
        for blocker in (*((cut,) if cut else ()), *held):
            yield replace(blocker, hint=f"{blocker.hint}; {otherwise}")


def _lost(pf: NicState, observed: ObservedState) -> Iterator[Blocker]:
    """Its interface comes back as a new one, without what it has now: nobody would mend that."""
    subject, kind = Nic(pf.pci), Obstacle.IN_USE
    if pf.driver is not None and "vfio" in pf.driver:
        message = f"{pf.pci} is set aside for VMs (driver {pf.driver}): resetting the card would "
        message += "take it away from the one that has it"
        yield Blocker(subject, message, "stop that VM and give it back first", kind)
    held = stacking.addresses(pf, observed)
    above = [link.name for link in stacking.on_top({pf.netdev or ""}, observed)]
    above = [name for name in above if name != pf.netdev]
    if held:
        message = f"resetting the card would take {', '.join(held)} on {pf.netdev} away from this "
        yield Blocker(subject, f"{message}host", "take them off it first", kind)
    elif above:
        message = f"{', '.join(above)} would lose {pf.netdev} by resetting the card"
        yield Blocker(subject, message, f"take {pf.netdev} out of it first", kind)


def _functions(want: Want, observed: ObservedState) -> list[NicState]:
    """All PFs of its card."""
    slot = str(want.pf.pci).rpartition(".")[0]
    return [pf for pf in observed.nics if str(pf.pci).rpartition(".")[0] == slot]


def _set(few: list[Want], stores: list[Store], *, reset: bool, observed: ObservedState) -> Step:
    """One step for the whole card, which starts anew but once."""
    function = first_function(few[0])
    functions = _functions(few[0], observed)
    changed = [store for store in stores if store.settings]
    disturbs = _moved(functions, changed) + _renumbered(functions, changed, observed)
    actions: tuple[Action, ...] = ()
    inverse: tuple[Action, ...] = ()
    for store in changed:
        before = {name: store.firmware.parameters[name] for name in store.settings}
        actions += write(store, store.settings)
        inverse += write(store, numbers(before))
    if reset:
        text = "all links of the card go down for some seconds"
        disturbs += (Disturbance(tuple(Uplink(pf.pci) for pf in functions), Effect.PAUSE, text),)
        for pf in functions:
            disturbs += disturbance.vf_disturbance(pf)
        resetter = _RESETTERS.get(stores[0].firmware.way, "mstfwreset")
        words = (resetter, "-d", function, "-y", "-l", "3", "reset")
        start = Program(words, timeout=_RESET, whole=True)
        most = max(len(want.nic.vfs) for want in few)
        actions += tuple(restored_vfs.remove(pf) for pf in functions if pf.sriov and pf.sriov.count)
        actions += (start,)
        # The values before are in force again only by another one, and that takes every VF along.
        if changed:
            inverse += (*(restored_vfs.remove(pf, most=most) for pf in functions), start)
        inverse += tuple(action for pf in functions for action in _vfs_again(pf, observed))
    want = max(few, key=lambda want: len(want.nic.vfs))
    return Step(
        Nic(function),
        ATTRIBUTE,
        told(changed, new=False) or "set, not in force",
        told(changed, new=True) or "in force",
        f"`{want.nic.name}` asks for {len(want.nic.vfs)} VFs, which {want.pf.pci} does not offer",
        actions,
        inverse,
        disturbs,
        timeout=60.0,
        touches=tuple(Nic(pf.pci) for pf in functions) if reset else (),
        source=want.nic.vfs_source or want.nic.source,
        reboot=not reset,
    )


def _moved(functions: list[NicState], changed: list[Store]) -> tuple[Disturbance, ...]:
    """The first VF of a later PF has its place behind the last of those before."""
    numbers = {COUNT, OWN_COUNT}
    before = [store.function for store in changed if numbers & store.settings.keys()]
    moved = [pf.pci for pf in functions if pf.sriov and any(pf.pci > it for it in before)]
    if not moved:
        return ()
    text = f"the VFs of {', '.join(moved)} get other PCI addresses: guests name them by those"
    return (Disturbance(tuple(map(Nic, moved)), Effect.CHANGE, text),)


_BY_PATH = re.compile(r"en(P\d+)?(p\d+)?s\d+")
"""Names that udev makes from where a card is: the number of its bus, or that of its slot."""


def _renumbered(
    functions: list[NicState], changed: list[Store], observed: ObservedState
) -> tuple[Disturbance, ...]:
    """More functions take more bus numbers, and the cards behind get others."""
    if not any(SWITCH in store.settings for store in changed):
        return ()
    own = {str(pf.pci).rpartition(".")[0] for pf in functions}
    names = [
        link.name
        for link in stacking.below({route.device for route in observed.routes}, observed)
        if link.parent and str(link.parent).rpartition(".")[0] not in own
        if _BY_PATH.match(link.name)
    ]
    if not names:
        return ()
    text = "other cards may get other PCI addresses and so other names, among them"
    text += f" {', '.join(names)}, which has the default route"
    return (Disturbance(tuple(map(Interface, names)), Effect.CHANGE, text),)


def _vfs_again(pf: NicState, observed: ObservedState) -> tuple[Action, ...]:
    """The VFs that a reset took, and the mode that they were made in."""
    if pf.sriov is None or not pf.sriov.count:
        return ()
    mode: tuple[Action, ...] = ()
    if isinstance(pf.eswitch, EswitchState) and pf.eswitch.mode != "legacy":
        words = ("dev", "eswitch", "set", f"pci/{pf.pci}", "mode", pf.eswitch.mode)
        mode = (Command(Tool.DEVLINK, words), Settle(pf=pf.pci))
    return (*mode, *restored_vfs.make_again(pf, observed))
