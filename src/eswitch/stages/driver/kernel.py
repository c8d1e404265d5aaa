"""Part of stage `driver`: which PF each NIC of the spec is, its module, and what that can do."""

from __future__ import annotations

from dataclasses import replace

from eswitch.model.action import Action, Program, Write
from eswitch.model.desired import DesiredNic, DesiredState
from eswitch.model.drivers import DriverProfile, Support
from eswitch.model.observed import EswitchState, NicState, ObservedState
from eswitch.model.plan import Blocker, Note, StagePlan
from eswitch.model.question import Question, Topic
from eswitch.model.step import Step
from eswitch.model.subject import Nic, Part, SpecNic
from eswitch.model.unknown import Unknown
from eswitch.stages.remaining import with_nic
from eswitch.topology import matching

from . import archive


def questions(desired: DesiredState, observed: ObservedState) -> frozenset[Question]:
    """About the module where the spec wants another, none is bound, or this kernel's cannot do
    it; then about what a build needs, and which kernel it should be for."""
    asked = set()
    for nic, pf in matching.matched(desired, observed):
        profile = matching.known_profile(pf)
        if profile is None:
            continue
        wanted = desired.driver if profile.archive else None
        module = observed.module(profile.name)
        unable = isinstance(matching.kernel_verdict(nic, profile, observed), Blocker)
        if module is None and (wanted or pf.driver is None or unable):
            asked.add(Question(Topic.MODULE, profile.name))
        if module is not None and wanted is not None:
            asked |= archive.questions(wanted, module, observed)
    return frozenset(asked)


def plan(desired: DesiredState, observed: ObservedState) -> tuple[StagePlan, ObservedState]:
    """For every NIC of the spec: which PF it is, its module, and whether that can offload here."""
    total = StagePlan()
    claimed: dict[str, str] = {}
    installed: set[str] = set()
    for nic in desired.nics:
        pf = matching.find(nic, observed)
        if isinstance(pf, Blocker):
            total += StagePlan(blockers=(pf,))
            continue
        if pf.pci in claimed:
            message = f"{pf.pci} is {claimed[pf.pci]} already"
            hint = "each NIC of the spec must match another PF"
            source = nic.match.source or nic.source
            total += StagePlan(blockers=(Blocker(SpecNic(nic.name), message, hint, source=source),))
            continue
        claimed[pf.pci] = nic.name
        profile = matching.known_profile(pf)
        wanted = desired.driver if profile is not None and profile.archive else None
        if profile is not None and wanted is not None and profile.name not in installed:
            installed.add(profile.name)
            part, observed = archive.package(wanted, profile, observed)
            # What is wrong with the archive is wrong for every driver in it.
            fresh = tuple(each for each in part.blockers if each not in total.blockers)
            total += replace(part, blockers=fresh)
        part, observed = _nic(nic, pf, observed)
        total += part
    if desired.driver is not None and claimed and not installed:
        text = "no NIC of the spec is NVIDIA's, so the archive is not used"
        total += StagePlan(notes=(Note(Part.ARCHIVE, text),))
    return total, observed


def _nic(nic: DesiredNic, pf: NicState, observed: ObservedState) -> tuple[StagePlan, ObservedState]:
    """Its driver is loaded, and the kernel was built with what it needs."""
    part = StagePlan()
    if pf.driver is None:
        part = _load(nic, pf, observed)
        profile = matching.known_profile(pf)
        if part.blockers or profile is None:
            return part, observed
        eswitch = EswitchState("legacy") if isinstance(pf.eswitch, Unknown) else pf.eswitch
        observed = with_nic(observed, replace(pf, driver=profile.name, eswitch=eswitch))
    known = matching.profile_for(nic, replace(pf, driver=pf.driver or known_name(pf)))
    if isinstance(known, Blocker):
        return part + StagePlan(blockers=(known,)), observed
    verdict = matching.kernel_verdict(nic, known, observed)
    if isinstance(verdict, Blocker):
        return part + StagePlan(blockers=(verdict,)), observed
    notes: tuple[Note, ...] = () if verdict is None else (verdict,)
    if known.support is Support.DOCUMENTED:
        remark = f"{known.name}: known from documents only, not proven; {known.remark}"
        notes += (Note(SpecNic(nic.name), remark),)
    return part + StagePlan(notes=notes), observed


def known_name(pf: NicState) -> str | None:
    """The driver that the PF's PCI ID wants."""
    profile = matching.known_profile(pf)
    return profile.name if profile else None


def _load(nic: DesiredNic, pf: NicState, observed: ObservedState) -> StagePlan:
    """The step that binds the driver to a PF without one."""
    profile = matching.known_profile(pf)
    if profile is None:
        known = matching.profile_for(nic, pf)
        return StagePlan(blockers=(known,) if isinstance(known, Blocker) else ())
    module = observed.module(profile.name)
    if module is None or module.file is None:
        release = observed.kernel.release
        hint = "boot a Proxmox kernel, or another one that has it"
        hint += f"; or build it from an archive: {matching.ARCHIVE_HINT}" if profile.archive else ""
        message = f"{pf.pci} has no driver, and kernel {release} has no module {profile.name}"
        if module is None:
            message = f"{pf.pci} has no driver, and nobody asked for its module {profile.name}"
        return StagePlan(blockers=(Blocker(SpecNic(nic.name), message, hint, source=nic.source),))
    # If it is loaded, somebody unbound it, or it did not take the function: the kernel tells.
    place = f"/sys/bus/pci/drivers/{profile.name}"
    bind: Action = Write(f"{place}/bind", pf.pci, timeout=60.0)
    unbind = (Write(f"{place}/unbind", pf.pci, timeout=60.0),)
    action = bind if module.loaded else _modprobe(profile)
    return StagePlan((_bound(nic, pf, profile, (action,), unbind),))


def _bound(
    nic: DesiredNic,
    pf: NicState,
    profile: DriverProfile,
    actions: tuple[Action, ...],
    inverse: tuple[Action, ...],
) -> Step:
    return Step(
        Nic(pf.pci),
        "PF driver",
        "none",
        profile.name,
        "without its driver the NIC has neither an interface nor an e-switch",
        actions,
        inverse,
        timeout=60.0,
        source=nic.source,
    )


def _modprobe(profile: DriverProfile) -> Program:
    return Program(("modprobe", profile.name))
