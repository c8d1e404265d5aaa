"""Stage `firmware` (the recipe's 启动固件SRIOV): the NIC offers enough VFs.

Many cards do as they arrive, so the firmware is asked only where `sriov_totalvfs` is not enough
(domain.md 2.5). Only what is needed is set, nothing is ever lowered, and it counts from the NIC's
next start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from eswitch.model.desired import DesiredNic, DesiredState
from eswitch.model.drivers import DriverProfile
from eswitch.model.firmware import FirmwareState, FirmwareWay, Parameter, number
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import EswitchState, NicState, ObservedState, SriovState, Unknown
from eswitch.model.plan import Blocker, Pending, StagePlan
from eswitch.model.question import Question, Topic
from eswitch.model.step import Action, Command, Run, Settle, Step, Tool, Write

from . import nics, users, vfs
from .afterwards import restarted

NAME = "firmware"
_RESET = 300.0
"""Seconds that a reset of the card may take, its driver's restart included."""
_BIOS = "switch on SR-IOV for this slot in the BIOS, or power the machine off and on again"
DPU = "a BlueField in DPU mode: its own Arm cores hold the e-switch"


@dataclass(frozen=True, slots=True)
class _Want:
    """A NIC of the spec that offers fewer VFs than it should."""

    nic: DesiredNic
    pf: NicState
    profile: DriverProfile


def questions(desired: DesiredState, observed: ObservedState) -> frozenset[Question]:
    """About the PFs whose VFs are too few, or whose e-switch nobody answers for."""
    return frozenset(
        Question(Topic.FIRMWARE, want.pf.pci)
        for want in _wants(desired, observed)
        if want.pf.firmware is None and want.profile.firmware
    )


def _wants(desired: DesiredState, observed: ObservedState) -> Iterator[_Want]:
    for nic, pf in nics.matched(desired, observed):
        profile = nics.known_profile(pf)
        if profile is None:
            continue
        few = not nics.offers(pf, nic)
        # A BlueField in DPU mode has VFs, and no e-switch for this host.
        mute = bool(profile.firmware and pf.driver) and isinstance(pf.eswitch, Unknown)
        if few or mute:
            yield _Want(nic, pf, profile)


def plan(desired: DesiredState, observed: ObservedState) -> tuple[StagePlan, ObservedState]:
    """Steps for each card that offers too few VFs; its functions share one store."""
    total = StagePlan()
    wants = [want for want in _wants(desired, observed) if not _hopeless(want, observed)]
    cards: dict[str, list[_Want]] = {}
    for want in wants:
        cards.setdefault(str(want.pf.pci).rpartition(".")[0], []).append(want)
    for card in cards.values():
        part = _card(card, observed)
        total += part
        if part.blockers or not (part.steps or part.pending):
            continue
        if any(not step.reboot for step in part.steps):
            for pf in _functions(card[0], observed):
                observed = nics.replaced(observed, restarted(pf))
        few = [want for want in card if _few(want)]
        for want in few:
            pf = observed.nic(want.pf.pci) or want.pf
            observed = nics.replaced(observed, _once_set(pf, few))
    return total, observed


def _hopeless(want: _Want, observed: ObservedState) -> bool:
    """What the driver stage has said is not said again."""
    profile = nics.profile_for(want.nic, replace(want.pf, driver=want.profile.name))
    if isinstance(profile, Blocker):
        return True
    return isinstance(nics.kernel_verdict(want.nic, profile, observed), Blocker)


def _once_set(pf: NicState, card: list[_Want]) -> NicState:
    """The function as it will be: nothing but the number of its VFs is foreseen."""
    now = pf.sriov or SriovState(0, 0, autoprobe=True)
    sriov = replace(now, total=max(now.total, _most(card)))
    eswitch = pf.eswitch if isinstance(pf.eswitch, EswitchState) else EswitchState("legacy")
    return replace(pf, sriov=sriov, eswitch=eswitch)


@dataclass(frozen=True, slots=True)
class _Store:
    """What is asked and told through one function, `settings` is what has to be set there."""

    function: PciAddress
    firmware: FirmwareState
    settings: dict[str, int]


