"""What building a driver from an archive needs on this host (facts 1.1, 2.5)."""

from __future__ import annotations

import re

from eswitch.errors import HostError, NotFound
from eswitch.files import paths
from eswitch.host import Host
from eswitch.model.machine import DriverBuild
from eswitch.model.unknown import Unknown

_EFIVARS = "/sys/firmware/efi/efivars"
_SECURE_BOOT = f"{_EFIVARS}/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_KEY = "/var/lib/dkms/mok.pub"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DEADLINE = 60.0


def read_kit(host: Host, archive: str, release: str) -> DriverBuild | Unknown:
    """Headers, DKMS and downloader, the archive's checksum, and what Secure Boot would say.

    Without `archive` none is looked at: a checksum of some hundred megabytes takes its time.
    """
    try:
        secure_boot = _read_secure_boot(host)
        installed = _read_installed(host)
        return DriverBuild(
            headers=_has_headers(host, release),
            dkms=host.which("dkms") is not None,
            fetcher=next((name for name in ("wget", "curl") if host.which(name)), None),
            archive=_read_checksum(host, archive),
            installed=installed,
            kept=installed is not None and _is_kept(host, installed),
            distribution=_read_distribution(host),
            secure_boot=secure_boot,
            key_enrolled=_read_key_enrolled(host) if secure_boot is True else False,
        )
    except HostError as refusal:
        return Unknown(refusal.message)


def _has_headers(host: Host, release: str) -> bool:
    """Not by the link alone: it stays behind when its package goes."""
    try:
        return "Makefile" in host.list(f"/lib/modules/{release}/build")
    except NotFound:
        return False


def _read_checksum(host: Host, archive: str) -> str | Unknown | None:
    if not archive or "://" in archive:
        return None
    try:
        result = host.run(["sha256sum", archive], timeout=_DEADLINE, ok=None)
    except HostError as refusal:
        return Unknown(refusal.message)
    found = _SHA256.search(result.stdout)
    if result.status == 0 and found:
        return found[0]
    return Unknown(result.stderr.strip() or f"`sha256sum` ended with status {result.status}")


def _read_distribution(host: Host) -> str:
    """`debian12.5`, as NVIDIA's archives name Debian's releases; nothing for another one."""
    try:
        return f"debian{host.read('/etc/debian_version').strip()}"
    except HostError:
        return ""


def _read_installed(host: Host) -> str | None:
    try:
        content = host.read(paths.DRIVER_INSTALLED).strip()
    except NotFound:
        return None
    return content if _SHA256.fullmatch(content) else None


def _is_kept(host: Host, sha256: str) -> bool:
    try:
        return "install" in host.list(f"{paths.DRIVER}/{sha256[:12]}")
    except NotFound:
        return False


def _read_secure_boot(host: Host) -> bool | Unknown:
    """Four bytes of flags, then 1 or 0 (facts 2.5)."""
    try:
        value = host.read_bytes(_SECURE_BOOT, 5)
    except NotFound:
        return _without_variable(host)
    except HostError as refusal:
        return Unknown(refusal.message)
    if len(value) < 5:
        return Unknown(f"{_SECURE_BOOT} is too short")
    return value[4] == 1


def _without_variable(host: Host) -> bool | Unknown:
    """No EFI, or one that knows no Secure Boot, unless nobody mounted the variables."""
    try:
        names = host.list(_EFIVARS)
    except NotFound:
        return False
    except HostError as refusal:
        return Unknown(refusal.message)
    return False if names else Unknown(f"{_EFIVARS} is not mounted")


def _read_key_enrolled(host: Host) -> bool | Unknown:
    try:
        host.read_bytes(_KEY, 1)
    except NotFound:
        return False  # DKMS makes the key with the first module it builds
    except HostError as refusal:
        return Unknown(refusal.message)
    if host.which("mokutil") is None:
        return Unknown("`mokutil` is not installed")
    try:
        result = host.run(["mokutil", "--test-key", _KEY], ok=None)
    except HostError as refusal:
        return Unknown(refusal.message)
    return parse_test_key(f"{result.stdout}\n{result.stderr}")


def parse_test_key(printed: str) -> bool | Unknown:
    """What `mokutil --test-key` says; its exit status has had either meaning.

    A key in the enrollment request is not there before somebody agrees to it at the next start.
    """
    if "is already enrolled" in printed or "is already in db" in printed:
        return True
    if any(words in printed for words in ("is not enrolled", "enrollment request", "is blocked")):
        return False
    if "built-in trusted keyring" in printed:
        return True
    said = (printed.strip() or "nothing").splitlines()[-1]
    return Unknown(f"`mokutil --test-key` says {said}")
