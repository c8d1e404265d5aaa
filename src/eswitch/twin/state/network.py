"""Interfaces, as they are and as the machine configures them, and routes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Address:
    """An address of an interface; `dynamic` ones came from the network (SLAAC), `nodad` ones were
    given without looking for duplicates."""

    address: str
    dynamic: bool = False
    nodad: bool = False


@dataclass
class Link:
    """A network interface. `kind`: loopback, physical, uplink, representor, vf, wire, ovs-system,
    internal, bond, bridge, tap, vlan, dummy.

    `given` MACs come from the firmware or an administrator, others are random. `function` is the
    PCI function it belongs to, `vf` the index that a representor stands for,
    `of` the lower interface of a vlan or the PF whose cable a wire is. `master` is a bond or
    bridge; the port of an Open vSwitch datapath has its number there in `dp_port` instead.
    `rename_at` is the time at which udev will have named it, None once it has. `namespace` is the
    guest that owns it. `qdisc` is ingress or clsact. `cpu_*` are the packets that the CPU moved.
    """

    index: int
    name: str
    kind: str
    mac: str
    given: bool = False
    up: bool = False
    mtu: int = 1500
    function: str | None = None
    vf: int | None = None
    of: str | None = None
    master: str | None = None
    vlan: int | None = None
    dp_port: int | None = None
    addresses: list[Address] = field(default_factory=list)
    promotes: bool = False
    altnames: list[str] = field(default_factory=list)
    tc_offload: bool | None = None
    qdisc: str | None = None
    rename_at: float | None = None
    namespace: str = ""
    cpu_rx: int = 0
    cpu_tx: int = 0


@dataclass
class Configured:
    """One interface as the machine's own configuration brings it up at each boot: what stands in
    /etc/network/interfaces, and the cables. Empty `name`: udev's. `of` is the PF of a wire."""

    kind: str
    function: str | None = None
    name: str = ""
    mac: str = ""
    up: bool = False
    mtu: int = 1500
    of: str | None = None
    master: str | None = None
    vlan: int | None = None
    addresses: list[Address] = field(default_factory=list)


@dataclass
class Route:
    """A default route; `learned` ones came from a router's advertisement."""

    family: int
    device: str
    gateway: str | None = None
    metric: int = 0
    learned: bool = False
