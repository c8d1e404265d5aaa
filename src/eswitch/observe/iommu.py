"""The IOMMU as sysfs shows it, never by the kernel log, whose lines come and go (facts 3.1)."""

from __future__ import annotations

from eswitch.errors import HostError, NotFound
from eswitch.host import Host
from eswitch.model.machine import IommuState, Vendor
from eswitch.model.unknown import Unknown

_UNITS = "/sys/class/iommu"
_TABLES = "/sys/firmware/acpi/tables"
_VENDOR_OF_TABLE = {"DMAR": Vendor.INTEL, "IVRS": Vendor.AMD}
_VENDOR_OF_CPU = {
    "GenuineIntel": Vendor.INTEL,
    "AuthenticAMD": Vendor.AMD,
    "HygonGenuine": Vendor.AMD,
}
# The first of all processors; with hundreds of them the file is large.
_ENOUGH = 1024


def read_iommu(host: Host) -> IommuState | Unknown:
    """The units in use, the BIOS's table of them, and whose they are."""
    try:
        units = host.list(_UNITS)
    except NotFound:
        units = ()
    except HostError as refusal:
        return Unknown(refusal.message)
    table = _read_table(host)
    # The table decides: a virtual machine may have one maker's processor with the other's IOMMU.
    vendor = _VENDOR_OF_TABLE.get(table) if isinstance(table, str) else None
    return IommuState(units, table, vendor or _read_vendor(host))


def _read_table(host: Host) -> str | Unknown:
    try:
        names = host.list(_TABLES)
    except NotFound:
        return Unknown("it shows no ACPI tables")
    except HostError as refusal:
        return Unknown(refusal.message)
    return next((name for name in _VENDOR_OF_TABLE if name in names), "")


def _read_vendor(host: Host) -> Vendor:
    try:
        content = host.read_bytes("/proc/cpuinfo", _ENOUGH).decode("ascii", "replace")
    except HostError:
        return Vendor.OTHER
    return parse_vendor(content)


def parse_vendor(cpuinfo: str) -> Vendor:
    """The maker of the first processor in /proc/cpuinfo."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "vendor_id":
            return _VENDOR_OF_CPU.get(value.strip(), Vendor.OTHER)
    return Vendor.OTHER
