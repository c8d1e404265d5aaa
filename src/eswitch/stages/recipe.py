"""The stages, in the recipe's order. A new stage is a module (or a package) and its entry here.

Those that outlive a reboot come before those that it loses; what makes things permanent comes last.
"""

from __future__ import annotations

from eswitch.model.step import Phase

from . import bridge, driver, eswitch, firmware, passthrough, tools
from .stage import Stage

STAGES = (
    Stage("tools", "Programs", Phase.LASTING, tools.plan),
    Stage("driver", "Driver", Phase.LASTING, driver.plan, driver.questions),
    Stage("firmware", "NIC firmware", Phase.LASTING, firmware.plan, firmware.questions),
    Stage("passthrough", "PCI passthrough", Phase.LASTING, passthrough.plan, passthrough.questions),
    Stage("eswitch", "E-switch and VFs", Phase.RUNNING, eswitch.plan),
    Stage("bridge", "Open vSwitch, links and addresses", Phase.RUNNING, bridge.plan),
)


def title_of(name: str) -> str:
    """What pages call the stage of that name; the name itself if there is none any more."""
    return next((stage.title for stage in STAGES if stage.name == name), name)
