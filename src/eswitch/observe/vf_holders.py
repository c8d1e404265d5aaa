"""Who holds a VF, so that taking it away would hurt somebody.

A VF that is merely there, or up, is nobody's: only one that a process has open, that was moved to
another network namespace, or that carries this host's own traffic has a user.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from eswitch.errors import HostError, NotFound
from eswitch.host import Host
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import LinkState

from . import sysfs

NAMESPACE = "another network namespace"


def is_vfio(driver: str | None) -> bool:
    """True for vfio-pci and the drivers made on it (`mlx5_vfio_pci`, `nvgrace_gpu_vfio_pci`)."""
    return driver is not None and "vfio" in driver


def read_vfio_users(host: Host, vfs: Iterable[PciAddress]) -> dict[PciAddress, tuple[str, ...]]:
    """The processes that hold VFs on vfio drivers, as `process 812 (qemu-system-x86)`.

    Looks at every open file of every process, which takes a moment: only for VFs on such drivers.
    Without root's rights it cannot look, and says so in the place of the user.
    """
    nodes = {node: vf for vf in vfs for node in _nodes(host, vf)}
    if not nodes:
        return {}
    found: dict[PciAddress, list[str]] = {vf: [] for vf in nodes.values()}
    hidden = False
    for pid in host.list("/proc"):
        if not pid.isdecimal():
            continue
        try:
            opened = _opened(host, pid, nodes)
        except NotFound:
            continue  # the process has ended
        except HostError:
            hidden = True
            continue
        for vf in sorted(opened):
            found[vf].append(f"process {pid} ({_name(host, pid)})")
    unknown = ("somebody unknown (only root sees who has it open)",) if hidden else ()
    return {vf: tuple(users) or unknown for vf, users in found.items()}


def _nodes(host: Host, vf: PciAddress) -> list[str]:
    """The device files through which a VF can be held: that of its group, and its own (6.2 on)."""
    nodes = []
    group = sysfs.read_iommu_group(host, vf)
    if group is not None:
        nodes.append(f"/dev/vfio/{group}")
        nodes.append(f"/dev/vfio/noiommu-{group}")
    with suppress(NotFound):
        nodes += [f"/dev/vfio/devices/{name}" for name in host.list(_own_nodes(vf))]
    return nodes


def _own_nodes(vf: PciAddress) -> str:
    return f"{sysfs.DEVICES}/{vf}/vfio-dev"


def _opened(host: Host, pid: str, nodes: Mapping[str, PciAddress]) -> set[PciAddress]:
    """The VFs whose device files a process has open."""
    found = set()
    for file in host.list(f"/proc/{pid}/fd"):
        try:
            vf = nodes.get(host.resolve(f"/proc/{pid}/fd/{file}"))
        except NotFound:
            continue  # closed meanwhile
        if vf:
            found.add(vf)
    return found


def _name(host: Host, pid: str) -> str:
    try:
        return host.read(f"/proc/{pid}/comm")
    except HostError:
        return "unknown"


def host_uses(link: LinkState, uppers: Sequence[str]) -> tuple[str, ...]:
    """What this host itself does with a VF's interface; `uppers` are the VLANs and such on it."""
    uses = [f"address {address}" for address in link.addresses]
    if link.master:
        uses.append(f"part of {link.master}")
    uses += [f"{upper} on it" for upper in uppers]
    return (f"interface {link.name} ({', '.join(uses)})",) if uses else ()
