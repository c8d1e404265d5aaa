"""PCI functions and their drivers in /sys."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable

from . import modules, nics
from .refusal import Refusal
from .state import Function, Pf, State
from .sysfs_net import interfaces, place
from .tree import Directory, File, Node, Symlink, computed, fixed, opaque, text

# Present on every function of the recorded machines; nobody here reads them.
_UNREAD = frozenset(
    (
        "ari_enabled",
        "broken_parity_status",
        "config",
        "consistent_dma_mask_bits",
        "current_link_speed",
        "current_link_width",
        "d3cold_allowed",
        "dma_mask_bits",
        "enable",
        "irq",
        "local_cpulist",
        "local_cpus",
        "max_link_speed",
        "max_link_width",
        "modalias",
        "msi_bus",
        "numa_node",
        "power_state",
        "remove",
        "rescan",
        "reset",
        "reset_method",
        "resource",
        "resource0",
        "revision",
        "subsystem_device",
        "subsystem_vendor",
        "uevent",
    )
)
_SRIOV = (
    "sriov_drivers_autoprobe",
    "sriov_numvfs",
    "sriov_offset",
    "sriov_stride",
    "sriov_totalvfs",
    "sriov_vf_device",
)


class PciFiles:
    """/sys/bus/pci, and the directories of the functions where they really are."""

    def __init__(self, state: State) -> None:
        self.state = state

    def root(self) -> Directory:
        """/sys/bus/pci."""
        return computed({"devices": self._by_address, "drivers": self._drivers})

    def _by_address(self) -> Directory:
        def child(name: str) -> Node | None:
            function = self.state.functions.get(name)
            return Symlink(place(function)) if function else None

        return Directory(lambda: self.state.functions, child)

    def bus(self, bridge: str) -> Directory:
        """The functions below one upstream port, or with "" those of the root bus."""

        def names() -> Iterable[str]:
            return (pci for pci, f in self.state.functions.items() if f.bridge == bridge)

        def child(name: str) -> Node | None:
            function = self.state.functions.get(name)
            return self._function(function) if function and function.bridge == bridge else None

        return Directory(names, child)

    def _function(self, function: Function) -> Directory:
        below = self.bus(function.pci)

        def child(name: str) -> Node | None:
            return self._attribute(function, name) or below.child(name)

        return Directory(lambda: {*self._names(function), *below.names()}, child)

    def _names(self, function: Function) -> set[str]:
        found = {"class", "device", "driver_override", "vendor", *_UNREAD}
        pf = function.pf
        if pf is not None and nics.total_vfs(self.state, pf) is not None:
            found.update(_SRIOV)
            found.update(f"virtfn{index}" for index in range(len(pf.vports)))
        if function.driver:
            found.add("driver")
        if function.group is not None and nics.iommu_is_on(self.state):
            found.update(("iommu", "iommu_group"))
        if function.physfn:
            found.add("physfn")
        if function.virtio:
            found.add(function.virtio)
        elif any(link.function == function.pci for link in self.state.links):
            found.add("net")
        return found

    def _attribute(self, function: Function, name: str) -> Node | None:
        if name in _UNREAD:
            return opaque()
        plain = {
            "class": f"0x{function.pci_class}",
            "vendor": f"0x{function.vendor}",
            "device": f"0x{function.device}",
        }
        if name in plain:
            return text(plain[name])
        if name not in self._names(function):
            return None
        return self._relation(function, name) or self._sriov(function, name)

    def _relation(self, function: Function, name: str) -> Node | None:
        """Links to other devices, and what can be set on any function."""
        if name == "driver":
            return Symlink(f"/sys/bus/pci/drivers/{function.driver}")
        if name == "iommu_group":
            return Symlink(f"/sys/kernel/iommu_groups/{function.group}")
        if name == "physfn":
            return Symlink(place(self.state.functions[function.physfn or ""]))
        if name == "driver_override":
            return text(function.override or "(null)", _setter(function))
        if name == "net":
            return interfaces(self.state, function.pci)
        if name in ("iommu", function.virtio):
            return fixed({})
        if name.startswith("virtfn"):
            index = int(name.removeprefix("virtfn"))
            return Symlink(place(self.state.vfs_of(function.pci)[index]))
        return None

    def _sriov(self, function: Function, name: str) -> Node | None:
        pf = function.pf
        if pf is None:
            return None
        total = nics.total_vfs(self.state, pf) or 0
        readable = {
            "sriov_offset": str(nics.vf_offset(self.state, pf)),
            "sriov_stride": "1",
            "sriov_totalvfs": str(total),
            "sriov_vf_device": pf.vf_device.lstrip("0"),
        }
        if name in readable:
            return text(readable[name])
        if name == "sriov_numvfs":
            return text(
                str(len(pf.vports)), lambda value: nics.set_numvfs(self.state, function.pci, value)
            )
        return text(str(int(pf.autoprobe)), lambda value: _autoprobe(pf, value))

    def _drivers(self) -> Directory:
        def child(name: str) -> Node | None:
            return self._driver(name) if name in self.state.drivers else None

        return Directory(lambda: self.state.drivers, child)

    def _driver(self, driver: str) -> Directory:
        state = self.state

        def bind(pci: str) -> None:
            modules.bind(state, driver, pci.strip())

        def unbind(pci: str) -> None:
            nics.unbind(state, driver, pci.strip())

        children: dict[str, Node] = {
            "bind": File(_write_only, bind),
            "unbind": File(_write_only, unbind),
            "module": fixed({}),
            "new_id": opaque(),
            "remove_id": opaque(),
            "uevent": opaque(),
        }
        for function in state.functions.values():
            if function.driver == driver:
                children[function.pci] = Symlink(place(function))
        return fixed(children)


def _write_only() -> bytes:
    raise Refusal(errno.EACCES)


def _setter(function: Function) -> Callable[[str], None]:
    def write(value: str) -> None:
        function.override = value.strip()

    return write


def _autoprobe(pf: Pf, value: str) -> None:
    if value.strip() not in ("0", "1"):
        raise Refusal(errno.EINVAL)
    pf.autoprobe = value.strip() == "1"
