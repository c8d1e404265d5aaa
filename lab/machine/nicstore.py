"""What the firmware of the lab's NICs remembers: a small raw disk that the guest writes.

The disk holds JSON, padded with zero bytes. ``mstconfig`` in the guest (boot/mstconfig) changes
``next``; when the machine starts, ``start()`` makes it ``current``, and the NICs are built as
``current`` says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SIZE = 64 * 1024
SERIAL = "nicstore0"
MOST_VFS = 127

# How mstconfig behaves.
MODES = ("normal", "lockdown", "forgets")
LAYOUTS = ("4.31", "4.21")

BOOLEAN = {"0": "False", "1": "True"}


@dataclass(frozen=True)
class Firmware:
    """The NICs' firmware as they arrive.

    ``mode``: ``lockdown`` (the kernel lets nobody near the device), ``forgets`` (a set says
    success and keeps nothing). ``cold``: the next values are taken over when the power comes
    back, not by a reboot. ``layout``: whose printing mstconfig has.
    """

    sriov: bool = False
    vfs: int = 8
    mode: str = "normal"
    layout: str = "4.31"
    cold: bool = False
    more: dict[str, int] = field(default_factory=dict)


def address(index: int) -> str:
    """PCI address of a NIC: each is alone behind a root port (qemu.py)."""
    return f"0000:{index + 1:02x}:00.0"


def create(path: Path, firmware: Firmware, nics: int) -> None:
    """A store with the firmware of that many NICs."""
    if firmware.mode not in MODES or firmware.layout not in LAYOUTS:
        raise ValueError(f"no such mode or layout: {firmware}")
    save(path, {
        "mode": firmware.mode,
        "layout": firmware.layout,
        "cold": firmware.cold,
        "nics": {address(index): card(firmware) for index in range(nics)},
    })  # fmt: skip


def card(firmware: Firmware) -> dict[str, Any]:
    """One NIC: what mstconfig says of it, and its parameters."""
    values = {"SRIOV_EN": int(firmware.sriov), "NUM_OF_VFS": firmware.vfs, **firmware.more}
    parameters: list[dict[str, Any]] = [
        parameter("MEMIC_BAR_SIZE", 0),
        parameter("MEMIC_SIZE_LIMIT", 1, names={"0": "DISABLED", "1": "_256KB", "2": "_512KB"}),
        parameter("HOST_CHAINING_MODE", 0, names={"0": "DISABLED", "1": "BASIC"}),
        parameter("FLEX_PARSER_PROFILE_ENABLE", 0, most=9),
        parameter("ROCE_CONTROL", 2, names={"1": "ROCE_DISABLE", "2": "ROCE_ENABLE"}),
        parameter("PF_NUM_OF_VF_VALID", 0, names=BOOLEAN),
        parameter("NUM_PF_MSIX_VALID", 1, names=BOOLEAN),
        parameter("NUM_OF_VFS", 8, most=MOST_VFS),
        parameter("SRIOV_EN", 0, names=BOOLEAN),
        parameter("PF_LOG_BAR_SIZE", 5, most=63),
        parameter("VF_LOG_BAR_SIZE", 1, most=63),
        parameter("NUM_PF_MSIX", 63, most=2047),
        parameter("NUM_VF_MSIX", 11, most=2047),
        parameter(
            "LAG_RESOURCE_ALLOCATION", 0, names={"0": "DEVICE_DEFAULT", "1": "PRE_ALLOCATION"}
        ),
        parameter("UCTX_EN", 1, names=BOOLEAN),
        parameter("LINK_TYPE_P1", 2, names={"1": "IB", "2": "ETH"}),
        {**parameter("ALLOW_RD_COUNTERS", 1, names=BOOLEAN), "read_only": True},
    ]
    for known in parameters:
        value = values.get(known["name"], known["default"])
        known["current"] = known["next"] = value
    return {
        "device_type": "ConnectX6DX",
        "name": "MCX623106AN-CDA_Ax",
        "description": "ConnectX-6 Dx EN adapter card; 100GbE; Dual-port QSFP56; PCIe 4.0/3.0 x16;",
        "parameters": parameters,
    }


def parameter(
    name: str, default: int, *, names: dict[str, str] | None = None, most: int | None = None
) -> dict[str, Any]:
    """A parameter with its default; ``names`` of its values, or the ``most`` it can be."""
    known: dict[str, Any] = {"name": name, "default": default}
    if names is not None:
        known["names"] = names
    if most is not None:
        known["most"] = most
    return known


def load(path: Path) -> dict[str, Any]:
    """What is on the disk."""
    found: dict[str, Any] = json.loads(path.read_bytes().rstrip(b"\0"))
    return found


def save(path: Path, store: dict[str, Any]) -> None:
    """Write it back."""
    path.write_bytes(json.dumps(store, indent=1).encode().ljust(SIZE, b"\0"))


def start(path: Path, *, cold: bool) -> None:
    """The NICs get power or a reset: what was set becomes what is."""
    store = load(path)
    if store["cold"] and not cold:
        return
    for nic in store["nics"].values():
        for known in nic["parameters"]:
            known["current"] = known["next"]
    save(path, store)


def bodies(path: Path) -> tuple[int | None, ...]:
    """The NICs for QEMU: how many VFs each has to offer, 0 without SR-IOV."""
    found: list[int | None] = []
    for nic in load(path)["nics"].values():
        current = {known["name"]: known["current"] for known in nic["parameters"]}
        found.append(min(current["NUM_OF_VFS"], MOST_VFS) if current["SRIOV_EN"] else 0)
    return tuple(found)


def values(path: Path, index: int) -> dict[str, dict[str, int]]:
    """{parameter: {default, current, next}} of one NIC."""
    parameters = load(path)["nics"][address(index)]["parameters"]
    return {p["name"]: {c: p[c] for c in ("default", "current", "next")} for p in parameters}
