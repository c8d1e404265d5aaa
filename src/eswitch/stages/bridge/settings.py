"""Open vSwitch's settings for all bridges: hardware offload above all."""

from __future__ import annotations

from collections.abc import Iterator

from eswitch.model.action import Command, Tool
from eswitch.model.desired import DesiredState, TcPolicy
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Note
from eswitch.model.step import Step
from eswitch.model.subject import Part

_DEFAULTS = {"hw-offload": "false", "tc-policy": "none", "max-idle": "10000"}


def settings(desired: DesiredState, observed: ObservedState) -> Iterator[Step]:
    """Steps for the keys of `other_config` that the spec decides."""
    ovs = desired.ovs
    wanted = {
        "hw-offload": "true" if ovs.hw_offload else "false",
        "tc-policy": str(ovs.tc_policy) if ovs.tc_policy else None,
        "max-idle": str(ovs.max_idle) if ovs.max_idle is not None else None,
    }
    why = {"hw-offload": "without it Open vSwitch offers no flow to the NIC"}
    have = observed.ovs.other_config
    for key, new in wanted.items():
        if new is not None and new != have.get(key, _DEFAULTS[key]):
            yield _setting(key, new, why.get(key, "the spec says so"), desired, observed)
    if _keeps_out(desired, observed):
        reason = "it keeps all flows out of the NIC, and the spec asks for hw_offload"
        yield _setting("tc-policy", None, reason, desired, observed)


def _keeps_out(desired: DesiredState, observed: ObservedState) -> bool:
    """Whether a policy that nobody wrote into the spec defeats what the spec is for."""
    ovs = desired.ovs
    found = observed.ovs.other_config.get("tc-policy")
    return ovs.hw_offload and ovs.tc_policy is None and found == TcPolicy.SKIP_HW


def _setting(
    key: str,
    new: str | None,
    why: str,
    desired: DesiredState,
    observed: ObservedState,
) -> Step:
    """Sets a key of `other_config`, or removes it (`new` is None)."""

    def command(value: str | None) -> Command:
        if value is None:
            return Command(Tool.OVS, ("remove", "Open_vSwitch", ".", "other_config", key))
        return Command(Tool.OVS, ("set", "Open_vSwitch", ".", f"other_config:{key}={value}"))

    old = observed.ovs.other_config.get(key)
    return Step(
        Part.OPEN_VSWITCH,
        key,
        old if old is not None else f"unset ({_DEFAULTS[key]})",
        new if new is not None else f"unset ({_DEFAULTS[key]})",
        why,
        (command(new),),
        (command(old),),
        source=desired.ovs.source,
    )


def policy_note(desired: DesiredState) -> list[Note]:
    """What the spec itself asks for is done, even if it is against its purpose."""
    ovs = desired.ovs
    if not desired.bridges or not ovs.hw_offload or ovs.tc_policy is not TcPolicy.SKIP_HW:
        return []
    text = "the spec says `tc_policy: skip_hw`: nothing will be offloaded"
    return [Note(Part.OPEN_VSWITCH, text)]


def restart_note(steps: list[Step]) -> list[Note]:
    """Enabling hw-offload works at once; the rest only in a new daemon (facts 4.1)."""
    late = [
        step.attribute
        for step in steps
        if (step.subject, step.attribute) == (Part.OPEN_VSWITCH, "tc-policy")
        or (step.subject, step.attribute, step.new) == (Part.OPEN_VSWITCH, "hw-offload", "false")
    ]
    if not late:
        return []
    text = (
        f"{', '.join(late)} counts only after `systemctl restart ovs-vswitchd`, "
        "which stops traffic for a moment; eswitch does not restart it"
    )
    return [Note(Part.OPEN_VSWITCH, text)]
