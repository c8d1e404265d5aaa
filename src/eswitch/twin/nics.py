"""Physical functions: their VFs, their e-switch, and the drivers that bind."""

from __future__ import annotations

import errno

from .links import add_link, random_mac, remove_link
from .refusal import Refusal
from .state import ZERO, Function, Pf, State, Vport
from .traits import Traits, traits_of

VFIO = "vfio-pci"
_SWITCHDEV = "switchdev"
_LOADING = 0.1
"""Seconds until udev has loaded the driver of a new kind of device."""
_RULES_LEFT = "Can't change mode, E-Switch is busy"


class Blocks(Exception):
    """The kernel waits for somebody who holds the device; the write does not return."""


def iommu_is_on(state: State) -> bool:
    """Whether devices have IOMMU groups (facts 3.1). Of several `intel_iommu=` the last one
    counts; what `iommu=off` takes away none brings back."""
    words = state.kernel.cmdline.split()
    if not state.platform.iommu or "iommu=off" in words:
        return False
    if state.platform.iommu == "IVRS":
        return "amd_iommu=off" not in words
    said = [word.partition("=")[2].partition(",")[0] for word in words if "intel_iommu=" in word]
    asked = [word for word in said if word in ("on", "off")]
    return asked[-1] == "on" if asked else state.platform.iommu_default


def total_vfs(state: State, pf: Pf) -> int | None:
    """`sriov_totalvfs`; None without the capability, which the firmware may switch off."""
    values = state.cards[pf.card].current
    return int(values["NUM_OF_VFS"]) if values.get("SRIOV_EN") == "True" else None


def vf_offset(state: State, pf: Pf) -> int:
    """`sriov_offset`: the VFs of port 0 follow the last PF, those of port 1 follow them."""
    ports = state.cards[pf.card].ports
    return ports - pf.number + pf.number * (total_vfs(state, pf) or 0)


def _vf_address(state: State, function: Function, pf: Pf, index: int) -> str:
    domain, bus, rest = function.pci.split(":")
    device, _, number = rest.partition(".")
    routing = (int(bus, 16) << 8) + (int(device, 16) << 3) + int(number)
    routing += vf_offset(state, pf) + index
    return f"{domain}:{routing >> 8:02x}:{routing >> 3 & 0x1F:02x}.{routing & 7}"


def owner(state: State, pci: str) -> tuple[Function, Pf]:
    """A function that has VFs or could; raises Refusal (ENODEV) for any other."""
    function = state.functions.get(pci)
    if function is None or function.pf is None:
        raise Refusal(errno.ENODEV)
    return function, function.pf


def set_numvfs(state: State, pci: str, text: str) -> None:
    """A write to `sriov_numvfs` (facts 1.2).

    Raises Refusal, and Blocks while somebody holds a VF that shall go.
    """
    function, pf = owner(state, pci)
    total = total_vfs(state, pf) or 0
    if not text.strip().isdecimal():
        raise Refusal(errno.EINVAL)
    count, now = int(text), len(pf.vports)
    if count > total:
        raise Refusal(errno.ERANGE)
    if count == now:
        return
    if function.driver is None:
        state.say(f"pci {pci}: Driver does not support SRIOV configuration via sysfs")
        raise Refusal(errno.ENOENT)
    if count and now:
        text = f"{now} VFs already enabled. Disable before enabling {count} VFs"
        state.say(f"{function.driver} {pci}: {text}")
        raise Refusal(errno.EBUSY)
    if count:
        _create_vfs(state, function, pf, count)
    else:
        _remove_vfs(state, function, pf)


def _log_mode(state: State, function: Function, pf: Pf, what: str, count: int) -> None:
    if not traits_of(function.driver).eswitch:
        return
    mode = "OFFLOADS" if pf.mode == _SWITCHDEV else "LEGACY"
    numbers = f"nvfs({count}), necvfs(0), active vports({count + 1})"
    state.say(f"{function.driver} {function.pci}: E-Switch: {what}: mode({mode}), {numbers}")


