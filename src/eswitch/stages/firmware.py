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
from eswitch.model.step import Action, Run, Step, Write

from . import nics, users

NAME = "firmware"
_RESET = 300.0
"""Seconds that a reset of the card may take, its driver's restart included."""
_BIOS = "switch on SR-IOV for this slot in the BIOS, or power the machine off and on again"
DPU = "a BlueField in DPU mode: its own Arm cores hold the e-switch"
_DPU = {"INTERNAL_CPU_MODEL": 1, "INTERNAL_CPU_OFFLOAD_ENGINE": 0}
"""How a BlueField says that its own Arm cores hold the e-switch (domain.md 2.3)."""


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
    for nic in desired.nics:
        pf = nics.find(nic, observed)
        profile = None if isinstance(pf, Blocker) else nics.known_profile(pf)
        if isinstance(pf, Blocker) or profile is None:
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
        if not part.blockers and (part.steps or part.pending):
            for want in card:
                observed = nics.replaced(observed, _once_set(want, card))
    return total, observed


def _hopeless(want: _Want, observed: ObservedState) -> bool:
    """What the driver stage has said is not said again."""
    profile = nics.profile_for(want.nic, replace(want.pf, driver=want.profile.name))
    if isinstance(profile, Blocker):
        return True
    return isinstance(nics.kernel_verdict(want.nic, profile, observed), Blocker)


def _once_set(want: _Want, card: list[_Want]) -> NicState:
    """The function as it will be: nothing but the number of its VFs is foreseen."""
    pf = want.pf
    now = pf.sriov or SriovState(0, 0, autoprobe=True)
    sriov = replace(now, total=max(now.total, _most(card)))
    eswitch = pf.eswitch if isinstance(pf.eswitch, EswitchState) else EswitchState("legacy")
    return replace(pf, sriov=sriov, eswitch=eswitch)


def _card(card: list[_Want], observed: ObservedState) -> StagePlan:
    first = card[0]
    blocked = _obstacle(first)
    if blocked is not None:
        return StagePlan(blockers=(blocked,))
    firmware = first.pf.firmware
    if not isinstance(firmware, FirmwareState):  # `_obstacle` has said so
        return StagePlan()
    if not any(_few(want) for want in card):
        return StagePlan()  # enough VFs; the e-switch stage says what is wrong with it
    settings, refused = _settings(card, firmware)
    if refused:
        return StagePlan(blockers=refused)
    function = PciAddress(f"{str(first.pf.pci).rpartition('.')[0]}.0")
    waiting = _waiting(firmware, _names(firmware))
    reset = any(want.nic.firmware_reset for want in card)
    if not settings and not waiting:
        return _in_force_and_yet(card, firmware)
    if not settings and not reset:
        return StagePlan(pending=(Pending(function, NAME, waiting),))
    blockers = tuple(_harm(card, observed)) if reset else ()
    step = _set(card, function, firmware, settings, reset=reset, observed=observed)
    return StagePlan((step,), blockers)


def _most(card: list[_Want]) -> int:
    """VFs for each PF; one at least, for without SR-IOV there is no e-switch."""
    return max(1, *(len(want.nic.vfs) for want in card))


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
        return Blocker(nic.name, message, _way_out(reason), source=source, human=True)
    if is_dpu(firmware):
        return Blocker(
            nic.name,
            f"{pf.pci} is {DPU}",
            "run eswitch on the BlueField itself, or put the card into NIC mode "
            f"(mstconfig -d {pf.pci} set INTERNAL_CPU_OFFLOAD_ENGINE=1, then power off and on)",
            source=nic.source,
            human=True,
        )
    return None


def _way_out(reason: str) -> str:
    if "lockdown" in reason:
        return (
            "Secure Boot forbids it to every program: set SR-IOV and the number of VFs in the "
            "card's own menu in the BIOS, or switch Secure Boot off while you do it here"
        )
    if "installed" in reason:
        return "apt install mstflint"
    if "root" in reason:
        return "run it as root"
    return "set SR-IOV and the number of VFs in the card's own menu in the BIOS"


def is_dpu(firmware: FirmwareState) -> bool:
    """Whether the host that sees the card is not the one whose e-switch it is."""
    said = {name: firmware.parameters.get(name) for name in _DPU}
    if said["INTERNAL_CPU_MODEL"] is None:
        return False
    return all(
        parameter is None or number(parameter.current or parameter.next) == _DPU[name]
        for name, parameter in said.items()
    )


def _names(firmware: FirmwareState) -> tuple[str, str]:
    """The switch, and the number that counts: the one for each PF where that is in force."""
    own = firmware.parameters.get("PF_NUM_OF_VF_VALID")
    each = own is not None and number(own.next) == 1
    return "SRIOV_EN", "PF_NUM_OF_VF" if each else "NUM_OF_VFS"