def _card(card: list[_Want], observed: ObservedState) -> StagePlan:
    blocked = tuple(blocker for want in card if (blocker := _obstacle(want)))
    few = [want for want in card if _few(want)]
    if blocked or not few:  # enough VFs: the e-switch stage says what is wrong with it
        return StagePlan(blockers=blocked)
    stores, refused = _stores(few)
    if refused:
        return StagePlan(blockers=refused)
    waiting = ", ".join(filter(None, map(_waiting, stores)))
    settings = any(store.settings for store in stores)
    reset = any(want.nic.firmware_reset for want in few)
    if not settings and not waiting:
        return StagePlan(blockers=tuple(map(_in_force_and_yet, few)))
    if not settings and not reset:
        return StagePlan(pending=(Pending(_first_function(few[0]), NAME, waiting),))
    blockers = tuple(_harm(few[0], observed, stores)) if reset else ()
    return StagePlan((_set(few, stores, reset=reset, observed=observed),), blockers)


def _first_function(want: _Want) -> PciAddress:
    """What the card's functions share is set through function 0 (domain.md 2.2)."""
    return PciAddress(f"{str(want.pf.pci).rpartition('.')[0]}.0")


def _most(wants: list[_Want]) -> int:
    """VFs for each PF; one at least, for without SR-IOV there is no e-switch."""
    return max(1, *(len(want.nic.vfs) for want in wants))


def _few(want: _Want) -> bool:
    return not nics.offers(want.pf, want.nic)


def _obstacle(want: _Want) -> Blocker | None:
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
        return Blocker(nic.name, missing, hint, source=source, human=True)
    if not isinstance(firmware, FirmwareState):
        if not _few(want):
            return None
        reason = firmware.reason if firmware is not None else "nobody asked"
        message = f"{missing}, and its firmware cannot be asked: {reason}"
        hint, human = _way_out(reason)
        return Blocker(nic.name, message, hint, source=source, human=human)
    if firmware.is_dpu:
        return Blocker(
            nic.name,
            f"{pf.pci} is {DPU}",
            "run eswitch on the BlueField itself, or put the card into NIC mode "
            f"(mstconfig -d {pf.pci} set INTERNAL_CPU_OFFLOAD_ENGINE=1, then power off and on)",
            source=nic.source,
            human=True,
        )
    return None


def _way_out(reason: str) -> tuple[str, bool]:
    """What to do, and whether only a person can."""
    if "lockdown" in reason:
        hint = "Secure Boot forbids it to every program: set SR-IOV and the number of VFs in the "
        hint += "card's own menu in the BIOS, or switch Secure Boot off while you do it here"
        return hint, True
    if "installed" in reason:
        return "apt install mstflint", False
    if "root" in reason:
        return "run it as root", False
    return "set SR-IOV and the number of VFs in the card's own menu in the BIOS", True


_SWITCH, _COUNT = "SRIOV_EN", "NUM_OF_VFS"
_OWN, _OWN_COUNT = "PF_NUM_OF_VF_VALID", "PF_NUM_OF_VF"


def _count(firmware: FirmwareState) -> str:
    """The number that counts: the one of each PF where that is in force."""
    own = firmware.parameters.get(_OWN)
    return _OWN_COUNT if own is not None and number(own.next) == 1 else _COUNT


def _stores(few: list[_Want]) -> tuple[list[_Store], tuple[Blocker, ...]]:
    """What has to be set through which function, or why it cannot be."""
    wants: dict[PciAddress, list[_Want]] = {}
    for want in few:
        firmware = want.pf.firmware
        if isinstance(firmware, FirmwareState):
            # The kernel's parameter is that of one PF wherever the firmware can do so.
            own = firmware.way is FirmwareWay.DEVLINK or _count(firmware) == _OWN_COUNT
            function = want.pf.pci if own else _first_function(want)
            wants.setdefault(function, []).append(want)
    stores: list[_Store] = []
    for function, mine in wants.items():
        firmware = mine[0].pf.firmware
        if not isinstance(firmware, FirmwareState):
            continue
        count = _count(firmware)
        wanted = {_SWITCH: 1, count: _most(mine if count == _OWN_COUNT else few)}
        if any(_SWITCH in store.settings for store in stores):
            del wanted[_SWITCH]  # the whole card has one
        settings, refused = _settings(mine[0], firmware, wanted)
        if refused:
            return [], (refused,)
        stores.append(_Store(function, firmware, settings))
    return stores, ()