def _create_vfs(state: State, function: Function, pf: Pf, count: int) -> None:
    traits = traits_of(function.driver)
    pf.vports = [Vport() for _ in range(count)]
    if pf.mode == _SWITCHDEV:
        _add_representors(state, function, pf)
    _log_mode(state, function, pf, "Enable", count)
    for index in range(count):
        address = _vf_address(state, function, pf, index)
        vf = Function(address, function.vendor, pf.vf_device, function.pci_class)
        vf.native, vf.bridge = traits.vf_driver, function.bridge
        vf.physfn, vf.index = function.pci, index
        state.functions[address] = vf
        state.say(f"pci {address}: [{vf.vendor}:{vf.device}] type 00 class {vf.pci_class}")
        if iommu_is_on(state):
            vf.group = state.counters.group
            state.counters.group += 1
            state.say(f"pci {address}: Adding to iommu group {vf.group}")
        if pf.autoprobe and traits.vf_driver in state.drivers:
            probe(state, vf, traits.vf_driver)
    if traits.vf_driver not in state.drivers:
        state.loads.setdefault(traits.vf_driver, state.clock + _LOADING)


def _remove_vfs(state: State, function: Function, pf: Pf) -> None:
    vfs = state.vfs_of(function.pci)
    held = [vf for vf in vfs if vf.driver == VFIO and holder(state, vf) is not None]
    if held:
        for vf in held:
            state.say(f"{VFIO} {vf.pci}: Relaying device request to user (#0)")
        raise Blocks(f"{len(held)} VFs are held")
    for vf in vfs:
        if vf.driver:
            _unplug(state, vf)
        del state.functions[vf.pci]
    _remove_representors(state, function)
    _log_mode(state, function, pf, "Unload vfs", len(vfs))
    pf.vports = []


def holder(state: State, vf: Function) -> str | None:
    """The process that has the VF open through vfio, or None."""
    nodes = {f"/dev/vfio/{vf.group}"}
    found = (p.name for p in state.processes.values() if nodes.intersection(p.files))
    return next(found, None)


def _add_representors(state: State, function: Function, pf: Pf) -> None:
    offload = True if can_offload(state, function) else None
    for index in range(len(pf.vports)):
        link = add_link(state, "representor", random_mac(state), function=function.pci)
        link.vf, link.tc_offload = index, offload


def can_offload(state: State, function: Function) -> bool:
    """Whether this kernel's build of the driver takes flower rules at all."""
    traits = traits_of(function.driver)
    missing = [name for name in traits.options if state.kernel.options.get(name, "n") == "n"]
    return traits.eswitch and not missing


def set_mode(state: State, pci: str, mode: str) -> None:
    """`devlink dev eswitch set DEV mode MODE` (facts 1.2, 1.3)."""
    function, pf = _eswitch(state, pci)
    if mode == pf.mode:
        return
    if mode == _SWITCHDEV:
        _check_vfs(state, function, pf, traits_of(function.driver))
    if any(link.qdisc for link in state.links if link.function == pci):
        raise Refusal(errno.EBUSY, _RULES_LEFT)
    if pf.vports:
        state.incidents.append(f"mode of {pci} changed while it had {len(pf.vports)} VFs")
    if pf.vports or pf.mode == _SWITCHDEV:
        _log_mode(state, function, pf, "Disable", len(pf.vports))
    pf.mode = mode
    _follow_mode(state, function, pf)
    if pf.vports or mode == _SWITCHDEV:
        _log_mode(state, function, pf, "Enable", len(pf.vports))


def _follow_mode(state: State, function: Function, pf: Pf) -> None:
    """The uplink takes rules in switchdev mode only, and there are representors only then."""
    uplink = state.uplink(function.pci)
    if uplink is not None and can_offload(state, function):
        uplink.tc_offload = pf.mode == _SWITCHDEV
    if pf.mode == _SWITCHDEV:
        _add_representors(state, function, pf)
    else:
        _remove_representors(state, function)


def _remove_representors(state: State, function: Function) -> None:
    for link in [link for link in state.links if link.function == function.pci]:
        if link.kind == "representor":
            remove_link(state, link)


def _eswitch(state: State, pci: str) -> tuple[Function, Pf]:
    function, pf = owner(state, pci)
    traits = traits_of(function.driver)
    if not traits.devlink:
        raise Refusal(errno.ENODEV)
    if not manages_eswitch(state, function):
        raise Refusal(errno.EOPNOTSUPP)
    return function, pf


def manages_eswitch(state: State, function: Function) -> bool:
    """A DPU's own processor owns the e-switch in DPU mode (facts 2.3)."""
    if function.pf is None or not traits_of(function.driver).eswitch:
        return False
    return state.cards[function.pf.card].current.get("INTERNAL_CPU_MODEL") != "EMBEDDED_CPU"