def _settings(
    card: list[_Want], firmware: FirmwareState
) -> tuple[dict[str, int], tuple[Blocker, ...]]:
    """What has to be set, by name."""
    switch, count = _names(firmware)
    wanted = {switch: 1, count: _most(card)}
    nic = card[0].nic
    settings: dict[str, int] = {}
    for name, value in wanted.items():
        parameter = firmware.parameters.get(name)
        here = number(parameter.next) if parameter else None
        if here is not None and here >= value:
            continue
        if parameter is None or here is None:
            said = f"says {parameter.next}" if parameter else "is not known to it"
            message = f"the firmware of {card[0].pf.pci} cannot be set: {name} {said}"
        elif parameter.read_only:
            message = f"{name} of {card[0].pf.pci} is {parameter.next}, and its maker locked it"
        else:
            settings[name] = value
            continue
        hint = f"`{firmware.way} -d {card[0].pf.pci} -e q` shows all; {_BIOS}"
        return {}, (Blocker(nic.name, message, hint, source=nic.source, human=True),)
    return settings, ()


def _waiting(firmware: FirmwareState, names: tuple[str, ...]) -> str:
    """What is set and not in force yet, or may be: empty if nothing is."""
    found = []
    for name in names:
        parameter = firmware.parameters.get(name)
        if parameter is None or parameter.current == parameter.next:
            continue
        found.append(f"{name} {parameter.current or '(not told)'} -> {parameter.next}")
    return ", ".join(found)


def _in_force_and_yet(card: list[_Want], firmware: FirmwareState) -> StagePlan:
    """The firmware has it in force, and the function does not show it."""
    blockers = []
    _, count = _names(firmware)
    for want in card:
        if not _few(want):
            continue
        shown = (
            "shows no SR-IOV capability"
            if want.pf.sriov is None
            else f"can have {want.pf.sriov.total} VFs"
        )
        message = (
            f"{want.pf.pci} {shown}, though its firmware has SRIOV_EN on and "
            f"{count} {firmware.parameters[count].next} in force"
        )
        source = want.nic.vfs_source or want.nic.source
        blockers.append(Blocker(want.nic.name, message, _BIOS, source=source, human=True))
    return StagePlan(blockers=tuple(blockers))


def _harm(card: list[_Want], observed: ObservedState) -> Iterator[Blocker]:
    """A reset takes every function of the card down."""
    for pf in _functions(card, observed):
        session = users.session_blocker(pf, observed, "resetting the card")
        if session:
            yield session
        yield from users.vf_blockers(pf, "resetting the card")


def _functions(card: list[_Want], observed: ObservedState) -> list[NicState]:
    slot = str(card[0].pf.pci).rpartition(".")[0]
    return [pf for pf in observed.nics if str(pf.pci).rpartition(".")[0] == slot]


def _set(
    card: list[_Want],
    function: PciAddress,
    firmware: FirmwareState,
    settings: dict[str, int],
    *,
    reset: bool,
    observed: ObservedState,
) -> Step:
    before = {name: firmware.parameters[name] for name in settings}
    functions = _functions(card, observed)
    disturbs: list[str] = []
    moved = [pf for pf in functions if pf.pci != function]
    if "NUM_OF_VFS" in settings and moved:
        names = ", ".join(pf.pci for pf in moved)
        disturbs.append(f"the VFs of {names} get other PCI addresses: guests name them by those")
    actions = _write(firmware, function, settings) if settings else ()
    if reset:
        disturbs.append("all links of the card go down for some seconds")
        actions += tuple(
            Write(f"/sys/bus/pci/devices/{pf.pci}/sriov_numvfs", "0", timeout=300.0)
            for pf in functions
            if pf.sriov is not None and pf.sriov.count
        )
        actions += (Run(("mstfwreset", "-d", function, "-y", "-l", "3", "reset"), timeout=_RESET),)
    old = ", ".join(f"{name} {parameter.next}" for name, parameter in before.items())
    new = ", ".join(f"{name} {value}" for name, value in settings.items())
    return Step(
        NAME,
        str(function),
        NAME,
        old or "set, not in force",
        new or "in force",
        f"`{card[0].nic.name}` asks for {len(card[0].nic.vfs)} VFs",
        actions,
        _write(firmware, function, _numbers(before)) if settings else (),
        tuple(disturbs),
        timeout=60.0,
        source=card[0].nic.vfs_source or card[0].nic.source,
        reboot=not reset,
    )


def _numbers(parameters: dict[str, Parameter]) -> dict[str, int]:
    """Their values for the next start, as they were."""
    values = {name: number(parameter.next) for name, parameter in parameters.items()}
    return {name: value for name, value in values.items() if value is not None}


_DEVLINK = {"SRIOV_EN": "enable_sriov", "NUM_OF_VFS": "total_vfs"}


def _write(
    firmware: FirmwareState, function: PciAddress, values: dict[str, int]
) -> tuple[Action, ...]:
    if firmware.way is not FirmwareWay.DEVLINK:
        words = tuple(f"{name}={value}" for name, value in values.items())
        return (Run((firmware.way.value, "-d", function, "-y", "set", *words)),)
    flag = {0: "false", 1: "true"}
    prefix = ("devlink", "dev", "param", "set", f"pci/{function}", "name")
    return tuple(
        Run(
            (
                *prefix,
                _DEVLINK[name],
                "value",
                flag.get(value, str(value)) if name == "SRIOV_EN" else str(value),
                "cmode",
                "permanent",
            )
        )
        for name, value in values.items()
    )
