"""Machines as data: YAML files, those that come with eswitch and one's own.

A file says what the machine *is* (cards, firmware, kernel, its own configuration); what it then
looks like comes from booting it (`boot.py`). Keys: `machine.py`; mistakes: `forms.py` and
`checks.py`.
"""

from __future__ import annotations

from importlib.resources import files

from eswitch.errors import SpecError
from eswitch.model.typed import Unfit, from_plain

from .boot import boot
from .checks import check, check_names
from .loader import furnish
from .machine import OPTIONS, DeviceSpec, InterfaceSpec, MachineSpec, NicSpec
from .state import (
    Address,
    Card,
    Configured,
    Database,
    Function,
    Guest,
    Kernel,
    OpenVswitch,
    Pf,
    State,
    Unit,
)
from .vswitch import fresh_database

_TOOLS = (
    *("iproute2", "ethtool", "udev", "util-linux", "systemd", "kmod"),
    *("coreutils", "tar", "initramfs-tools", "wget"),
)
_UNITS = ("openvswitch-switch", "ovsdb-server", "ovs-vswitchd")


def names() -> tuple[str, ...]:
    """The machines that come with eswitch."""
    folder = files(__package__).joinpath("machines")
    found = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name[:-5] for name in found if name.endswith(".yaml")))


def describe(name: str) -> str:
    """What one of them is, in a sentence."""
    return open_machine(name).about


def open_machine(name: str) -> State:
    """A machine that comes with eswitch, freshly booted. Raises SpecError for any other name."""
    if name not in names():
        hint = f"there are {', '.join(names())}; or name a file: ./{name}.yaml"
        raise SpecError(f"no machine {name}", hint=hint)
    folder = files(__package__).joinpath("machines")
    return parse(folder.joinpath(f"{name}.yaml").read_text("utf-8"), name)


def parse(text: str, name: str) -> State:
    """A machine from the text of its file, freshly booted. Raises SpecError with `name:line`."""
    from . import reading  # noqa: PLC0415 (60 ms that a kept machine does not pay)

    data = reading.read(text, name)
    try:
        spec = from_plain(MachineSpec, data)
        check(spec)
        state = _deliver(spec, _short(name))
        check_names(spec, state)
    except Unfit as wrong:
        raise reading.mistake(wrong, text, name) from None
    return state


def _short(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".yaml").removesuffix(".yml")


def _deliver(spec: MachineSpec, name: str) -> State:
    kernel = Kernel(spec.release, dict(OPTIONS[spec.options]))
    kernel.cmdline = kernel.next_cmdline = spec.cmdline
    kernel.lockdown, kernel.lacks = spec.platform.secure_boot, spec.lacks
    packages = {*_TOOLS, *spec.packages, *(["openvswitch-switch"] if spec.ovs else [])}
    state = State(
        name=name,
        about=spec.about,
        kernel=kernel,
        platform=spec.platform,
        ovs=OpenVswitch(spec.ovs, Database("")),
        packages=sorted(packages - set(spec.missing)),
        root=spec.root,
        environment=spec.environment,
        files=spec.files,
        configured_routes=spec.routes,
        web=spec.web,
    )
    furnish(state)
    state.ovs.database = fresh_database(state)
    state.units = {unit: Unit() for unit in _UNITS} if spec.ovs else {}
    for device in spec.devices:
        _add_device(state, device)
    for card, nic in spec.nics.items():
        _add_nic(state, card, nic)
    state.functions = dict(sorted(state.functions.items()))
    state.configured = _configured(spec)
    for guest, wanted in spec.guests.items():
        state.guests[guest] = Guest(guest, **vars(wanted))
    boot(state)
    return state


def _add_device(state: State, device: DeviceSpec) -> None:
    vendor, _, number = device.id.partition(":")
    function = Function(device.pci, vendor, number, device.pci_class)
    function.native = device.driver or None
    function.bridge, function.virtio = device.bridge, device.virtio
    state.functions[device.pci] = function


def _add_nic(state: State, name: str, nic: NicSpec) -> None:
    vendor, _, number = nic.id.partition(":")
    first = next(iter(nic.ports.values())).replace(":", "")
    firmware = {"SRIOV_EN": "True", "NUM_OF_VFS": "8", **nic.firmware}
    card = Card(nic.switch_id or f"{first[:6]}0300{first[6:]}", dict(firmware), dict(firmware))
    card.ports, card.permaddr = len(nic.ports), nic.permaddr
    state.cards[name] = card
    for port, (pci, mac) in enumerate(nic.ports.items()):
        function = Function(pci, vendor, number, nic.pci_class, native=nic.driver)
        function.bridge = nic.bridge
        function.pf = Pf(name, mac, nic.vf_id.rpartition(":")[2] or number, port)
        state.functions[pci] = function


def _configured(spec: MachineSpec) -> list[Configured]:
    loopback = Configured("loopback", name="lo", mac="00:00:00:00:00:00", up=True, mtu=65536)
    loopback.addresses = [Address("127.0.0.1/8"), Address("::1/128")]
    written = {each.pci: each for each in spec.interfaces if each.pci}
    found = [loopback]
    uplinks = [(pci, mac, nic) for nic in spec.nics.values() for pci, mac in nic.ports.items()]
    hardware = {pci for pci, _, _ in uplinks}
    found += [_interface(each) for each in spec.interfaces if each.pci and each.pci not in hardware]
    for number, (pci, mac, nic) in enumerate(uplinks):
        if nic.wire:
            far = f"0a{mac[2:]}"
            found.append(Configured("wire", name=f"wire{number}", mac=far, of=pci))
        uplink = _interface(written.get(pci, InterfaceSpec(pci=pci)))
        uplink.kind = "uplink"
        found.append(uplink)
    return [*found, *(_interface(each) for each in spec.interfaces if not each.pci)]


def _interface(each: InterfaceSpec) -> Configured:
    addresses = [Address(address) for address in each.addresses]
    addresses += [Address(address, dynamic=True) for address in each.dynamic]
    return Configured(
        each.kind,
        each.pci,
        each.name,
        each.mac,
        up=each.up,
        of=each.link,
        master=each.master,
        vlan=each.vlan,
        addresses=addresses,
    )
