"""Guests take VFs and give them back, as Proxmox starts and stops them (facts 5.5, 5.6)."""

from __future__ import annotations

from .links import add_link, random_mac, remove_link
from .nics import VFIO, iommu_is_on
from .state import Function, Guest, Process, State
from .vswitch import new_port


class CannotStart(Exception):
    """Why a guest does not start, in Proxmox's words where it has some."""


def start(state: State, guest: Guest) -> None:
    """Start it; raises CannotStart. What runs already stays as it is."""
    if guest.pid is not None:
        return
    files: list[str] = []
    if guest.pf is not None and guest.vf is not None:
        files = _take_vf(state, guest, guest.pf, guest.vf)
    elif guest.bridge is not None:
        _plug(state, guest, guest.bridge)
    guest.pid = state.counters.process
    state.counters.process += 1
    number = guest.name.rpartition("/")[2]
    name, arguments = "lxc-start", ["/usr/bin/lxc-start", "-F", "-n", number]
    if guest.kind == "vm":
        label = f"vm{number},debug-threads=on"
        name, arguments = "kvm", ["/usr/bin/kvm", "-id", number, "-name", label]
    state.processes[guest.pid] = Process(name, files=files, arguments=arguments)
    guest.trouble = ""


def stop(state: State, guest: Guest) -> None:
    """Stop it. A VM's VF stays with vfio-pci, a container's interface comes back to the host."""
    if guest.pid is not None:
        state.processes.pop(guest.pid, None)
    guest.pid = None
    for link in [link for link in state.links if link.of == guest.name]:
        bridge = state.bridge(guest.bridge or "")
        if bridge is not None:
            bridge.ports = [port for port in bridge.ports if port.name != link.name]
        remove_link(state, link)
    for link in state.links:
        if link.namespace == guest.name:
            link.namespace, link.up, link.addresses = "", False, []


def _take_vf(state: State, guest: Guest, pf: str, index: int) -> list[str]:
    vf = next((vf for vf in state.vfs_of(pf) if vf.index == index), None)
    if vf is None:
        raise CannotStart(f"no PCI device for VF {index} of {pf}")
    taken = [other for other in state.guests.values() if (other.pf, other.vf) == (pf, index)]
    holder = next((other for other in taken if other.pid is not None), None)
    if holder is not None:
        raise CannotStart(f"VF {index} of {pf} is in use by {holder.name}")
    if guest.kind == "ct":
        return _take_interface(state, guest, vf)
    if not iommu_is_on(state) or vf.group is None:
        raise CannotStart("cannot prepare PCI pass-through, IOMMU not present")
    _to_vfio(state, vf)
    return [f"/dev/vfio/{vf.group}"]


def _take_interface(state: State, guest: Guest, vf: Function) -> list[str]:
    link = next((link for link in state.links if link.function == vf.pci), None)
    if link is None:
        raise CannotStart(f"VF {vf.index} ({vf.pci}) has no interface: no driver is bound to it")
    link.namespace, link.up = guest.name, True
    return []


def _to_vfio(state: State, vf: Function) -> None:
    parent = state.functions[vf.physfn or ""]
    if parent.pf is not None and not parent.pf.autoprobe and not vf.override:
        # The PCI core lets no driver probe it then (pci_device_can_probe).
        raise CannotStart(f"Can't bind {vf.pci} to {VFIO}: No such device")
    for link in [link for link in state.links if link.function == vf.pci]:
        remove_link(state, link)
    # Proxmox tells it the device's ID, and that stays until it is unloaded (facts 5.5).
    known = f"{vf.vendor}:{vf.device}"
    if known not in state.vfio_ids:
        state.vfio_ids.append(known)
    vf.driver = VFIO
    if VFIO not in state.drivers:
        state.drivers.append(VFIO)


def _plug(state: State, guest: Guest, name: str) -> None:
    """A virtual interface in a bridge: what a guest has without a VF."""
    bridge = state.bridge(name)
    if bridge is None:
        raise CannotStart(f"bridge '{name}' does not exist")
    number = guest.name.rpartition("/")[2]
    tap = f"tap{number}i0" if guest.kind == "vm" else f"veth{number}i0"
    guest.mac = guest.mac or random_mac(state)
    link = add_link(state, "tap", random_mac(state), tap)
    link.of, link.up = guest.name, True
    bridge.ports.append(new_port(state, tap))
