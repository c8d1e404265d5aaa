"""Which boot loader starts this host, decided from evidence (facts 3.4). Pure.

No single sign is enough: "booted with uefi" says nothing about the loader, GRUB may be on ESPs that
proxmox-boot-tool keeps, and a boot without a loader leaves no sign at all. Signs that contradict
each other, and ESPs that do, are not decided by a majority: a kernel parameter in the wrong file
never counts, and nobody would see why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase as fnmatch

from eswitch.files import kernel_cmdline, paths
from eswitch.model.machine import Loader
from eswitch.model.unknown import Unknown

# The verb came with it; Debian 12 has 252.
_ADD_ALL_SINCE = 255

_ESP = re.compile(r"^(\S+) is configured with: (.+)$")
_DEFAULT = re.compile(r"""^\s*set default=["']?([^"'\s]*)""", re.MULTILINE)
_LOADER_OF = {"uefi": Loader.SYSTEMD_BOOT, "grub": Loader.GRUB}


@dataclass(frozen=True, slots=True)
class EspStatus:
    """`proxmox-boot-tool status`: which loaders each ESP has, and everything else it said;
    `kernels` are the releases that systemd-boot can start from them."""

    esps: Mapping[str, frozenset[Loader]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything seen about how this host was started.

    `managed` whether /etc/kernel/proxmox-boot-uuids lists ESPs, `status` what proxmox-boot-tool
    says about them, `loader_info` the EFI variable in which a loader leaves its name. Of the
    programs: whether update-grub and proxmox-boot-tool are installed, whether grub-mkconfig reads
    drop-ins, and systemd's version (0: unknown).
    """

    cmdline: str
    loader_info: str = ""
    managed: bool = False
    status: EspStatus = EspStatus()
    update_grub: bool = False
    drop_ins: bool = False
    boot_tool: bool = False
    kernel_install: bool = False
    systemd: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """The loader, the file that takes kernel parameters, and what makes that file count."""

    loader: Loader | Unknown
    path: str = ""
    refresh: tuple[str, ...] = ()


def decide(evidence: Evidence) -> Decision:
    """The loader if all signs agree and its tools are there; else Unknown with what was seen."""
    signs = _signs(evidence)
    # ESPs that disagree are a contradiction too: the firmware may start either.
    loaders = {loader for loader, _ in signs}
    if len(loaders) != 1:
        return Decision(Unknown(_seen(evidence, [words for _, words in signs])))
    if Loader.GRUB in loaders:
        return _grub(evidence)
    if Loader.SYSTEMD_BOOT not in loaders:
        return Decision(Unknown(signs[0][1]))
    return _managed(evidence) if evidence.managed else _plain_systemd_boot(evidence)


def _signs(evidence: Evidence) -> list[tuple[Loader | None, str]]:
    """What each sign points to (None: a loader that eswitch does not know), and how to say it."""
    found: list[tuple[Loader | None, str]] = []
    info = evidence.loader_info
    if info.startswith("systemd-boot"):
        found.append((Loader.SYSTEMD_BOOT, f"LoaderInfo is {info!r}"))
    elif info.startswith("GRUB"):
        found.append((Loader.GRUB, f"LoaderInfo is {info!r}"))
    elif info:
        found.append((None, f"LoaderInfo is {info!r}, which eswitch does not know"))
    words = kernel_cmdline.split(evidence.cmdline)
    if any(word.startswith("initrd=\\") for word in words):
        found.append((Loader.SYSTEMD_BOOT, "/proc/cmdline has an initrd= of the EFI partition"))
    if any(word.startswith("BOOT_IMAGE=") for word in words):
        found.append((Loader.GRUB, "/proc/cmdline has BOOT_IMAGE="))
    for esp, loaders in evidence.status.esps.items():
        # One that has both is no sign for either.
        if len(loaders) == 1:
            (loader,) = loaders
            found.append((loader, f"proxmox-boot-tool keeps {loader.value} on {esp}"))
    return found


def _seen(evidence: Evidence, signs: Sequence[str]) -> str:
    both = [
        f"{esp} has both loaders" for esp, kept in evidence.status.esps.items() if len(kept) > 1
    ]
    said = "; ".join([*signs, *both, *evidence.status.remarks])
    if signs:
        return f"the signs of the boot loader contradict each other: {said}"
    return (
        "no boot loader shows itself: /proc/cmdline has neither BOOT_IMAGE= nor an initrd= of the "
        f"EFI partition, LoaderInfo is {evidence.loader_info!r}" + (f"; {said}" if said else "")
    )


def _grub(evidence: Evidence) -> Decision:
    if not evidence.update_grub:
        return Decision(Unknown("GRUB started this host, but update-grub is not installed"))
    if not evidence.drop_ins:
        return Decision(
            Unknown("GRUB started this host, but its grub-mkconfig reads no /etc/default/grub.d")
        )
    return Decision(Loader.GRUB, paths.GRUB_DROP_IN, ("update-grub",))


def _managed(evidence: Evidence) -> Decision:
    if not evidence.boot_tool:
        return Decision(
            Unknown(
                "systemd-boot started this host from ESPs of proxmox-boot-tool, "
                "which is not installed"
            )
        )
    return Decision(Loader.SYSTEMD_BOOT, paths.KERNEL_CMDLINE, ("proxmox-boot-tool", "refresh"))


def _plain_systemd_boot(evidence: Evidence) -> Decision:
    if not evidence.kernel_install:
        return Decision(
            Unknown("systemd-boot started this host, but kernel-install is not installed")
        )
    if evidence.systemd < _ADD_ALL_SINCE:
        return Decision(
            Unknown(
                "systemd-boot started this host, but the kernel-install of systemd "
                f"{evidence.systemd or '(unknown version)'} cannot make all entries anew "
                f"(`add-all`, from {_ADD_ALL_SINCE} on)"
            )
        )
    return Decision(Loader.SYSTEMD_BOOT, paths.KERNEL_CMDLINE, ("kernel-install", "add-all"))


def parse_status(printed: str) -> EspStatus:
    """What `proxmox-boot-tool status` prints, warnings included."""
    esps = {}
    remarks = []
    kernels: list[str] = []
    for line in (line.strip() for line in printed.splitlines()):
        found = _ESP.match(line)
        if found:
            # `uefi (versions: 6.8.12-4-pve), grub (versions: 6.8.12-4-pve)`
            kinds = re.findall(r"\b(uefi|grub)\b", re.sub(r"\([^)]*\)", "", found[2]))
            esps[found[1]] = frozenset(_LOADER_OF[kind] for kind in kinds)
            for versions in re.findall(r"\buefi \(versions: ([^)]*)\)", found[2]):
                kernels += [version.strip() for version in versions.split(",")]
        elif line.startswith(("WARN", "E:")):
            remarks.append(line)
    return EspStatus(esps, tuple(remarks), tuple(filter(None, kernels)))


def parse_systemd_version(printed: str) -> int:
    """257 from `systemd 257 (257.9-1~deb13u1)`; 0 for anything else."""
    found = re.match(r"systemd (\d{1,6})\b", printed, re.ASCII)
    return int(found[1]) if found else 0


def parse_grub_config(content: str) -> tuple[str, ...] | Unknown:
    """The kernel's words in the first entry of grub.cfg, without the kernel's own path."""
    command = _started(content)
    if command is None:
        return Unknown("grub.cfg starts no Linux")
    try:
        return kernel_cmdline.split_grub(command)[1:]
    except ValueError:
        return Unknown("a quote in grub.cfg is not closed")


def parse_grub_release(content: str) -> str | None:
    """The release of the kernel in the first entry of grub.cfg, if it is that which is started."""
    if set(_DEFAULT.findall(content)) - {"0", "${next_entry}"}:
        return None
    path = (_started(content) or "").partition(" ")[0]
    return path.rpartition("vmlinuz-")[2] if "vmlinuz-" in path else None


def _started(content: str) -> str | None:
    """What the first entry of grub.cfg starts: the kernel's path, and its words."""
    for line in content.splitlines():
        command, *rest = line.split(maxsplit=1)[:2] or [""]
        if command in ("linux", "linuxefi", "linux16") and rest:
            return rest[0]
    return None


Entry = tuple[str, str, tuple[str, ...]]
"""Version, kernel and all words of `options` in a systemd-boot entry."""


def parse_default(content: str) -> str:
    """The pattern of names in loader.conf by which systemd-boot chooses an entry."""
    lines = (line.split() for line in content.splitlines())
    return next((words[1] for words in lines if len(words) == 2 and words[0] == "default"), "")


def next_release(entries: Mapping[str, Entry], default: str) -> str | None:
    """The highest version among those that the pattern chooses, else of all (the loader's own
    order); None where one does not tell its version."""
    versions = {name: version for name, (version, _, _) in entries.items()}
    chosen = [versions[name] for name in versions if fnmatch(name, default)]
    chosen = chosen or [versions[name] for name in versions if fnmatch(name, f"{default}.conf")]
    releases = chosen or list(versions.values())
    return newest(releases) if all(releases) else None


def newest(releases: Sequence[str]) -> str | None:
    """The highest version, numbers compared as such."""
    return max(releases, key=_by_numbers, default=None)


def _by_numbers(release: str) -> list[tuple[int, str]]:
    # Letters come before numbers: 6.8-rc1 is older than 6.8.1.
    parts = re.findall(r"\d+|[a-zA-Z]+", release)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def parse_crypttab(content: str) -> bool:
    """Whether a line of it has a person type a passphrase at boot: no key file, no program, and no
    chip that has the key."""
    for line in content.splitlines():
        words = line.split()
        if len(words) < 2 or words[0].startswith("#"):
            continue
        key = words[2] if len(words) > 2 else "none"
        options = words[3] if len(words) > 3 else ""
        by_itself = ("noauto", "keyscript=", "tpm2-device=")
        if key in ("none", "-") and not any(it.startswith(by_itself) for it in options.split(",")):
            return True
    return False


def parse_entry(content: str) -> Entry:
    """One of systemd-boot's, without what is of no use here."""
    version = kernel = ""
    options: list[str] = []
    for line in content.splitlines():
        key, *rest = line.split(maxsplit=1) or [""]
        value = "".join(rest).rstrip()
        if key == "version":
            version = value
        elif key in ("linux", "efi"):
            kernel = value
        elif key == "options":
            options += kernel_cmdline.split(value)
    return version, kernel, tuple(options)
