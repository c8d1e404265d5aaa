"""A NIC's own configuration, which counts from its next start: firmware parameters as values.

See facts 2.1 to 2.4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_DPU = {"INTERNAL_CPU_MODEL": 1, "INTERNAL_CPU_OFFLOAD_ENGINE": 0}
_NUMBER = re.compile(r"(?:.*\()?(0x[0-9a-fA-F]+|\d+)\)?")


class FirmwareWay(StrEnum):
    """The program by which a NIC's firmware is asked and told."""

    MSTCONFIG = "mstconfig"  # Debian's mstflint
    MLXCONFIG = "mlxconfig"  # NVIDIA's MFT
    DEVLINK = "devlink"  # the kernel's own permanent parameters, from 6.18 on (facts 1.5)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, in the tool's own words (`True(1)`, `8`, `Array[0..7]`).

    `next` counts from the next start, `current` now; `current` and `default` are None where the
    firmware or the tool does not tell them.
    """

    next: str
    current: str | None = None
    default: str | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class FirmwareState:
    """What one function's firmware says. `way` is who was asked, `device` its type if known."""

    way: FirmwareWay
    parameters: dict[str, Parameter]
    device: str = ""

    @property
    def is_dpu(self) -> bool:
        """Whether it is a BlueField whose own Arm cores hold the e-switch (facts 2.3)."""
        if "INTERNAL_CPU_MODEL" not in self.parameters:
            return False
        said = ((self.parameters.get(name), value) for name, value in _DPU.items())
        return all(p is None or number(p.current or p.next) == value for p, value in said)


def number(value: str | None) -> int | None:
    """The number in `8`, `0x10`, `True(1)` or `ETH(2)`; None where there is none."""
    found = _NUMBER.fullmatch(value.strip()) if value else None
    return int(found.group(1), 0 if found.group(1).startswith("0x") else 10) if found else None
