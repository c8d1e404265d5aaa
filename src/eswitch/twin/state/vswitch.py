"""Open vSwitch: its database, its daemons, and the flows of its datapath."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Interface:
    """A row of table Interface: what ovs-vswitchd made of a port."""

    uuid: str
    name: str
    type: str = ""
    ofport: int | None = None
    ofport_request: int | None = None
    error: str | None = None


@dataclass
class Port:
    """A row of table Port, with its interfaces."""

    uuid: str
    name: str
    interfaces: list[Interface] = field(default_factory=list)
    tag: int | None = None
    trunks: list[int] = field(default_factory=list)
    external_ids: dict[str, str] = field(default_factory=dict)
    other_config: dict[str, str] = field(default_factory=dict)


@dataclass
class Bridge:
    """A row of table Bridge, with its ports. `last_number` is the daemon's: the OpenFlow port that
    it gave away last."""

    uuid: str
    name: str
    ports: list[Port] = field(default_factory=list)
    last_number: int = 0
    datapath_type: str = ""
    external_ids: dict[str, str] = field(default_factory=dict)
    other_config: dict[str, str] = field(default_factory=dict)


@dataclass
class Database:
    """OVSDB: the one row of table Open_vSwitch, with its bridges."""

    uuid: str
    bridges: list[Bridge] = field(default_factory=list)
    other_config: dict[str, str] = field(default_factory=dict)
    external_ids: dict[str, str] = field(default_factory=dict)


@dataclass
class Flow:
    """A flow of the kernel's datapath. Ports are interface indexes; `where` is hardware, tc or ovs;
    `used` the time of the last packet; `vlan` is the tag that its packets come in with, `push` the
    one that they leave with."""

    ufid: str
    in_port: int
    source: str
    target: str
    eth_type: str
    out_ports: list[int]
    where: str
    vlan: int | None = None
    push: int | None = None
    packets: int = 0
    octets: int = 0
    used: float | None = None
    made: float = 0.0


@dataclass
class OpenVswitch:
    """The daemons. `offloading` is what the running one does: switching hw-offload on counts at
    once, off only in a new one (facts 4.1). `tc_policy` was read when it started."""

    version: str
    database: Database
    offloading: bool = False
    tc_policy: str = "none"
    flows: list[Flow] = field(default_factory=list)