def _check_vfs(state: State, function: Function, pf: Pf, traits: Traits) -> None:
    if traits.mode_over == "vfs":
        bad = bool(pf.vports)
    else:
        bad = any(vf.driver for vf in state.vfs_of(function.pci))
    if not bad:
        return
    if traits.mode_over == "bound":
        name = f"{function.driver} {function.pci}"
        syndrome = "status bad resource state(0x9), syndrome (0x98afbb), err(-22)"
        state.say(
            f"{name}: mlx5_cmd_out_err: CREATE_FLOW_TABLE(0x930) op_mod(0x0) failed, {syndrome}"
        )
        state.say(f"{name}: E-Switch: Failed to create slow path FDB Table err -22")
    raise Refusal(traits.mode_errno, traits.mode_refusal)


def set_inline_mode(state: State, pci: str, mode: str) -> None:
    """`devlink dev eswitch set DEV inline-mode MODE`: not while rules are in (facts 1.3)."""
    _, pf = _eswitch(state, pci)
    if mode != pf.inline_mode and _has_rules(state, pci):
        raise Refusal(errno.EOPNOTSUPP, "Can't set inline mode when flows are configured")
    pf.inline_mode = mode


def set_encap_mode(state: State, pci: str, mode: str) -> None:
    """`devlink dev eswitch set DEV encap-mode MODE`: not while rules are in (facts 1.3)."""
    _, pf = _eswitch(state, pci)
    if mode != pf.encap_mode and _has_rules(state, pci):
        raise Refusal(errno.EOPNOTSUPP, "Can't set encapsulation when flows are configured")
    pf.encap_mode = mode


def _has_rules(state: State, pci: str) -> bool:
    mine = {link.index for link in state.links if link.function == pci}
    return any(flow.where == "hardware" and flow.in_port in mine for flow in state.ovs.flows)


def vport(state: State, pci: str, index: int) -> Vport:
    """What the PF keeps for a VF; raises Refusal (EINVAL) if there is no such VF."""
    function = state.functions.get(pci)
    if function is None or function.pf is None or not 0 <= index < len(function.pf.vports):
        raise Refusal(errno.EINVAL)
    return function.pf.vports[index]


def bind(state: State, driver: str, pci: str) -> None:
    """A write to a driver's `bind`."""
    function = state.functions.get(pci)
    if function is None:
        raise Refusal(errno.ENODEV)
    if function.driver:
        raise Refusal(errno.EBUSY)
    parent = state.functions.get(function.physfn or "")
    closed = parent is not None and parent.pf is not None and not parent.pf.autoprobe
    told = driver == VFIO and f"{function.vendor}:{function.device}" in state.vfio_ids
    fits = driver == (function.override or function.native) or (told and not function.override)
    if not fits or (closed and not function.override):
        raise Refusal(errno.ENODEV)
    probe(state, function, driver)


def probe(state: State, vf: Function, driver: str) -> None:
    """A driver takes a VF."""
    vf.driver = driver
    if driver == VFIO:
        return
    mac = vport(state, vf.physfn or "", vf.index or 0).mac
    given = mac != ZERO
    if not given:
        mac = random_mac(state)
        state.say(f"{driver} {vf.pci}: Assigned random MAC address {mac}")
    add_link(state, "vf", mac, function=vf.pci).given = given


def unbind(state: State, driver: str, pci: str) -> None:
    """A write to a driver's `unbind`. Raises Blocks while somebody holds the device."""
    function = state.functions.get(pci)
    if function is None or function.driver != driver:
        raise Refusal(errno.ENODEV)
    if driver == VFIO and holder(state, function) is not None:
        raise Blocks(f"{pci} is held")
    if function.pf is not None:
        stop(state, function)
    else:
        _unplug(state, function)


def _unplug(state: State, function: Function) -> None:
    """The driver lets go: its interface vanishes, from whatever namespace it is in."""
    for link in [link for link in state.links if link.function == function.pci]:
        if link.namespace:
            state.incidents.append(f"{link.namespace} lost its VF {function.pci}")
        remove_link(state, link)
    function.driver = None


def stop(state: State, function: Function) -> None:
    """The driver of a PF lets go: VFs, mode and interfaces go with it."""
    pf = function.pf
    if function.driver is None or pf is None:
        return
    _remove_vfs(state, function, pf)
    pf.autoprobe, pf.mode, pf.inline_mode, pf.encap_mode = True, "legacy", "none", "basic"
    _unplug(state, function)
