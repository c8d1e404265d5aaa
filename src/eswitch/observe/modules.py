"""Kernel modules: which file modprobe would load, and which one is loaded (facts 1.1)."""

from __future__ import annotations

from eswitch.errors import HostError, NotFound
from eswitch.host import Host
from eswitch.model.machine import ModuleState
from eswitch.model.unknown import Unknown

_BUILTIN = "(builtin)"


def read_module(host: Host, name: str) -> ModuleState:
    """A module by name. Raises HostError where `modinfo` says neither yes nor no.

    What is built into the kernel has the file `(builtin)` and is loaded.
    """
    file = _read_file(host, name)
    place = f"/sys/module/{name.replace('-', '_')}"
    return ModuleState(
        name,
        file,
        loaded=file == _BUILTIN or _exists(host, place),
        version=_read_version(host, f"{place}/version"),
    )


def _read_file(host: Host, name: str) -> str | None:
    result = host.run(["modinfo", "-n", name], ok=None)
    if result.status != 0:
        if "not found" in result.stderr:
            return None
        said = (result.stderr.strip() or "no output").splitlines()[-1]
        raise HostError(f"`modinfo` does not say where {name} is: {said}")
    return parse_file(result.stdout)


def parse_file(printed: str) -> str | None:
    """What `modinfo -n` printed: a path or `(builtin)`.

    A name that is an alias of several modules prints one line for each: the first counts.
    """
    return next((line.strip() for line in printed.splitlines() if line.strip()), None)


def read_vfio(host: Host) -> bool | Unknown:
    """Whether vfio-pci is loaded, or in the kernel: then it may have no directory as a module."""
    try:
        return _exists(host, "/sys/module/vfio_pci") or _exists(
            host, "/sys/bus/pci/drivers/vfio-pci"
        )
    except HostError as refusal:
        return Unknown(refusal.message)


def _exists(host: Host, directory: str) -> bool:
    try:
        host.list(directory)
    except NotFound:
        return False
    return True


def _read_version(host: Host, path: str) -> str | None:
    try:
        return host.read(path).strip() or None
    except NotFound:
        return None
