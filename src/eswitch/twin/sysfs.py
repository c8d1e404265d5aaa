"""/sys as a view of the machine: firmware, kernel, IOMMU, and below it devices and interfaces."""

from __future__ import annotations

from collections.abc import Iterable

from . import modules, nics
from .state import State
from .sysfs_net import by_name, interfaces, place
from .sysfs_pci import PciFiles
from .tree import Directory, File, Node, Symlink, computed, fixed, opaque, text

_GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
_LOADER = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
_SYSTEMD = {252: "252.39-1~deb12u1", 257: "257.9-1~deb13u1"}


def systemd(state: State) -> str:
    """Its version: naming schemes are called by the version that brought them."""
    return _SYSTEMD.get(state.platform.naming, str(state.platform.naming))


class Sysfs:
    """The directories of /sys."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.pci = PciFiles(state)

    def root(self) -> Directory:
        """The whole of it, as far as it is modelled."""
        return computed(
            {
                "bus": lambda: fixed({"pci": self.pci.root()}),
                "class": lambda: computed(
                    {"net": lambda: by_name(self.state), "iommu": self._iommu}
                ),
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

    def _devices(self) -> Directory:
        """Functions below their upstream port, interfaces without one below `virtual`."""
        return computed(
            {
                "pci0000:00": lambda: self.pci.bus(""),
                "virtual": lambda: fixed({"net": interfaces(self.state, None)}),
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
