"""All of a machine, and where to find a part of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .hardware import Card, Function
from .network import Configured, Link, Route
from .system import Conversation, Guest, Kernel, Platform, Process, Unit
from .vswitch import Bridge, OpenVswitch


@dataclass
class Counters:
    """The next number of each kind."""

    link: int = 1
    process: int = 4300
    dp_port: int = 1
    random: int = 0
    group: int = 0


@dataclass
class State:
    """The whole machine. `clock` is in seconds since delivery; only what takes time moves it.

    `files` are ordinary files; those in /run do not outlive a boot; `folders` are directories that
    stay without a file. `drivers` are the loaded kernel drivers, `loads` those that udev is about
    to load, with the time at which it will have, `versions` those of loaded drivers from beside the
    kernel, `vfio_ids` what vfio-pci was told to take (`new_id`: `15b3:101e`). `incidents` is what
    somebody suffered: a guest that lost its VF, an order that the driver's maker forbids. `begun`
    is the boot in which systemd has started what it starts, `inhibitors` who forbids a reboot
    (systemd-inhibit), `esp_full` whether the EFI system partition is, `web` what can be
    downloaded, by URL.
    """

    name: str
    about: str
    kernel: Kernel
    platform: Platform
    ovs: OpenVswitch
    clock: float = 0.0
    boots: int = 1
    begun: int = 1
    root: bool = True
    environment: dict[str, str] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    units: dict[str, Unit] = field(default_factory=dict)
    drivers: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    loads: dict[str, float] = field(default_factory=dict)
    vfio_ids: list[str] = field(default_factory=list)
    configured: list[Configured] = field(default_factory=list)
    configured_routes: list[Route] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)
    processes: dict[int, Process] = field(default_factory=dict)
    guests: dict[str, Guest] = field(default_factory=dict)
    conversations: list[Conversation] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    web: dict[str, str] = field(default_factory=dict)
    inhibitors: list[str] = field(default_factory=list)
    esp_full: bool = False
    log: list[str] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)

    def link(self, name: str) -> Link | None:
        """The interface of that name in the host's namespace, or None; other names count too."""
        for link in self.links:
            if not link.namespace and (link.name == name or name in link.altnames):
                return link
        return None

    def link_at(self, index: int) -> Link | None:
        """The interface of that index, in whatever namespace."""
        return next((link for link in self.links if link.index == index), None)

    def vfs_of(self, pf: str) -> list[Function]:
        """The VFs of a PF, by index."""
        return sorted(
            (function for function in self.functions.values() if function.physfn == pf),
            key=lambda function: function.index or 0,
        )

    def uplink(self, pf: str) -> Link | None:
        """The PF's own interface, in whatever namespace."""
        found = (link for link in self.links if link.function == pf and link.kind == "uplink")
        return next(found, None)

    def representor(self, pf: str, index: int) -> Link | None:
        """The representor of a VF."""
        mine = (link for link in self.links if link.function == pf and link.kind == "representor")
        return next((link for link in mine if link.vf == index), None)

    def bridge(self, name: str) -> Bridge | None:
        """The bridge of that name in the database."""
        found = (bridge for bridge in self.ovs.database.bridges if bridge.name == name)
        return next(found, None)

    def say(self, line: str) -> None:
        """One line in the kernel's log."""
        self.log.append(line)
        del self.log[:-2000]
