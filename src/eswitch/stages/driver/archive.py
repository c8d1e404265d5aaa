"""An out-of-tree driver, built from the archive that the spec names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from eswitch.files import paths
from eswitch.model.action import Action, Program, Replace
from eswitch.model.desired import DesiredDriver
from eswitch.model.disturbance import Disturbance, Effect
from eswitch.model.drivers import DriverProfile
from eswitch.model.machine import BootState, DriverBuild, ModuleState
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Blocker, Note, Obstacle, Pending, StagePlan
from eswitch.model.question import Question, Topic
from eswitch.model.step import Step
from eswitch.model.subject import KernelModule, Part
from eswitch.model.unknown import Unknown

DIRECTORY = paths.DRIVER
INSTALLED = paths.DRIVER_INSTALLED
LOG = paths.DRIVER_LOG

_BUILD = 3600.0
"""Seconds: DKMS compiles a dozen modules for each kernel."""
_DOWNLOAD = 1800.0


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


def questions(
    wanted: DesiredDriver, module: ModuleState, observed: ObservedState
) -> frozenset[Question]:
    """About what a build needs; then about the archive, and which kernel it should be for."""
    kit = observed.kit
    if kit is None:
        return frozenset({Question(Topic.KIT)})
    if _archive_matters(wanted, module, kit):
        return frozenset({Question(Topic.KIT, wanted.package)})
    built = isinstance(kit, DriverBuild) and _to_install(wanted, module, kit)
    return frozenset({Question(Topic.BOOT)}) if built and observed.boot is None else frozenset()


def package(
    wanted: DesiredDriver, profile: DriverProfile, observed: ObservedState
) -> tuple[StagePlan, ObservedState]:
    """The step that builds it, or what keeps it from being built."""
    module, kit = observed.module(profile.name), observed.kit
    if module is None or kit is None:
        return StagePlan(), observed  # not asked yet
    built = replace(module, file=f"/lib/modules/{observed.kernel.release}/updates/dkms")
    others = tuple(each for each in observed.modules if each.name != module.name)
    # Also where it cannot be built: that is said once, and not again for each NIC.
    left = replace(observed, modules=(*others, built))
    if isinstance(kit, Unknown):
        message = f"what a build needs cannot be read: {kit.reason}"
        blocker = Blocker(Part.ARCHIVE, message, "run it as root", source=wanted.source)
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
        notes = (Note(KernelModule(profile.name), text),)
    # The kernel's own mlx5_core has no version of its own (domain.md 1.1).
    if module.loaded and module.version is None:
        what = "the new driver is installed, the kernel's own still runs"
        return StagePlan(
            notes=notes, pending=(Pending(KernelModule(profile.name), "driver", what),)
        )
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

    def blocker(message: str, hint: str, kind: Obstacle = Obstacle.IMPOSSIBLE) -> Blocker:
        return Blocker(Part.ARCHIVE, message, hint, kind, wanted.source)

    missing = Obstacle.MISSING
    own = "take `driver` out of the spec: the kernel's own driver is the default"
    other = _other_kernel(observed)
    if other:
        yield blocker(
            f"the next boot starts kernel {other}, and the driver would be built for {release}, "
            "which runs now",
            f"reboot into {other} first, then apply again; or {own}",
            Obstacle.BY_HAND,
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
            Obstacle.BY_HAND,
        )
    if not kit.dkms:
        yield blocker("dkms is not installed: it builds the driver", "apt install dkms", missing)
    if not kit.headers:
        package = "proxmox-headers" if release.endswith("-pve") else "linux-headers"
        yield blocker(
            f"the headers of kernel {release} are not installed: the driver is built with them",
            f"apt install {package}-{release}",
            missing,
        )
    if wanted.is_url and kit.fetcher is None:
        yield blocker("neither wget nor curl is installed", "apt install wget", missing)
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
        Program(("env", "-C", tree, "./uninstall.sh", "--force"), timeout=600.0, brought=True),
    ]
    before = kit.installed if module.out_of_tree else None
    disturbs: tuple[Disturbance, ...] = ()
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
        actions.append(Program(words, timeout=600.0, whole=True))
        inverse.append(Program(words, timeout=600.0, whole=True))
    if before is not None and not kit.kept:
        gone = f"the files of the driver before are gone from {_tree(before)}"
        text = f"a rollback leaves the new driver there: {gone}"
        disturbs = (Disturbance((KernelModule(profile.name),), Effect.LOSS, text),)
        inverse = []
    old = "the kernel's own" if module.file else "none"
    return Step(
        KernelModule(profile.name),
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
