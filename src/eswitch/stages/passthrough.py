"""Stage `passthrough` (the recipe's 配置PCI Passthrough): a VM can be given a VF.

Only where the spec leaves VFs to VMs. Whether the IOMMU is on is read from sysfs, never from the
kernel's log: its famous line is printed for a parameter, not for an IOMMU (domain.md 3.1).
"""

from __future__ import annotations

from dataclasses import replace
from shlex import quote

from eswitch.files import kernel_cmdline, paths
from eswitch.model.action import Action, Program, Remember, Replace
from eswitch.model.desired import DesiredState, Source, VfDriver
from eswitch.model.identifiers import VfId
from eswitch.model.machine import BootState, IommuState, Loader, Vendor
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Blocker, Note, Obstacle, Pending, StagePlan
from eswitch.model.question import Question, Topic
from eswitch.model.step import Step
from eswitch.model.subject import File, KernelModule, Part
from eswitch.model.unknown import Unknown
from eswitch.topology import matching

_MODULES_TEXT = """\
# Written by eswitch: with these a VM can take a VF.
vfio
vfio_iommu_type1
vfio_pci
"""
WORDS = ("intel_iommu=on", "iommu=pt")
"""What eswitch adds to the command line, and takes away again."""
_WHY = "a VM can take a VF only while the IOMMU is on."
_ROOT = ("root=", "boot=", "rootflags=")
"""Where the root is: without these words of this boot the next one would not find it."""
_OFF = {"DMAR": ("iommu=off",), "IVRS": ("iommu=off", "amd_iommu=off")}
"""Words that no later word takes back (arch/x86/kernel/pci-dma.c, drivers/iommu/amd/init.c)."""
_BIOS = {
    Vendor.INTEL: "VT-d",
    Vendor.AMD: "AMD-Vi (IOMMU)",
    Vendor.OTHER: "the IOMMU",
}
_NO_VM = "if no VM gets a VF, say `passthrough: false` in the spec"
_CMDLINE = "kernel command line"
_WRITE = 600.0
"""Seconds: writing the loader's files copies kernels, on ZFS to several disks."""


def _wanted(desired: DesiredState) -> bool:
    if desired.passthrough is not None:
        return desired.passthrough
    return any(vf.driver is VfDriver.NONE for nic in desired.nics for vf in nic.vfs)


def questions(desired: DesiredState, observed: ObservedState) -> frozenset[Question]:
    """About the boot loader, where the kernel leaves the IOMMU off."""
    iommu = observed.iommu
    if not _wanted(desired) or observed.boot is not None:
        return frozenset()
    if isinstance(iommu, Unknown) or iommu.units or isinstance(iommu.table, Unknown):
        return frozenset()
    # Without a table no command line would help.
    return frozenset({Question(Topic.BOOT)}) if iommu.table else frozenset()


def plan(desired: DesiredState, observed: ObservedState) -> tuple[StagePlan, ObservedState]:
    """IOMMU, then vfio's modules, then the IOMMU groups of the VFs that exist."""
    if not _wanted(desired):
        return StagePlan(), observed
    part = _iommu(desired, observed)
    if observed.vfio_loaded is False:
        part += StagePlan((_modules(desired),))
    part += StagePlan(blockers=_groups(desired, observed))
    if part.steps or part.pending:
        iommu = observed.iommu
        if isinstance(iommu, IommuState) and not iommu.units:
            observed = replace(observed, iommu=replace(iommu, units=("foreseen",)))
        observed = replace(observed, vfio_loaded=True)
    return part, observed


