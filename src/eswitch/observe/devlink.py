"""E-switch modes and ports, as `devlink` of iproute2 prints them.

One process for all devices: `dev eswitch show` takes one device at a time, a batch takes them all,
and `--force` goes on after a device that refuses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eswitch.errors import HostError
from eswitch.host import Host
from eswitch.model.identifiers import MacAddress, PciAddress, VfId, parse_mac_address
from eswitch.model.observed import EswitchState
from eswitch.model.unknown import Unknown

from .records import Record, documents, number, record, text, truth

_FAILED = re.compile(r"^Command failed [^:]*:(\d+)$")


@dataclass(frozen=True, slots=True)
class Port:
    """A devlink port: `handle` is `pci/0000:07:00.0/1`, `mac` the function's `hw_addr`.

    `netdev` is None while the kernel does not say, which happens during a rename. On a DPU the
    same device has ports for another host's VFs as well: those are `external`.
    """

    handle: str
    flavour: str
    netdev: str | None = None
    vf: int | None = None
    external: bool = False
    mac: MacAddress | None = None


@dataclass(frozen=True, slots=True)
class Devlink:
    """What `devlink` shows: e-switches and physical ports by the PF's PCI address, and by that and
    the VF's index the ports that stand for this host's VFs."""

    eswitches: Mapping[PciAddress, EswitchState | Unknown] = field(default_factory=dict)
    uplinks: Mapping[PciAddress, Port] = field(default_factory=dict)
    representors: Mapping[VfId, Port] = field(default_factory=dict)


def read_devlink(host: Host, devices: Sequence[PciAddress]) -> Devlink:
    """Ask for all ports and for the e-switches of `devices`; never raises for one that refuses."""
    if not devices:
        return Devlink()
    batch = "port show\n" + "".join(f"dev eswitch show pci/{device}\n" for device in devices)
    try:
        result = host.run(["devlink", "--json", "--force", "--batch", "-"], input=batch, ok=None)
        return parse_devlink(devices, result.stdout, result.stderr)
    except HostError as refusal:
        return Devlink(dict.fromkeys(devices, Unknown(refusal.message)))


def parse_devlink(devices: Sequence[PciAddress], stdout: str, stderr: str) -> Devlink:
    """Read the answers to `port show` and then one `dev eswitch show` for each of `devices`."""
    eswitches: dict[str, EswitchState] = {}
    ports = []
    for document in documents(stdout, "devlink"):
        for handle, entry in record(record(document).get("dev")).items():
            eswitch = _eswitch(record(entry))
            if eswitch:
                eswitches[handle] = eswitch
        for handle, entry in record(record(document).get("port")).items():
            ports.append(_port(handle, record(entry)))
    reasons = parse_refusals(stderr)
    return Devlink(
        eswitches={
            device: eswitches.get(f"pci/{device}") or _unknown(reasons, line)
            for line, device in enumerate(devices, start=2)
        },
        uplinks={_device(port): port for port in ports if port.flavour == "physical"},
        representors={
            VfId(_device(port), port.vf): port
            for port in ports
            if port.flavour == "pcivf" and port.vf is not None and not port.external
        },
    )


def _device(port: Port) -> PciAddress:
    """The PCI address in a port's handle; empty for devices on other buses."""
    bus, _, rest = port.handle.partition("/")
    return PciAddress(rest.partition("/")[0] if bus == "pci" else "")


def parse_refusals(stderr: str) -> dict[int, str]:
    """What each refused line of a batch said, by line number from 1; 0 for words about none."""
    reasons = {}
    words: list[str] = []
    for line in stderr.splitlines():
        failed = _FAILED.match(line.strip())
        if failed:
            reasons[int(failed[1])] = "; ".join(words)
            words = []
        elif line.strip():
            words.append(line.strip())
    if words:
        reasons[0] = "; ".join(words)
    return reasons


def _unknown(reasons: Mapping[int, str], line: int) -> Unknown:
    return Unknown(reasons.get(line) or reasons.get(0) or "devlink said nothing about it")


def _eswitch(entry: Record) -> EswitchState | None:
    mode = text(entry, "mode")
    if mode is None:
        return None
    return EswitchState(mode, text(entry, "inline-mode"), text(entry, "encap-mode"))


def _port(handle: str, entry: Record) -> Port:
    try:
        mac = parse_mac_address(text(record(entry.get("function")), "hw_addr") or "")
    except ValueError:
        mac = None
    return Port(
        handle=handle,
        flavour=text(entry, "flavour") or "",
        netdev=text(entry, "netdev"),
        vf=number(entry, "vfnum"),
        external=bool(truth(entry, "external")) or bool(number(entry, "controller")),
        mac=mac,
    )
