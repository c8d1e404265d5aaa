"""Which interfaces udev has yet to name.

The kernel calls new ones `eth0`, `eth1`, ...; udev renames them, one after the other, while other
programs see them already. A name that may change at any moment is no name to work with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from eswitch.errors import HostError, NotFound
from eswitch.host import Host
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import LinkState

from .sysfs import DEVICES

_BY_KERNEL = re.compile(r"^eth\d+$")
_RECORDS = "/run/udev/data"
_UNFINISHED = frozenset({"E:ID_RENAMING=1", "E:ID_PROCESSING=1"})


def unnamed(host: Host, links: Iterable[LinkState]) -> frozenset[str]:
    """The interfaces whose present name is only for now.

    One that is up is in use under its name, whatever udev thinks of it.
    """
    fresh = [link for link in links if _BY_KERNEL.match(link.name) and not link.up]
    if not fresh or not _has_udev(host):
        return frozenset()
    return frozenset(link.name for link in fresh if not _is_done(host, str(link.index)))


def names_to_come(host: Host, pf: PciAddress) -> bool:
    """True while udev has yet to name an interface of this PF, or a representor of its VFs.

    Looks no further than the first: waiting costs two small files a look, however many VFs.
    """
    try:
        names = host.list(f"{DEVICES}/{pf}/net")
    except NotFound:
        return False
    fresh = [name for name in names if _BY_KERNEL.match(name)]
    return bool(fresh) and _has_udev(host) and any(_is_fresh(host, name) for name in fresh)


def _is_fresh(host: Host, name: str) -> bool:
    try:
        return not _is_done(host, host.read(f"/sys/class/net/{name}/ifindex"))
    except HostError:
        return True  # renamed between two looks: the next one tells


def _has_udev(host: Host) -> bool:
    """False in a container, or where something else names devices."""
    try:
        return bool(host.list(_RECORDS))
    except HostError:
        return False


def _is_done(host: Host, index: str) -> bool:
    """Whether udev has finished with an interface that still has the kernel's name, and leaves it.

    udev writes its record before it renames as well, with `I:`, the moment of initialisation, in it
    (the lab has shown it with systemd 257): only without a mark of unfinished work is it the last.
    """
    try:
        record = host.read(f"{_RECORDS}/n{index}")
    except HostError:
        return False
    lines = record.splitlines()
    return any(line.startswith("I:") for line in lines) and not _UNFINISHED.intersection(lines)
