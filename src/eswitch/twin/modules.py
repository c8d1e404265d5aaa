"""Kernel modules: which there are, which one counts, and what happens when one is loaded."""

from __future__ import annotations

import errno

from . import nics
from .links import add_link, random_mac
from .refusal import Refusal
from .state import Configured, Function, State
from .traits import traits_of

_FOLDERS = {
    "mlx5_core": "drivers/net/ethernet/mellanox/mlx5/core",
    "ice": "drivers/net/ethernet/intel/ice",
    "i40e": "drivers/net/ethernet/intel/i40e",
    "iavf": "drivers/net/ethernet/intel/iavf",
    "igb": "drivers/net/ethernet/intel/igb",
    "igbvf": "drivers/net/ethernet/intel/igbvf",
    "vfio": "drivers/vfio",
    "vfio_iommu_type1": "drivers/vfio",
    "vfio_pci": "drivers/vfio/pci",
}
_FILES = {"vfio_pci": "vfio-pci"}
"""Where a file has another name than its module."""
OUTSIDE = {"eswitchsim": "1.0.0"}
"""What no kernel has, with its version: where it is there without DKMS, somebody has put it beside
the kernel's own."""
_WITH_VFIO = ("vfio", "vfio_iommu_type1", "vfio_pci", "vfio_pci_core")
_LISTS = "/etc/modules-load.d/"
REJECTED = 129  # EKEYREJECTED


def module_of(driver: str) -> str:
    """The module that has this driver in it."""
    return driver.replace("-", "_")


def driver_of(module: str) -> str:
    """The PCI driver in a module, or the module's own name."""
    return nics.VFIO if module == "vfio_pci" else module


def file_of(state: State, module: str) -> str | None:
    """What modprobe would load for the running kernel: DKMS's go first (depmod.d: updates)."""
    place = f"/lib/modules/{state.kernel.release}"
    # Debian 13 packs them, and so does its DKMS.
    end = "ko" if state.platform.proxmox or state.platform.naming < 257 else "ko.xz"
    if module in state.kernel.dkms:
        return f"{place}/updates/dkms/{module}.{end}"
    if module in state.kernel.lacks or module not in _known(state):
        return None
    if module in OUTSIDE:
        return f"{place}/updates/{module}.ko"
    folder = _FOLDERS.get(module, f"drivers/net/ethernet/{module}")
    return f"{place}/kernel/{folder}/{_FILES.get(module, module)}.{end}"


def has_outside(state: State) -> bool:
    """Whether there is such a module."""
    return any(f"/updates/{name}" in (file_of(state, name) or "") for name in OUTSIDE)


def _known(state: State) -> set[str]:
    """What this kernel has as modules, as far as anybody here can want one."""
    natives = {function.native for function in state.functions.values() if function.native}
    natives |= {traits_of(driver).vf_driver for driver in natives}
    return {*(module_of(name) for name in natives if name), *_FOLDERS}


def loaded(state: State) -> dict[str, str]:
    """The modules that are in, each with its version; the kernel's own drivers have none."""
    found = {module_of(driver): state.versions.get(driver, "") for driver in state.drivers}
    if nics.VFIO in state.drivers:
        found |= dict.fromkeys(_WITH_VFIO, "")
    return found


def check(state: State, module: str) -> None:
    """Raises Refusal for a module that the kernel does not take (facts 1.1)."""
    platform = state.platform
    if module in state.kernel.dkms and platform.secure_boot and not platform.key_enrolled:
        raise Refusal(REJECTED)


def at_boot(state: State, driver: str) -> bool:
    """Whether a driver loads by itself when its device is found. What the initramfs has counts."""
    module = module_of(driver)
    if file_of(state, module) is None:
        return False
    own = module not in state.kernel.lacks
    version = state.kernel.initramfs.get(module) if own else state.kernel.dkms.get(module)
    if version is None and own:
        version = OUTSIDE.get(module)
    if version is not None:
        try:
            check(state, module)
        except Refusal:
            return False
        state.versions[driver] = version
    return True


def listed(state: State) -> list[str]:
    """What the files in /etc/modules-load.d name."""
    found = []
    for path in sorted(path for path in state.files if path.startswith(_LISTS)):
        lines = state.files[path].splitlines() if path.endswith(".conf") else []
        found += [line.strip() for line in lines if line.strip() and line.strip()[0] not in "#;"]
    return found


def load(state: State, driver: str) -> None:
    """Load a driver, which takes the devices that it finds (pci_driver_register)."""
    if driver in state.drivers:
        return
    state.drivers.append(driver)
    module = module_of(driver)
    own = OUTSIDE.get(module) if module not in state.kernel.lacks else None
    version = state.kernel.dkms.get(module, own)
    if version is not None:
        state.versions[driver] = version
    for function in [f for f in state.functions.values() if f.native == driver and not f.driver]:
        if function.physfn is None:
            start(state, function, driver)
            continue
        parent = state.functions.get(function.physfn)
        if parent is not None and parent.pf is not None and parent.pf.autoprobe:
            nics.probe(state, function, driver)


def load_due(state: State) -> None:
    """Drivers that udev or modprobe have loaded by now."""
    for driver in [name for name, at in state.loads.items() if at <= state.clock]:
        del state.loads[driver]
        load(state, driver)


def start(state: State, function: Function, driver: str) -> None:
    """A driver takes a physical function: its interface comes, and udev names it."""
    function.driver = driver
    state.say(f"{driver} {function.pci}: firmware version: 22.39.1002")
    for wanted in state.configured:
        if wanted.function == function.pci:
            _appear(state, function, wanted)
        elif wanted.kind == "wire" and wanted.of == function.pci:
            link = add_link(state, "wire", wanted.mac, wanted.name)
            link.of, link.given = wanted.of, True


def _appear(state: State, function: Function, wanted: Configured) -> None:
    mac = wanted.mac or (function.pf.mac if function.pf is not None else random_mac(state))
    link = add_link(state, wanted.kind, mac, wanted.name, function.pci)
    link.given = wanted.kind == "uplink"
    if function.pf is not None:
        link.tc_offload = False if nics.can_offload(state, function) else None


def bind(state: State, driver: str, pci: str) -> None:
    """A write to a driver's `bind`."""
    function = state.functions.get(pci)
    if function is None or function.pf is None:
        nics.bind(state, driver, pci)
    elif function.driver:
        raise Refusal(errno.EBUSY)
    elif driver != (function.override or function.native):
        raise Refusal(errno.ENODEV)
    else:
        start(state, function, driver)


def restart(state: State, card: str) -> None:
    """A card starts anew without its machine (mstfwreset): its drivers let go and take it again."""
    mine = [f for f in state.functions.values() if f.pf is not None and f.pf.card == card]
    drivers = [function.driver for function in mine]
    for function in mine:
        nics.stop(state, function)
    state.cards[card].current = dict(state.cards[card].pending)
    for function, driver in zip(mine, drivers, strict=True):
        if driver is not None:
            start(state, function, driver)
