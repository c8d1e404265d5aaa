"""/sys as a view of the machine: PCI functions, their drivers, and interfaces."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable

from . import modules, nics
from .links import carrier, port_name, switch_id
from .refusal import Refusal
from .state import Function, Link, Pf, State
from .tree import Directory, File, Node, Symlink, computed, fixed, opaque, text

DEVICES = "/sys/bus/pci/devices"

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


_GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
_LOADER = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
_SYSTEMD = {252: "252.39-1~deb12u1", 257: "257.9-1~deb13u1"}


def systemd(state: State) -> str:
    """Its version: naming schemes are called by the version that brought them."""
    return _SYSTEMD.get(state.platform.naming, str(state.platform.naming))


class Sysfs:
    """The directories of /sys. `most_vfs` limits the next creation of VFs: a fault."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.most_vfs: int | None = None
        self._pci = {"devices": self._by_address, "drivers": self._drivers}

    def root(self) -> Directory:
        """The whole of it, as far as it is modelled."""
        return computed(
            {
                "bus": lambda: fixed({"pci": computed(self._pci)}),
                "class": lambda: computed({"net": self._by_name, "iommu": self._iommu}),
                "devices": self._devices,
                "firmware": self._firmware,
                "kernel": lambda: fixed(
                    {
                        "iommu_groups": self._groups(),
                        "security": fixed({"lockdown": text(self._lockdown())}),
                    }
                ),
                "module": self._modules,
            }
        )

    # ---- firmware and kernel

    def _firmware(self) -> Directory:
        """The ACPI tables, and the variables of EFI where the machine was started by it."""
        platform = self.state.platform
        names = ("APIC", "FACP", "MCFG", *([platform.iommu] if platform.iommu else []))
        tables = {name: opaque() for name in names}
        found: dict[str, Node] = {"acpi": fixed({"tables": fixed(tables)})}
        if platform.efi or platform.loader == "systemd-boot" or platform.secure_boot:
            found["efi"] = fixed({"efivars": fixed(self._variables())})
        return fixed(found)

    def _variables(self) -> dict[str, Node]:
        """Four bytes of flags before each value; texts in UTF-16 with a NUL."""
        secure = b"\x06\0\0\0" + bytes([self.state.platform.secure_boot])
        found: dict[str, Node] = {f"SecureBoot-{_GLOBAL}": File(lambda: secure)}
        name = f"systemd-boot {systemd(self.state)}"
        if self.state.platform.loader == "grub":
            # It leaves its name from 2.12 on, which Debian 13 has (grub.d/25_bli).
            name = "GRUB 2.12-9" if self.state.platform.naming >= 257 else ""
        value = b"\x06\0\0\0" + f"{name}\0".encode("utf-16-le")
        if name:
            found[f"LoaderInfo-{_LOADER}"] = File(lambda: value)
        return found

    def _lockdown(self) -> str:
        locked = self.state.kernel.lockdown
        return "none [integrity] confidentiality" if locked else "[none] integrity confidentiality"

    def _modules(self) -> Directory:
        loaded = modules.loaded(self.state)

        def child(name: str) -> Node | None:
            if name not in loaded:
                return None
            version = {"version": text(loaded[name])} if loaded[name] else {}
            return fixed({"refcnt": text("0"), **version})

        return Directory(lambda: loaded, child)

    # ---- PCI

    def _by_address(self) -> Directory:
        def child(name: str) -> Node | None:
            function = self.state.functions.get(name)
            return Symlink(place(function)) if function else None

        return Directory(lambda: self.state.functions, child)

    def _devices(self) -> Directory:
        """Functions below their upstream port, interfaces without one below `virtual`."""
        return computed(
            {
                "pci0000:00": lambda: self._bus(""),
                "virtual": lambda: fixed({"net": self._interfaces(None)}),
            }
        )

    def _bus(self, bridge: str) -> Directory:
        def names() -> Iterable[str]:
            return (pci for pci, f in self.state.functions.items() if f.bridge == bridge)

        def child(name: str) -> Node | None:
            function = self.state.functions.get(name)
            return self._function(function) if function and function.bridge == bridge else None

        return Directory(names, child)

    def _function(self, function: Function) -> Directory:
        below = self._bus(function.pci)

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
            return self._interfaces(function.pci)
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
            return text(str(len(pf.vports)), self._numvfs(function))
        return text(str(int(pf.autoprobe)), lambda value: _autoprobe(pf, value))

    def _numvfs(self, function: Function) -> Callable[[str], None]:
        def write(value: str) -> None:
            most, self.most_vfs = self.most_vfs, None
            nics.set_numvfs(self.state, function.pci, value, most)

        return write

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

    # ---- IOMMU

    def _iommu(self) -> Directory:
        unit = {"DMAR": "dmar0", "IVRS": "ivhd0"}.get(self.state.platform.iommu, "")
        return fixed({unit: fixed({})} if unit and nics.iommu_is_on(self.state) else {})

    def _groups(self) -> Directory:
        def members(group: str) -> dict[str, Node]:
            mine = [f for f in self.state.functions.values() if str(f.group) == group]
            return {function.pci: Symlink(place(function)) for function in mine}

        def child(name: str) -> Node | None:
            found = members(name)
            return fixed({"devices": fixed(found), "type": text("DMA-FQ")}) if found else None

        def names() -> Iterable[str]:
            groups = {f.group for f in self.state.functions.values() if f.group is not None}
            return map(str, groups if nics.iommu_is_on(self.state) else ())

        return Directory(names, child)

    # ---- interfaces

    def _by_name(self) -> Directory:
        def child(name: str) -> Node | None:
            link = next((link for link in self._visible() if link.name == name), None)
            if link is None:
                return None
            function = self.state.functions.get(link.function or "")
            below = place(function) if function else "/sys/devices/virtual"
            return Symlink(f"{below}/net/{name}")

        return Directory(lambda: (link.name for link in self._visible()), child)

    def _visible(self) -> list[Link]:
        return [link for link in self.state.links if not link.namespace]

    def _interfaces(self, function: str | None) -> Directory:
        """The interfaces of one function, or with None those that have none."""
        mine = {link.name: link for link in self._visible() if link.function == function}

        def child(name: str) -> Node | None:
            return self._interface(mine[name]) if name in mine else None

        return Directory(lambda: mine, child)

    def _interface(self, link: Link) -> Directory:
        state = self.state
        children: dict[str, Node] = {
            "address": text(link.mac),
            "ifindex": text(str(link.index)),
            "mtu": text(str(link.mtu)),
            "phys_port_name": _physical(port_name(state, link)),
            "phys_switch_id": _physical(switch_id(state, link)),
            "carrier": File(lambda: _carrier(state, link)),
            "uevent": opaque(),
        }
        function = state.functions.get(link.function or "")
        if function is not None:
            children["device"] = Symlink(place(function))
        return fixed(children)


def place(function: Function) -> str:
    """Where a function's directory really is."""
    below = f"{function.bridge}/" if function.bridge else ""
    return f"/sys/devices/pci0000:00/{below}{function.pci}"


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


def _physical(value: str | None) -> File:
    if value is not None:
        return text(value)

    def refuse() -> bytes:
        raise Refusal(errno.EOPNOTSUPP)

    return File(refuse)


def _carrier(state: State, link: Link) -> bytes:
    if not link.up:
        raise Refusal(errno.EINVAL)
    return b"1\n" if carrier(state, link) else b"0\n"
