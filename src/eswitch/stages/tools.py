"""Stage 0: the programs that the other stages need."""

from __future__ import annotations

from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Blocker, Obstacle, StagePlan
from eswitch.model.subject import Tool

PACKAGES = {
    "ip": "iproute2",
    "devlink": "iproute2",
    "tc": "iproute2",
    "udevadm": "udev",
    "ethtool": "ethtool",
}
"""Debian's package of each program (Debian 12 and 13)."""


def plan(desired: DesiredState, observed: ObservedState) -> tuple[StagePlan, ObservedState]:
    """No steps, only blockers: eswitch installs no packages. Open vSwitch is the bridge stage's."""
    del desired
    missing = [tool for tool in observed.missing_tools if tool in PACKAGES]
    blockers = tuple(
        Blocker(
            Tool(tool),
            f"`{tool}` is not installed",
            f"apt install {PACKAGES[tool]}",
            Obstacle.MISSING,
        )
        for tool in missing
    )
    return StagePlan(blockers=blockers), observed
