"""A boot: what it loses, what it activates, and what the machine's own configuration brings up.

A delivered machine is one that has booted, so that there is one way to make it.
"""

from __future__ import annotations

from copy import deepcopy

from . import guests, modules, units, vswitch
from .clock import advance
from .links import add_link, predictable_name, random_mac
from .nics import can_offload, iommu_is_on
from .state import Configured, Guest, Link, Process, State

_SECONDS = 45.0
"""How long a boot takes here; a server takes minutes, most of them in its BIOS."""
_FIRST_PROCESSES = {1: "systemd", 300: "systemd-udevd", 342: "ovsdb-server", 348: "ovs-vswitchd"}
VSWITCHD_PID = 348
SELF = 4242
"""The process of eswitch itself."""


def reboot(state: State) -> None:
    """Lose what a reboot loses (facts 1.4, 5.1), then boot."""
    for card in state.cards.values():
        card.current = dict(card.pending)
    state.functions = {pci: f for pci, f in state.functions.items() if f.physfn is None}
    for function in state.functions.values():
        function.override = ""
        if function.pf is not None:
            pf = function.pf
            pf.autoprobe, pf.mode, pf.inline_mode, pf.encap_mode = True, "legacy", "none", "basic"
            pf.vports = []
    state.kernel.cmdline = state.kernel.next_cmdline
    state.files = {p: text for p, text in state.files.items() if not p.startswith("/run/")}
    state.folders = [path for path in state.folders if not path.startswith("/run/")]
    if state.platform.proxmox:
        state.ovs.database = vswitch.fresh_database(state)
    for guest in state.guests.values():
        guest.pid, guest.trouble = None, ""
    state.conversations = []
    state.boots += 1
    state.clock += _SECONDS
    boot(state)


def boot(state: State) -> None:
    """Bring up the machine as configured."""
    state.log = [f"Linux version {state.kernel.release}", f"Command line: {state.kernel.cmdline}"]
    state.links, state.routes, state.loads, state.vfio_ids = [], [], {}, []
    state.counters.link = 1
    state.counters.group = 0
    state.processes = {pid: Process(name) for pid, name in _FIRST_PROCESSES.items()}
    state.processes[SELF] = Process("eswitch")
    for unit in state.units.values():
        unit.active = unit.enabled and not unit.added  # those that are added come to their end
    _enumerate(state)
    for module in modules.listed(state):
        if modules.file_of(state, module) is not None and module not in (
            "vfio",
            "vfio_iommu_type1",
        ):
            modules.load(state, modules.driver_of(module))
    for wanted in state.configured:
        pci = wanted.of if wanted.kind == "wire" else wanted.function
        device = state.functions.get(pci or "")
        if pci is None or (device is not None and device.driver):
            _bring_up(state, wanted)
    state.routes = deepcopy(state.configured_routes)
    for port in [port for bridge in state.ovs.database.bridges for port in bridge.ports]:
        for interface in port.interfaces:
            interface.ofport, interface.error = None, None
    vswitch.start(state)
    advance(state, 0.0)
    if not units.to_start(state):
        state.begun = state.boots
        finish(state)


def finish(state: State) -> None:
    """What comes last in a boot, after the services that somebody added: guests."""
    for guest in state.guests.values():
        if guest.autostart:
            _try_to_start(state, guest)
    advance(state, 0.0)


def _enumerate(state: State) -> None:
    """The kernel finds the PCI functions, groups them, and their drivers bind."""
    state.drivers, state.versions = [], {}
    groups: dict[str, int] = {}
    for function in state.functions.values():
        there = function.native is not None and modules.at_boot(state, function.native)
        function.driver = function.native if there else None
        if function.driver and function.driver not in state.drivers:
            state.drivers.append(function.driver)
        # The functions of a device share a group, unless it isolates them as NICs do (ACS).
        place = function.pci if function.pf is not None else function.pci.partition(".")[0]
        function.group = groups.setdefault(place, len(groups)) if iommu_is_on(state) else None
    state.counters.group = len(groups)


def _bring_up(state: State, wanted: Configured) -> None:
    function = state.functions.get(wanted.function or "")
    pf = function.pf if function is not None else None
    mac = wanted.mac or (pf.mac if pf is not None else random_mac(state))
    link = add_link(state, wanted.kind, mac, wanted.name or "new")
    link.function, link.of, link.vlan = wanted.function, wanted.of, wanted.vlan
    link.up, link.mtu, link.master = wanted.up, wanted.mtu, wanted.master
    link.addresses = deepcopy(wanted.addresses)
    if pf is not None:
        link.tc_offload = _feature(state, link)
    if not wanted.name:
        link.name = predictable_name(state, link) or f"eth{link.index}"
    link.given = wanted.kind in ("uplink", "wire")
    if link.given:
        link.altnames = [f"enx{mac.replace(':', '')}"]


def _feature(state: State, link: Link) -> bool | None:
    """`hw-tc-offload` can be switched where the driver takes rules; it is off in legacy mode."""
    function = state.functions[link.function or ""]
    return False if can_offload(state, function) else None


def _try_to_start(state: State, guest: Guest) -> None:
    try:
        guests.start(state, guest)
    except guests.CannotStart as why:
        guest.trouble = str(why)
