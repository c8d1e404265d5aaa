"""How the kernel gets its command line: gather what there is, `loader.decide`, read it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from eswitch.errors import HostError, NotFound
from eswitch.files import kernel_cmdline, paths
from eswitch.host import Host
from eswitch.host.lossless import read_lossless
from eswitch.model.machine import BootState, Loader
from eswitch.model.unknown import Unknown

from .loader import (
    Entry,
    EspStatus,
    Evidence,
    decide,
    newest,
    next_release,
    parse_crypttab,
    parse_default,
    parse_entry,
    parse_grub_config,
    parse_grub_release,
    parse_status,
    parse_systemd_version,
)

_CMDLINE = "/proc/cmdline"
_LOADER_INFO = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
_UUIDS = "/etc/kernel/proxmox-boot-uuids"
_GRUB_CONFIG = "/boot/grub/grub.cfg"
_GRUB_MKCONFIG = "/usr/sbin/grub-mkconfig"
_ESPS = ("/efi", "/boot/efi", "/boot")
_PINS = ("/etc/kernel/next-boot-pin", "/etc/kernel/proxmox-boot-pin")
_MOUNTS = "/proc/mounts"
_CRYPTTAB = "/etc/crypttab"
_DEADLINE = 60.0


def read_boot(host: Host, release: str) -> BootState | Unknown:
    """The loader, the file for kernel parameters, and what the next kernel will be started with.

    `release` is that of the running kernel.
    """
    try:
        evidence = _gather(host)
        decision = decide(evidence)
        words = kernel_cmdline.split(evidence.cmdline)
        state = BootState(words, decision.loader, passphrase=_asks_passphrase(host))
        if isinstance(decision.loader, Unknown):
            return state
        content = read_lossless(host, decision.path)
        state = replace(state, path=decision.path, refresh=decision.refresh, content=content)
        if decision.loader is Loader.GRUB:
            following, kernel = _next_of_grub(host)
        else:
            following, kernel = _next_of_systemd_boot(host, release, content)
            kernel = kernel or _pinned(host) or newest(evidence.status.kernels)
        return replace(state, next=following, next_release=kernel)
    except HostError as refusal:
        return Unknown(refusal.message)


def _gather(host: Host) -> Evidence:
    managed = bool((_read(host, _UUIDS) or "").strip())
    boot_tool = host.which("proxmox-boot-tool") is not None
    mkconfig = _read(host, _GRUB_MKCONFIG) or ""
    return Evidence(
        cmdline=host.read(_CMDLINE),
        loader_info=_read_loader_info(host),
        managed=managed,
        status=_read_status(host) if managed and boot_tool else EspStatus(),
        update_grub=host.which("update-grub") is not None,
        drop_ins="default/grub.d" in mkconfig,
        boot_tool=boot_tool,
        kernel_install=host.which("kernel-install") is not None,
        systemd=_read_systemd_version(host),
    )


def _read(host: Host, path: str) -> str | None:
    try:
        return host.read(path)
    except NotFound:
        return None


def _asks_passphrase(host: Host) -> bool:
    try:
        return parse_crypttab(host.read(_CRYPTTAB))
    except HostError:
        return False  # only root may read it, and a note is all that comes of it


def _read_loader_info(host: Host) -> str:
    """Four bytes of flags, then UTF-16 with a NUL at the end; nothing without EFI."""
    try:
        value = host.read_bytes(_LOADER_INFO, 512)
    except HostError:
        return ""
    return value[4:].decode("utf-16-le", "replace").partition("\0")[0]


def _read_status(host: Host) -> EspStatus:
    """Mounts each ESP, so only root gets an answer; what it says else is evidence too."""
    try:
        result = host.run(["proxmox-boot-tool", "status"], timeout=_DEADLINE, ok=None)
    except HostError as refusal:
        return EspStatus(remarks=(refusal.message,))
    status = parse_status(f"{result.stdout}\n{result.stderr}")
    if result.status == 0 or status.remarks:
        return status
    said = (result.stderr.strip() or "no output").splitlines()[-1]
    return replace(status, remarks=(f"`proxmox-boot-tool status` says {said}",))


def _read_systemd_version(host: Host) -> int:
    try:
        return parse_systemd_version(host.run(["systemctl", "--version"], ok=None).stdout)
    except HostError:
        return 0


def _pinned(host: Host) -> str | None:
    """The kernel that somebody told proxmox-boot-tool to start, once or always."""
    return next((text.strip() for path in _PINS if (text := _read(host, path))), None)


Next = tuple[tuple[str, ...] | Unknown, str | None]
"""The words and the release of the next kernel."""


def _next_of_grub(host: Host) -> Next:
    try:
        content = host.read(_GRUB_CONFIG)
    except HostError as refusal:
        return Unknown(refusal.message), None
    return parse_grub_config(content), parse_grub_release(content)


def _next_of_systemd_boot(host: Host, release: str, content: str | None) -> Next:
    """From the entry of the running kernel, else from what eswitch itself has made count."""
    reasons = []
    kernels: str | None = None
    for esp in _ESPS:
        try:
            entries = dict(_entries(host, esp))
            default = _read_default(host, esp) if entries else ""
        except NotFound:
            continue  # not mounted here; proxmox-boot-tool leaves its ESPs unmounted
        except HostError as refusal:
            reasons.append(refusal.message)
            continue
        kernels = next_release(entries, default) or kernels
        for version, kernel, options in entries.values():
            if _is_of(release, version, kernel):
                return options, kernels
    if content is not None and read_lossless(host, paths.BOOT_REFRESHED) == content:
        return kernel_cmdline.split(content), kernels
    said = "; ".join(reasons) or f"no mounted ESP has an entry for {release}"
    return Unknown(f"what the next kernel will be started with is not known: {said}"), kernels


def _entries(host: Host, esp: str) -> Iterator[tuple[str, Entry]]:
    """Those, by name, of an ESP that is mounted there. A directory alone proves nothing: it may be
    what was written while the ESP was not mounted."""
    directory = f"{esp}/loader/entries"
    names = host.list(directory)  # first, for it mounts what systemd mounts on demand
    if not _is_esp(host, esp):
        return
    for name in names:
        if name.endswith(".conf"):
            yield name, parse_entry(host.read(f"{directory}/{name}"))


def _read_default(host: Host, esp: str) -> str:
    return parse_default(_read(host, f"{esp}/loader/loader.conf") or "")


def _is_esp(host: Host, esp: str) -> bool:
    mounts = (line.split() for line in host.read(_MOUNTS).splitlines())
    return any(words[1:3] == [esp, "vfat"] for words in mounts)


def _is_of(release: str, version: str, kernel: str) -> bool:
    if version == release or release in kernel.replace("\\", "/").split("/"):
        return True
    return kernel.endswith(f"vmlinuz-{release}")
