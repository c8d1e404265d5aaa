"""Part of stage `bridge`: the feature `hw-tc-offload`, without which the NIC takes no rule.

Drivers switch it on by themselves in switchdev mode (Intel's do not); somebody may have switched it
off again.
"""

from __future__ import annotations

from eswitch.model.desired import DesiredState, EswitchMode
from eswitch.model.identifiers import VfId
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Blocker, Note, StagePlan
from eswitch.model.step import Step
from eswitch.model.subject import Part, Representor, Subject, Uplink
from eswitch.stages.commands import tc_offload
from eswitch.topology import matching


def plan(desired: DesiredState, observed: ObservedState) -> StagePlan:
    """A step for each uplink and representor that is here and has it off; a blocker if it must."""
    steps: list[Step] = []
    blockers: list[Blocker] = []
    mended: list[str] = []
    for subject, name in _ports(desired, observed) if desired.ovs.hw_offload else ():
        link = observed.link(name)
        # Only a `False` that was seen counts: what will be made anew has it as the driver likes.
        if link is None or link.hw_tc_offload is not False:
            continue
        if link.hw_tc_fixed:
            message = f"hw-tc-offload is off on {name}, and its driver lets nobody switch it on"
            hint = f"another kernel or firmware may offload there (`ethtool -k {name}`)"
            blockers.append(Blocker(subject, message, hint))
        else:
            steps.append(_step(subject, name))
            mended.append(name)
    notes = []
    if any(observed.ovs.bridge_of(name) for name in mended):
        text = (
            "flows that are in software stay there: `ovs-appctl revalidator/purge` makes all anew"
        )
        notes.append(Note(Part.OPEN_VSWITCH, text))
    return StagePlan(tuple(steps), tuple(blockers), tuple(notes))


def _ports(desired: DesiredState, observed: ObservedState) -> list[tuple[Subject, str]]:
    found: list[tuple[Subject, str]] = []
    for nic, pf in matching.usable(desired, observed):
        if nic.mode is not EswitchMode.SWITCHDEV:
            continue
        if pf.netdev:
            found.append((Uplink(pf.pci), pf.netdev))
        found += [
            (Representor(VfId(pf.pci, vf.index)), vf.representor) for vf in pf.vfs if vf.representor
        ]
    return found


def _step(subject: Subject, name: str) -> Step:
    return Step(
        subject,
        "hw-tc-offload",
        "off",
        "on",
        "while it is off, no flow through it gets into the NIC",
        (tc_offload(name, on=True),),
        (tc_offload(name, on=False),),
    )