def _settings(
    want: _Want, firmware: FirmwareState, wanted: dict[str, int]
) -> tuple[dict[str, int], Blocker | None]:
    """What has to be set, by name."""
    pci = want.pf.pci
    settings: dict[str, int] = {}
    for name, value in wanted.items():
        parameter = firmware.parameters.get(name)
        here = number(parameter.next) if parameter else None
        if here is not None and here >= value:
            continue
        if parameter is None or here is None:
            said = f"says {parameter.next}" if parameter else "is not known to it"
            message = f"the firmware of {pci} cannot be set: {name} {said}"
        elif parameter.read_only:
            message = f"{name} of {pci} is {parameter.next}, and its maker locked it"
        else:
            settings[name] = value
            continue
        show = (
            f"devlink dev param show pci/{pci}"
            if firmware.way is FirmwareWay.DEVLINK
            else f"{firmware.way} -d {pci} -e q"
        )
        hint = f"`{show}` shows all; try the card's own menu in the BIOS, or lower `vfs`"
        source = want.nic.vfs_source or want.nic.source
        return {}, Blocker(want.nic.name, message, hint, source=source, human=True)
    return settings, None


def _waiting(store: _Store) -> str:
    """What is set and not in force yet, or may be: empty if nothing is."""
    found = []
    for name in (_SWITCH, _OWN, _count(store.firmware)):
        parameter = store.firmware.parameters.get(name)
        if parameter is None or parameter.current == parameter.next:
            continue
        found.append(f"{name} {parameter.current or '(not told)'} -> {parameter.next}")
    return ", ".join(found)


def _in_force_and_yet(want: _Want) -> Blocker:
    """The firmware has it in force, and the function does not show it."""
    firmware = want.pf.firmware
    sriov = want.pf.sriov
    shown = "shows no SR-IOV capability" if sriov is None else f"shows sriov_totalvfs {sriov.total}"
    message = f"{want.pf.pci} {shown}, though its firmware has {_SWITCH} on"
    if isinstance(firmware, FirmwareState):
        count = firmware.parameters.get(_count(firmware))
        message += f" and {_count(firmware)} {count.next}" if count else ""
    message += " in force"
    source = want.nic.vfs_source or want.nic.source
    return Blocker(want.nic.name, message, _BIOS, source=source, human=True)


_RESETTERS = {FirmwareWay.MSTCONFIG: "mstfwreset", FirmwareWay.MLXCONFIG: "mlxfwreset"}


def _harm(want: _Want, observed: ObservedState, stores: list[_Store]) -> Iterator[Blocker]:
    """A reset takes every function of the card down."""
    otherwise = "or leave `firmware_reset` out, and reboot when it suits you"
    if stores[0].firmware.way not in _RESETTERS:
        message = f"{want.pf.pci} cannot be reset without mstfwreset, which eswitch did not find"
        hint = f"apt install mstflint, {otherwise}"
        yield Blocker(want.nic.name, message, hint, source=want.nic.source)
    for pf in _functions(want, observed):
        session = users.session_blocker(pf, observed, "resetting the card")
        held = users.vf_blockers(pf, "resetting the card")
        for blocker in (*((session,) if session else ()), *held):
            yield replace(blocker, hint=f"{blocker.hint}; {otherwise}")


def _functions(want: _Want, observed: ObservedState) -> list[NicState]:
    """All PFs of its card."""
    slot = str(want.pf.pci).rpartition(".")[0]
    return [pf for pf in observed.nics if str(pf.pci).rpartition(".")[0] == slot]


