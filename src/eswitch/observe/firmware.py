"""A NIC's firmware parameters, from the first program that answers (facts 2.1, 2.5, 1.5)."""

from __future__ import annotations

from collections.abc import Iterable

from eswitch.errors import HostError, NotFound
from eswitch.host import Host
from eswitch.host.door import Result
from eswitch.model.drivers import DriverProfile, profile_of, profile_of_device
from eswitch.model.firmware import FirmwareState, FirmwareWay, Parameter
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import NicState
from eswitch.model.unknown import Unknown

from .mlxconfig import parse_query
from .records import Record, documents, record, records, text

_DEADLINE = 60.0
_LOCKDOWN = "/sys/kernel/security/lockdown"
_FORBIDDEN = ("Operation not permitted", "Failed to open the device")
_NAMES = {"enable_sriov": "SRIOV_EN", "total_vfs": "NUM_OF_VFS"}
"""The kernel's own permanent parameters, and what the firmware calls them."""


def read_firmware(host: Host, nic: NicState) -> FirmwareState | Unknown:
    """What a PF's firmware says, or why that cannot be known."""
    profile = profile_of(nic.driver) or profile_of_device(nic.vendor_device)
    if profile is None:
        return Unknown(f"eswitch does not know the firmware of {nic.vendor_device or nic.pci}")
    if not profile.firmware:
        return Unknown(f"{profile.title}'s SR-IOV is not set by a program")
    if not host.is_root():
        return Unknown("only root may ask the firmware")
    program = _program(host, profile)
    if program is None:
        return _from_kernel(host, nic.pci, profile) or Unknown(_not_installed(profile))
    found = _ask(host, nic.pci, program)
    if isinstance(found, FirmwareState):
        return found
    level = _lockdown(host)
    if not level or not any(words in found.reason for words in _FORBIDDEN):
        return found
    said = found.reason.partition("; ")[0]
    forbidden = Unknown(f"kernel lockdown ({level}) forbids {program.value}: {said}")
    return _from_kernel(host, nic.pci, profile) or forbidden


def _programs(profile: DriverProfile) -> list[FirmwareWay]:
    return [way for way in profile.firmware if way is not FirmwareWay.DEVLINK]


def _program(host: Host, profile: DriverProfile) -> FirmwareWay | None:
    """The first of a profile's programs that is installed."""
    return next((way for way in _programs(profile) if host.which(way.value)), None)


def _not_installed(profile: DriverProfile) -> str:
    names = [way.value for way in _programs(profile)]
    if len(names) == 2:
        return f"neither {names[0]} nor {names[1]} is installed"
    return f"{', '.join(names)} is not installed"


def _ask(host: Host, pci: PciAddress, program: FirmwareWay) -> FirmwareState | Unknown:
    argv = [program.value, "-d", pci, "-e", "q"]
    try:
        result = host.run(argv, timeout=_DEADLINE, ok=None)
    except HostError as refusal:
        return Unknown(refusal.message)
    if result.status != 0:
        return Unknown(_words(result, program))
    state = parse_query(result.stdout, program)
    if not state.parameters:
        return Unknown(f"`{program.value}` names no parameters: {_words(result, program)}")
    return state


def _words(result: Result, program: FirmwareWay) -> str:
    """What a program that failed has to say: its errors, else its last line."""
    lines = [line.strip() for line in (*result.stderr.splitlines(), *result.stdout.splitlines())]
    lines = [line for line in lines if line]
    # mstconfig says the kernel's own words before its error, and both on stdout.
    said = [
        line
        for line in lines
        if line in result.stderr or line.startswith("-E-") or "not permitted" in line
    ]
    told = [line.removeprefix("-E-").strip() for line in said or lines[-1:]]
    return "; ".join(told) or f"`{program.value}` ended with status {result.status}"


def _lockdown(host: Host) -> str:
    """`integrity` or `confidentiality` while the kernel is locked down, else nothing."""
    try:
        return parse_lockdown(host.read(_LOCKDOWN))
    except HostError:
        return ""


def parse_lockdown(content: str) -> str:
    """The word in brackets of `none [integrity] confidentiality`; nothing for none."""
    level = content.partition("[")[2].partition("]")[0]
    return "" if level == "none" else level


def _from_kernel(host: Host, pci: PciAddress, profile: DriverProfile) -> FirmwareState | None:
    """What the kernel itself knows of the firmware (from 6.18 on); None where it does not."""
    if FirmwareWay.DEVLINK not in profile.firmware:
        return None
    handle = f"pci/{pci}"
    try:
        result = host.run(
            ["devlink", "-j", "dev", "param", "show", handle], timeout=_DEADLINE, ok=None
        )
        parameters = parse_devlink_parameters(result.stdout, handle)
    except NotFound:
        return None
    except HostError:
        return None
    return FirmwareState(FirmwareWay.DEVLINK, parameters) if parameters else None


def parse_devlink_parameters(printed: str, handle: str) -> dict[str, Parameter]:
    """The permanent parameters about SR-IOV under the firmware's own names.

    The kernel tells what counts from the next start, not what counts now. Raises HostError for
    what is no JSON.
    """
    found = {}
    for document in documents(printed, "devlink"):
        for entry in records(record(record(document).get("param")).get(handle)):
            name = _NAMES.get(text(entry, "name") or "")
            for values in _permanent(records(entry.get("values"))):
                value = _value(values.get("value"))
                if name and value is not None:
                    found[name] = Parameter(value, default=_value(values.get("default")))
    return found


def _permanent(values: Iterable[Record]) -> Iterable[Record]:
    return (entry for entry in values if entry.get("cmode") == "permanent")


def _value(said: object) -> str | None:
    """In the words of mstconfig: `True(1)`, `8`. Old versions of devlink quote all values."""
    if said is True or said == "true":
        return "True(1)"
    if said is False or said == "false":
        return "False(0)"
    return str(said) if isinstance(said, (int, str)) and said != "" else None
