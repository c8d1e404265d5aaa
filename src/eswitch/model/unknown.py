"""What could not be found out: never a default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unknown:
    """Could not be read, and why (the kernel's or the tool's own words where there are some)."""

    reason: str