def _set(few: list[_Want], stores: list[_Store], *, reset: bool, observed: ObservedState) -> Step:
    """One step for the whole card, which starts anew but once."""
    function = _first_function(few[0])
    functions = _functions(few[0], observed)
    changed = [store for store in stores if store.settings]
    disturbs = _moved(functions, changed)
    actions: tuple[Action, ...] = ()
    inverse: tuple[Action, ...] = ()
    for store in changed:
        before = {name: store.firmware.parameters[name] for name in store.settings}
        actions += _write(store, store.settings)
        inverse += _write(store, _numbers(before))
    if reset:
        disturbs += ("all links of the card go down for some seconds",)
        for pf in functions:
            disturbs += users.vf_disturbance(pf)
        resetter = _RESETTERS.get(stores[0].firmware.way, "mstfwreset")
        actions += tuple(_numvfs(pf, 0) for pf in functions if pf.sriov and pf.sriov.count)
        actions += (Run((resetter, "-d", function, "-y", "-l", "3", "reset"), timeout=_RESET),)
        inverse += tuple(action for pf in functions for action in _vfs_again(pf, observed))
    want = max(few, key=lambda want: len(want.nic.vfs))
    return Step(
        NAME,
        str(function),
        NAME,
        _told(changed, new=False) or "set, not in force",
        _told(changed, new=True) or "in force",
        f"`{want.nic.name}` asks for {len(want.nic.vfs)} VFs, which {want.pf.pci} does not offer",
        actions,
        inverse,
        disturbs,
        timeout=60.0,
        source=want.nic.vfs_source or want.nic.source,
        reboot=not reset,
    )


def _moved(functions: list[NicState], changed: list[_Store]) -> tuple[str, ...]:
    """The first VF of a later PF has its place behind the last of those before."""
    numbers = {_COUNT, _OWN_COUNT}
    before = [store.function for store in changed if numbers & store.settings.keys()]
    names = [str(pf.pci) for pf in functions if pf.sriov and any(pf.pci > it for it in before)]
    if not names:
        return ()
    where = ", ".join(names)
    return (f"the VFs of {where} get other PCI addresses: guests name them by those",)


def _told(changed: list[_Store], *, new: bool) -> str:
    """The values to set, or those before; with their function where there are several."""
    words = []
    for store in changed:
        before = {name: store.firmware.parameters[name].next for name in store.settings}
        values = store.settings.items() if new else before.items()
        prefix = f"{store.function} " if len(changed) > 1 else ""
        words.append(prefix + ", ".join(f"{name} {value}" for name, value in values))
    return "; ".join(words)


def _numvfs(pf: NicState, count: int) -> Write:
    return Write(f"/sys/bus/pci/devices/{pf.pci}/sriov_numvfs", str(count), timeout=300.0)


def _vfs_again(pf: NicState, observed: ObservedState) -> tuple[Action, ...]:
    """The VFs that a reset took, and the mode that they were made in."""
    if pf.sriov is None or not pf.sriov.count:
        return ()
    mode: tuple[Action, ...] = ()
    if isinstance(pf.eswitch, EswitchState) and pf.eswitch.mode != "legacy":
        words = ("dev", "eswitch", "set", f"pci/{pf.pci}", "mode", pf.eswitch.mode)
        mode = (Command(Tool.DEVLINK, words), Settle(pf=pf.pci))
    autoprobe = f"/sys/bus/pci/devices/{pf.pci}/sriov_drivers_autoprobe"
    made = (Write(autoprobe, "0"), _numvfs(pf, pf.sriov.count), Settle(urgent=True))
    return (*mode, *made, Write(autoprobe, "1"), *vfs.restore(pf, observed))


def _numbers(parameters: dict[str, Parameter]) -> dict[str, int]:
    """Their values for the next start, as they were."""
    values = {name: number(parameter.next) for name, parameter in parameters.items()}
    return {name: value for name, value in values.items() if value is not None}


_DEVLINK = {_SWITCH: "enable_sriov", _COUNT: "total_vfs", _OWN_COUNT: "total_vfs"}


def _write(store: _Store, values: dict[str, int]) -> tuple[Action, ...]:
    function = store.function
    if store.firmware.way is not FirmwareWay.DEVLINK:
        words = tuple(f"{name}={value}" for name, value in values.items())
        return (Run((store.firmware.way.value, "-d", function, "-y", "set", *words)),)
    prefix = ("devlink", "dev", "param", "set", f"pci/{function}", "name")
    commands: list[Action] = []
    for name, value in values.items():
        text = str(bool(value)).lower() if name == _SWITCH else str(value)
        commands.append(Run((*prefix, _DEVLINK[name], "value", text, "cmode", "permanent")))
    return tuple(commands)
