"""Whether a NIC could be an e-switch on its host, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suitability:
    """`able` is None where it could not be found out; `why` then and for False, `hint` for False.

    `remark` is what a user of an able NIC should know. `alien` is True for cards without a known
    driver for e-switches: most hosts have some, and nobody wants to read much about them.
    `curable` is True where this very NIC can become one here: with another kernel, its driver, or
    other settings in its firmware; a plan says what that takes.
    """

    able: bool | None
    why: str = ""
    hint: str = ""
    remark: str = ""
    alien: bool = False
    curable: bool = False
