"""Whom an apply must ask, and of what nobody can be a user yet."""

from __future__ import annotations

from eswitch.engine import apply
from eswitch.model.plan import Plan
from eswitch.spec import load
from eswitch.twin import Twin, open_machine

SPEC = """\
version: 1
nics: {nic: {match: {pci: "0000:01:00.0"}, vfs: [{driver: host}]}}
bridges: {vmbr3: {ports: [nic]}}
"""
WITHOUT = SPEC.replace("[nic]", "[nic/uplink]")


def test_a_port_that_comes_back_with_the_vfs_is_nobodys_yet() -> None:
    """Open vSwitch remembers it over the reboot, and takes the new representor at once."""
    twin = Twin(open_machine("lab"))
    apply(twin, load(SPEC.encode(), "spec"), "spec", consent=lambda plan: True)
    twin.reboot()

    def agree(plan: Plan) -> bool:
        return all(
            "enp1s0r0" not in str(text) for step in plan.disturbing for text in step.disturbs
        )

    apply(twin, load(WITHOUT.encode(), "spec"), "spec", consent=agree)
    bridge = next(each for each in twin.state.ovs.database.bridges if each.name == "vmbr3")
    assert "enp1s0r0" not in [port.name for port in bridge.ports]
