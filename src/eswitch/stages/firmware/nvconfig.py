"""Part of stage `firmware`: what a card's firmware remembers, and how it is asked and told.

Its functions share one store, or have one each where `PF_NUM_OF_VF_VALID` is in force, or where the
kernel's own parameters are used (domain.md 1.5, 2.2, 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass

from eswitch.model.action import Action, Program
from eswitch.model.desired import DesiredNic
from eswitch.model.drivers import DriverProfile
from eswitch.model.firmware import FirmwareState, FirmwareWay, Parameter, number
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import NicState
from eswitch.model.plan import Blocker, Obstacle
from eswitch.model.subject import SpecNic


@dataclass(frozen=True, slots=True)
class Want:
    """A NIC of the spec that offers fewer VFs than it should."""

    nic: DesiredNic
    pf: NicState
    profile: DriverProfile


@dataclass(frozen=True, slots=True)
class Store:
    """What is asked and told through one function, `settings` is what has to be set there."""

    function: PciAddress
    firmware: FirmwareState
    settings: dict[str, int]


def first_function(want: Want) -> PciAddress:
    """What the card's functions share is set through function 0 (domain.md 2.2)."""
    return PciAddress(f"{str(want.pf.pci).rpartition('.')[0]}.0")


def most(wants: list[Want]) -> int:
    """VFs for each PF; one at least, for without SR-IOV there is no e-switch."""
    return max(1, *(len(want.nic.vfs) for want in wants))


SWITCH, COUNT = "SRIOV_EN", "NUM_OF_VFS"
OWN, OWN_COUNT = "PF_NUM_OF_VF_VALID", "PF_NUM_OF_VF"


def count_name(firmware: FirmwareState) -> str:
    """The number that counts: the one of each PF where that is in force."""
    own = firmware.parameters.get(OWN)
    return OWN_COUNT if own is not None and number(own.next) == 1 else COUNT


def stores_of(few: list[Want]) -> tuple[list[Store], tuple[Blocker, ...]]:
    """What has to be set through which function, or why it cannot be."""
    wants: dict[PciAddress, list[Want]] = {}
    for want in few:
        firmware = want.pf.firmware
        if isinstance(firmware, FirmwareState):
            # The kernel's parameter is that of one PF wherever the firmware can do so.
            own = firmware.way is FirmwareWay.DEVLINK or count_name(firmware) == OWN_COUNT
            function = want.pf.pci if own else first_function(want)
            wants.setdefault(function, []).append(want)
    stores: list[Store] = []
    for function, mine in wants.items():
        firmware = mine[0].pf.firmware
        if not isinstance(firmware, FirmwareState):
            continue
        count = count_name(firmware)
        wanted = {SWITCH: 1, count: most(mine if count == OWN_COUNT else few)}
        if any(SWITCH in store.settings for store in stores):
            del wanted[SWITCH]  # the whole card has one
        settings, refused = _settings(mine[0], firmware, wanted)
        if refused:
            return [], (refused,)
        stores.append(Store(function, firmware, settings))
    return stores, ()


def _settings(
    want: Want, firmware: FirmwareState, wanted: dict[str, int]
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
        return {}, Blocker(SpecNic(want.nic.name), message, hint, Obstacle.BY_HAND, source)
    return settings, None


def not_in_force(store: Store) -> str:
    """What is set and not in force yet, or may be: empty if nothing is."""
    found = []
    for name in (SWITCH, OWN, count_name(store.firmware)):
        parameter = store.firmware.parameters.get(name)
        if parameter is None or parameter.current == parameter.next:
            continue
        found.append(f"{name} {parameter.current or '(not told)'} -> {parameter.next}")
    return ", ".join(found)


def told(changed: list[Store], *, new: bool) -> str:
    """The values to set, or those before; with their function where there are several."""
    words = []
    for store in changed:
        before = {name: store.firmware.parameters[name].next for name in store.settings}
        values = store.settings.items() if new else before.items()
        prefix = f"{store.function} " if len(changed) > 1 else ""
        words.append(prefix + ", ".join(f"{name} {value}" for name, value in values))
    return "; ".join(words)


def numbers(parameters: dict[str, Parameter]) -> dict[str, int]:
    """Their values for the next start, as they were."""
    values = {name: number(parameter.next) for name, parameter in parameters.items()}
    return {name: value for name, value in values.items() if value is not None}


_DEVLINK = {SWITCH: "enable_sriov", COUNT: "total_vfs", OWN_COUNT: "total_vfs"}


def write(store: Store, values: dict[str, int]) -> tuple[Action, ...]:
    """What tells the firmware these values, for the next start."""
    function = store.function
    if store.firmware.way is not FirmwareWay.DEVLINK:
        words = tuple(f"{name}={value}" for name, value in values.items())
        return (
            Program((store.firmware.way.value, "-d", function, "-y", "set", *words), whole=True),
        )
    prefix = ("devlink", "dev", "param", "set", f"pci/{function}", "name")
    commands: list[Action] = []
    for name, value in values.items():
        text = str(bool(value)).lower() if name == SWITCH else str(value)
        words = (*prefix, _DEVLINK[name], "value", text, "cmode", "permanent")
        commands.append(Program(words, whole=True))
    return tuple(commands)
