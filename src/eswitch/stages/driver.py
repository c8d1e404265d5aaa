"""Stage `driver` (the recipe's 安装MLNX驱动): a driver that is there, loaded, and can offload.

The kernel's own driver is the default: every Proxmox kernel from VE 8 on has one that is new enough
(domain.md 0). An archive of NVIDIA's is installed only where the spec names one, and beside the
driver that runs: what runs goes on until the next boot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from eswitch.files import paths
from eswitch.model.action import Action, Program, Replace, Write
from eswitch.model.desired import DesiredDriver, DesiredNic, DesiredState
from eswitch.model.drivers import DriverProfile, Support
from eswitch.model.machine import BootState, DriverBuild, ModuleState
from eswitch.model.observed import EswitchState, NicState, ObservedState
from eswitch.model.plan import Blocker, Note, Pending, StagePlan
from eswitch.model.question import Question, Topic
from eswitch.model.step import Step
from eswitch.model.unknown import Unknown
from eswitch.topology import matching

from .remaining import with_nic

NAME = "driver"
DIRECTORY = paths.DRIVER
INSTALLED = paths.DRIVER_INSTALLED
LOG = paths.DRIVER_LOG

_BUILD = 3600.0
"""Seconds: DKMS compiles a dozen modules for each kernel."""
_DOWNLOAD = 1800.0


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
        if module is None or wanted is None:
            continue
        kit = observed.kit
        if kit is None:
            asked.add(Question(Topic.KIT))
        elif _archive_matters(wanted, module, kit):
            asked.add(Question(Topic.KIT, wanted.package))
        elif observed.boot is None and isinstance(kit, DriverBuild):
            asked |= {Question(Topic.BOOT)} if _to_install(wanted, module, kit) else set()
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
            total += StagePlan(blockers=(Blocker(nic.name, message, hint, source=source),))
            continue
        claimed[pf.pci] = nic.name
        profile = matching.known_profile(pf)
        wanted = desired.driver if profile is not None and profile.archive else None
        if profile is not None and wanted is not None and profile.name not in installed:
            installed.add(profile.name)
            part, observed = _package(wanted, profile, observed)
            # What is wrong with the archive is wrong for every driver in it.
            fresh = tuple(each for each in part.blockers if each not in total.blockers)
            total += replace(part, blockers=fresh)
        part, observed = _nic(nic, pf, observed)
        total += part
    if desired.driver is not None and claimed and not installed:
        text = "no NIC of the spec is NVIDIA's, so the archive is not used"
        total += StagePlan(notes=(Note(NAME, text),))
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
        notes += (Note(nic.name, remark),)
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
        return StagePlan(blockers=(Blocker(nic.name, message, hint, source=nic.source),))
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
        NAME,
        str(pf.pci),
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


# ---- an archive


def _to_install(wanted: DesiredDriver, module: ModuleState, kit: DriverBuild) -> bool:
    """Whether the archive is yet to be built. A driver that somebody else built is left alone."""
    return not module.out_of_tree or kit.installed not in (None, wanted.sha256)


def _archive_matters(
    wanted: DesiredDriver, module: ModuleState, kit: DriverBuild | Unknown
) -> bool:
    """Whether it is here, will be built, and nobody has looked at it."""
    if wanted.is_url or not isinstance(kit, DriverBuild) or kit.archive is not None:
        return False
    return _to_install(wanted, module, kit)


def _package(
    wanted: DesiredDriver, profile: DriverProfile, observed: ObservedState
) -> tuple[StagePlan, ObservedState]:
    module, kit = observed.module(profile.name), observed.kit
    if module is None or kit is None:
        return StagePlan(), observed  # not asked yet
    built = replace(module, file=f"/lib/modules/{observed.kernel.release}/updates/dkms")
    others = tuple(each for each in observed.modules if each.name != module.name)
    # Also where it cannot be built: that is said once, and not again for each NIC.
    left = replace(observed, modules=(*others, built))
    if isinstance(kit, Unknown):
        message = f"what a build needs cannot be read: {kit.reason}"
        blocker = Blocker(NAME, message, "run it as root", source=wanted.source)
        return StagePlan(blockers=(blocker,)), left
    if not _to_install(wanted, module, kit):
        return _installed(profile, module, kit), observed
    blockers = tuple(_obstacles(wanted, kit, observed))
    if blockers:
        return StagePlan(blockers=blockers), left
    return StagePlan((_install(wanted, profile, module, kit, observed),)), left


def _installed(profile: DriverProfile, module: ModuleState, kit: DriverBuild) -> StagePlan:
    notes: tuple[Note, ...] = ()
    if kit.installed is None:
        text = f"{module.file} is there already; whether it is of this archive is not known"
        notes = (Note(profile.name, text),)
    # The kernel's own mlx5_core has no version of its own (domain.md 1.1).
    if module.loaded and module.version is None:
        what = "the new driver is installed, the kernel's own still runs"
        return StagePlan(notes=notes, pending=(Pending(profile.name, "driver", what),))
    return StagePlan(notes=notes)


def _other_kernel(observed: ObservedState) -> str | None:
    """The release of the kernel that the next boot starts, if it is another one."""
    boot = observed.boot
    release = boot.next_release if isinstance(boot, BootState) else None
    return None if release == observed.kernel.release else release


def _obstacles(
    wanted: DesiredDriver, kit: DriverBuild, observed: ObservedState
) -> Iterator[Blocker]:
    release = observed.kernel.release

    def blocker(message: str, hint: str, *, human: bool = False) -> Blocker:
        return Blocker(NAME, message, hint, source=wanted.source, human=human)

    own = "take `driver` out of the spec: the kernel's own driver is the default"
    other = _other_kernel(observed)
    if other:
        yield blocker(
            f"the next boot starts kernel {other}, and the driver would be built for {release}, "
            "which runs now",
            f"reboot into {other} first, then apply again; or {own}",
            human=True,
        )
    if isinstance(kit.secure_boot, Unknown):
        message = f"whether Secure Boot is on cannot be read: {kit.secure_boot.reason}"
        yield blocker(message, f"run it as root; or {own}")
    elif kit.secure_boot and kit.key_enrolled is not True:
        yield blocker(
            "Secure Boot is on, and the firmware does not know the key with which DKMS signs: "
            "a driver that is built here would not load",
            "`dkms generate_mok` if there is no /var/lib/dkms/mok.pub yet (an older dkms makes it "
            "with the first module that it builds), mokutil --import /var/lib/dkms/mok.pub, then "
            f"reboot and agree at the console; or {own}",
            human=True,
        )
    if not kit.dkms:
        yield blocker("dkms is not installed: it builds the driver", "apt install dkms")
    if not kit.headers:
        package = "proxmox-headers" if release.endswith("-pve") else "linux-headers"
        yield blocker(
            f"the headers of kernel {release} are not installed: the driver is built with them",
            f"apt install {package}-{release}",
        )
    if wanted.is_url and kit.fetcher is None:
        yield blocker("neither wget nor curl is installed", "apt install wget")
    if isinstance(kit.archive, Unknown):
        yield blocker(
            f"{wanted.package} cannot be read: {kit.archive.reason}", f"put it there; or {own}"
        )
    elif kit.archive is not None and kit.archive != wanted.sha256:
        yield blocker(
            f"{wanted.package} has SHA-256 {kit.archive[:12]}..., not {wanted.sha256[:12]}...: "
            "it was cut short, or is another file",
            "download it again, and compare with what its publisher says",
        )


def _tree(sha256: str) -> str:
    """Where an archive is unpacked; it stays there, for the way back."""
    return f"{DIRECTORY}/{sha256[:12]}"


def _again(sha256: str) -> Program:
    """The driver of an archive that was installed before; what was its name nobody knows."""
    options = ("--force", "--without-fw-update", "--skip-distro-check")
    return Program(("env", "-C", _tree(sha256), "./install", *options), timeout=_BUILD, log=LOG)


def _install(
    wanted: DesiredDriver,
    profile: DriverProfile,
    module: ModuleState,
    kit: DriverBuild,
    observed: ObservedState,
) -> Step:
    tree = _tree(wanted.sha256)
    archive = f"{tree}.tgz"
    # Left alone it also flashes newer firmware onto the NICs: nobody has asked for that.
    options = ["--force", "--without-fw-update"]
    options += [] if kit.listed(wanted.package) else ["--skip-distro-check"]
    fetch: tuple[str, ...] = ("cp", wanted.package, archive)
    if wanted.is_url:
        load = ("curl", "-fsSL", "-o") if kit.fetcher == "curl" else ("wget", "-nv", "-O")
        fetch = (*load, archive, wanted.package)
    actions: list[Action] = [
        Program(("rm", "-rf", tree)),
        # What is summed must be what is run: from here on it is where only root writes.
        Program(("mkdir", "-p", "-m", "700", DIRECTORY, tree)),
        *(() if archive == wanted.package else (Program(fetch, timeout=_DOWNLOAD),)),
        Program(("sha256sum", "--check", "--quiet", "-"), input=f"{wanted.sha256}  {archive}\n"),
        Program(("tar", "-xf", archive, "-C", tree, "--strip-components=1", "--no-same-owner")),
        Program(("env", "-C", tree, "./install", *options), timeout=_BUILD, log=LOG),
    ]
    inverse: list[Action] = [
        Program(("env", "-C", tree, "./uninstall.sh", "--force"), timeout=600.0),
    ]
    before = kit.installed if module.out_of_tree else None
    disturbs: tuple[str, ...] = ()
    if before is not None and kit.kept:
        inverse.append(_again(before))
    if kit.installed != wanted.sha256:
        record = Replace(INSTALLED, kit.installed, wanted.sha256)
        actions.append(record)
        inverse.append(record.inverse)
    if module.loaded:
        # Debian's initramfs loads network drivers, and would go on loading the old one. Without
        # a release it is the newest kernel's that is written.
        words = ("update-initramfs", "-u", "-k", observed.kernel.release)
        actions.append(Program(words, timeout=600.0))
        inverse.append(Program(words, timeout=600.0))
    if before is not None and not kit.kept:
        gone = f"the files of the driver before are gone from {_tree(before)}"
        disturbs = (f"a rollback leaves the new driver there: {gone}",)
        inverse = []
    old = "the kernel's own" if module.file else "none"
    return Step(
        NAME,
        profile.name,
        "driver",
        "that of another archive" if module.out_of_tree else old,
        f"that of {wanted.package.rpartition('/')[2]}",
        "the spec says so (`driver`)",
        tuple(actions),
        tuple(inverse),
        disturbs,
        timeout=30.0,
        source=wanted.source,
        reboot=module.loaded,
    )
