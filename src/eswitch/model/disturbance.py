"""What somebody may notice of a step: who, how, and in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .subject import Subject


class Effect(StrEnum):
    """How it goes on for those who notice."""

    PAUSE = "pause"  # for some seconds; then it is as before, if all goes well
    CHANGE = "change"  # in another way than before
    LOSS = "loss"  # not at all, until somebody does something


@dataclass(frozen=True, slots=True)
class Disturbance:
    """`who` are those whose users notice; `text` tells people, with the names of the day."""

    who: tuple[Subject, ...]
    effect: Effect
    text: str

    def __str__(self) -> str:
        return self.text
