"""The host machine: which programs it has, where the checkout and the cache are."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from .errors import LabError, MissingToolError

LAB = Path(__file__).resolve().parents[1]
CHECKOUT = LAB.parent
# Debian's package ovmf.
EFI_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
EFI_VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
SYSTEM_PATHS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def find_tool(name: str) -> str | None:
    """Full path of a program, also from the sbin directories a user has not on PATH."""
    found = shutil.which(name)
    if found is None:
        found = shutil.which(name, path=os.pathsep.join(SYSTEM_PATHS))
    return found


def environment(**more: str) -> dict[str, str]:
    """Ours, with the sbin directories on PATH (a user lacks them) and messages in English."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_PATHS])
    return {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8", **more}


def tools(*names: str) -> dict[str, str]:
    """Full paths of all these programs. Raises MissingToolError naming the absent ones."""
    found = {name: find_tool(name) for name in names}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise MissingToolError(missing)
    return {name: path for name, path in found.items() if path is not None}


def efi_firmware() -> tuple[Path, Path]:
    """UEFI for a guest: its code, and variables to start from."""
    if not (EFI_CODE.exists() and EFI_VARIABLES.exists()):
        raise MissingToolError([EFI_CODE.name])
    return EFI_CODE, EFI_VARIABLES


def cache_directory(environment: dict[str, str] | None = None) -> Path:
    """``$ESWITCH_LAB_CACHE``, else ``$XDG_CACHE_HOME/eswitch-lab``, else ``~/.cache/…``."""
    env = dict(os.environ) if environment is None else environment
    chosen = env.get("ESWITCH_LAB_CACHE")
    if chosen:
        return Path(chosen).absolute()
    xdg = env.get("XDG_CACHE_HOME")
    if xdg:
        return Path(xdg).absolute() / "eswitch-lab"
    home = env.get("HOME") or os.path.expanduser("~")
    if home == "~":
        raise LabError("no home directory is known.", hint="set ESWITCH_LAB_CACHE to a directory")
    return Path(home) / ".cache" / "eswitch-lab"


def say(message: str) -> None:
    """Progress for the person, on stderr: stdout belongs to the guest's command."""
    print(f"lab: {message}", file=sys.stderr, flush=True)