def _iommu(desired: DesiredState, observed: ObservedState) -> StagePlan:
    iommu = observed.iommu
    if isinstance(iommu, Unknown):
        note = Note(
            Part.IOMMU, f"whether it is on, as VMs with VFs need, is unknown: {iommu.reason}"
        )
        return StagePlan(notes=(note,))
    if iommu.units:
        return StagePlan()

    def blocked(message: str, hint: str) -> StagePlan:
        source = desired.passthrough_source
        return StagePlan(blockers=(Blocker(Part.IOMMU, message, hint, Obstacle.BY_HAND, source),))

    bios = _BIOS[iommu.vendor]
    if isinstance(iommu.table, Unknown):
        message = f"it is off, and whether the BIOS offers one is unknown: {iommu.table.reason}"
        return blocked(message, f"run it as root; or, {_NO_VM}")
    if not iommu.table:
        return blocked(
            f"the BIOS offers none: {bios} is off there, or this machine has none",
            f"in the BIOS, switch on {bios}; while there, also SR-IOV, ARI and Above-4G decoding; "
            f"or, {_NO_VM}",
        )
    boot = observed.boot
    if not isinstance(boot, BootState):
        reason = boot.reason if isinstance(boot, Unknown) else "nobody asked"
        return blocked(
            f"the kernel leaves it off, and its boot is unknown: {reason}",
            f"run it as root; or, {_NO_VM}",
        )
    why = _left_off(boot, iommu)
    if why is not None:
        return blocked(*why)
    off = _forbidding(boot.cmdline, iommu)
    if off and iommu.table == "IVRS":
        return StagePlan(pending=(Pending(Part.BOOT, _CMDLINE, f"without {off}"),))
    return _command_line(boot, desired.passthrough_source)


def _forbidding(words: tuple[str, ...], iommu: IommuState) -> str | None:
    never = _OFF.get(str(iommu.table), ())
    return next((word for word in kernel_cmdline.parameters(words) if word in never), None)


def _left_off(boot: BootState, iommu: IommuState) -> tuple[str, str] | None:
    """Why eswitch cannot switch it on, and what to do; None where it can, or a reboot will."""
    off = _forbidding(boot.cmdline, iommu)
    if off and (isinstance(boot.next, Unknown) or _forbidding(boot.next, iommu)):
        return f"{off} on the kernel's command line keeps it off", _take(off, boot)
    if off:
        return None
    if iommu.table == "IVRS":
        return (
            "the kernel does not use the one that the BIOS offers, though nothing forbids it",
            f"`dmesg | grep -i AMD-Vi` says why; or, {_NO_VM}",
        )
    if _effective(boot.cmdline) == "on":
        return (
            "intel_iommu=on is on the kernel's command line, and the kernel uses none",
            f"`dmesg | grep -e DMAR -e IOMMU` says why; or, {_NO_VM}",
        )
    return None


def _take(word: str, boot: BootState) -> str:
    """How to take a word off the kernel's command line."""
    if isinstance(boot.loader, Unknown):
        return f"take {word} away in the boot loader's configuration, and reboot"
    file = boot.path
    if boot.loader is Loader.GRUB:  # `boot.path` is a file of eswitch's own
        file = "/etc/default/grub (or a file in /etc/default/grub.d)"
    return f"take {word} out of {file}, run `{' '.join(boot.refresh)}`, and reboot"


def _effective(words: tuple[str, ...]) -> str | None:
    """`on` or `off`, whichever `intel_iommu=` says last (drivers/iommu/intel/iommu.c)."""
    said = ",".join(kernel_cmdline.values(words, "intel_iommu")).split(",")
    return next((word for word in reversed(said) if word in ("on", "off")), None)


def _command_line(boot: BootState, source: Source | None) -> StagePlan:
    words = " ".join(WORDS)

    def blocked(message: str, hint: str) -> StagePlan:
        return StagePlan(blockers=(Blocker(Part.BOOT, message, hint, Obstacle.BY_HAND, source),))

    if isinstance(boot.loader, Unknown):
        return blocked(
            f"the IOMMU has to be switched on with `{words}` on the kernel's command line, and "
            f"which boot loader reads it cannot be told: {boot.loader.reason}",
            f"add `{words}` yourself, reboot, and apply again; or, {_NO_VM}",
        )
    if not isinstance(boot.next, Unknown) and _effective(boot.next) == "on":
        return StagePlan(pending=(Pending(Part.BOOT, _CMDLINE, WORDS[0]),))
    new = kernel_cmdline.with_grub_words(boot.content, WORDS, _WHY)
    if boot.loader is Loader.SYSTEMD_BOOT:
        why = _cannot_be_added(boot)
        if why is not None:
            return blocked(*why)
        new = boot.content or ""
        if _effective(kernel_cmdline.split(new)) != "on":
            new = kernel_cmdline.with_words(new, WORDS)
    refresh: tuple[Action, ...] = (Program(boot.refresh, timeout=_WRITE, whole=True),)
    if boot.loader is Loader.SYSTEMD_BOOT:
        refresh += (Remember(boot.path, paths.BOOT_REFRESHED),)
    write = Replace(boot.path, boot.content, new)
    # Where the file says it already, only the loader does not know yet: no file is to be put back.
    actions = refresh if new == boot.content else (write, *refresh)
    inverse = () if new == boot.content else (write.inverse, *refresh)
    step = Step(
        Part.BOOT,
        _CMDLINE,
        "without the IOMMU",
        f"+ {words}",
        "a VM can take a VF only while the IOMMU is on, and this kernel leaves it off",
        actions,
        inverse,
        touches=(File(boot.path),),
        source=source,
        reboot=True,
        put_back=True,
    )
    return StagePlan((step,))


