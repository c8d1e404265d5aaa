"""What planning may want to know beyond the first look at a host, because asking costs time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Topic(StrEnum):
    """What is asked; in brackets what it is asked of."""

    FIRMWARE = "firmware"  # a PF's PCI address -> NicState.firmware
    MODULE = "module"  # a module's name -> ObservedState.modules
    KIT = "kit"  # a driver archive's path or URL -> ObservedState.kit
    BOOT = "boot"  # -> ObservedState.boot
    GUESTS = "guests"  # -> ObservedState.guests


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to find out. An answer may be Unknown, but it is not asked again."""

    topic: Topic
    of: str = ""