def _cannot_be_added(boot: BootState) -> tuple[str, str] | None:
    """Why nothing may be added to /etc/kernel/cmdline, and what to do.

    What is in it may never have counted yet, and this machine would boot with it the first time.
    """
    as_booted = f"if this machine is to boot as it did this time: {_as_booted(boot)}"
    lines = kernel_cmdline.lines(boot.content or "")
    if boot.content is None or not lines:
        # With nothing but our words in it the machine would not find its root (domain.md 3.4).
        state = "does not exist" if boot.content is None else "is empty"
        return f"{boot.path} {state}, and it is not eswitch's to write the whole of it", as_booted
    if len(lines) != 1:
        return (
            f"{boot.path} has {len(lines)} lines that count, and must have one",
            f"make it one line that ends with `{' '.join(WORDS)}`, and apply again",
        )
    if lines[0].lstrip().startswith("#"):
        return f"the one line of {boot.path} is a comment, and comments count there", as_booted
    there = kernel_cmdline.split(lines[0])
    lost = [word for word in boot.cmdline if word.startswith(_ROOT) and word not in there]
    if lost:
        message = f"{boot.path} is without {' '.join(lost)}, with which this machine booted"
        return f"{message}: with that file it might not boot", as_booted
    return None


def _as_booted(boot: BootState) -> str:
    """How to write a command line from that of this boot, without what the loader itself adds."""
    own = ("initrd=", "BOOT_IMAGE=")
    kept = [word for word in boot.cmdline if not word.startswith(own)]
    there = kernel_cmdline.parameters(kept)
    added = [word for word in WORDS if word not in there]
    line = kernel_cmdline.join((*there, *added, *kept[len(there) :]))
    return f"echo {quote(line)} > {boot.path}"


def _modules(desired: DesiredState) -> Step:
    # Neither /etc/modules, which is the user's, nor the initramfs: VFs do not exist that early.
    return Step(
        KernelModule("vfio"),
        "modules",
        "not loaded",
        "loaded, now and at each boot",
        "vfio-pci is the driver by which a VM holds a VF",
        (
            Replace(paths.MODULES, None, _MODULES_TEXT),
            Program(("modprobe", "-a", "vfio_pci", "vfio_iommu_type1")),
        ),
        (Replace(paths.MODULES, _MODULES_TEXT, None),),
        touches=(File(paths.MODULES),),
        source=desired.passthrough_source,
    )


def _groups(desired: DesiredState, observed: ObservedState) -> tuple[Blocker, ...]:
    """A VM takes every function of its VF's group along, also the PF (domain.md 3.2)."""
    found = []
    for nic, pf in matching.matched(desired, observed):
        for want in nic.vfs:
            vf = pf.vf(want.index)
            if vf is None or want.driver is not VfDriver.NONE or not vf.group_peers:
                continue
            peers = ", ".join(vf.group_peers)
            found.append(
                Blocker(
                    VfId(pf.pci, vf.index),
                    f"{vf.pci} shares its IOMMU group with {peers}: a VM that starts with it "
                    "would take them away from this host",
                    "switch on ACS and ARI in the BIOS, or use another slot, or "
                    "give it to a container instead (`driver: host`)",
                    Obstacle.ISOLATION,
                    want.source,
                )
            )
    return tuple(found)
