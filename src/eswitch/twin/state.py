"""All that a simulated machine is. Nothing here is text that a tool prints: views render that.

Plain values only, so that a machine can be copied and kept in a JSON file (`saved.py`). What
follows from other facts is computed (`links.py`, `nics.py`), never stored a second time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ZERO = "00:00:00:00:00:00"


@dataclass
class Kernel:
    """The running kernel; `next_cmdline` is what the loader's files say, so what the next one gets.

    `lacks` are modules that it was built without, `dkms` those that somebody built beside it, with
    their versions, `initramfs` what of those is in there too: there Debian's looks for drivers of
    NICs first.
    """

    release: str
    options: dict[str, str] = field(default_factory=dict)
    config_readable: bool = True
    cmdline: str = ""
    next_cmdline: str = ""
    lockdown: bool = False
    lacks: list[str] = field(default_factory=list)
    dkms: dict[str, str] = field(default_factory=dict)
    initramfs: dict[str, str] = field(default_factory=dict)


@dataclass
class Platform:
    """What the BIOS and the distribution decide. `iommu` is the vendor's table, if VT-d or AMD-Vi
    is on (`DMAR`, `IVRS`), `iommu_default` whether this kernel line then uses it unasked,
    `naming` systemd's scheme, `loader` grub or systemd-boot, `efi` whether the
    firmware is EFI, as it is for systemd-boot anyway. On Proxmox a boot deletes the
    database of Open vSwitch (domain.md 5.1). `key_enrolled` is whether the firmware knows the key
    of DKMS."""

    proxmox: bool = False
    loader: str = "grub"
    efi: bool = False
    naming: int = 257
    iommu: str = ""
    iommu_default: bool = True
    secure_boot: bool = False
    key_enrolled: bool = False


@dataclass
class Card:
    """One adapter, of one or more PFs: its firmware's values, in force and at the next start."""

    switch_id: str
    current: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    ports: int = 1
    permaddr: bool = False
    """Whether the driver reports a permanent address, which `ip` shows only if it differs."""


@dataclass
class Vport:
    """What the PF keeps for a VF: the admin MAC, and the settings of `ip link set PF vf N`."""

    mac: str = ZERO
    vlan: int = 0
    qos: int = 0
    spoofchk: bool = False
    trust: bool = False
    link_state: str = "auto"
    min_rate: int = 0
    max_rate: int = 0


@dataclass
class Pf:
    """The SR-IOV side of a physical function: its place on its card, its e-switch and its VFs."""

    card: str
    mac: str
    vf_device: str = ""
    number: int = 0
    autoprobe: bool = True
    mode: str = "legacy"
    inline_mode: str = "none"
    encap_mode: str = "basic"
    vports: list[Vport] = field(default_factory=list)


@dataclass
class Function:
    """A PCI function. `native` is the driver that claims it by itself, `bridge` the upstream port
    ("" on the root bus), `group` its IOMMU group while the IOMMU is on. VFs have `physfn` and
    `index`; `virtio` is the child device of a virtio function."""

    pci: str
    vendor: str
    device: str
    pci_class: str
    driver: str | None = None
    native: str | None = None
    bridge: str = ""
    group: int | None = None
    override: str = ""
    physfn: str | None = None
    index: int | None = None
    pf: Pf | None = None
    virtio: str | None = None


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
    once, off only in a new one (domain.md 4.1). `tc_policy` was read when it started."""

    version: str
    database: Database
    offloading: bool = False
    tc_policy: str = "none"
    flows: list[Flow] = field(default_factory=list)


@dataclass
class Unit:
    """A systemd service; `added` is one that somebody wrote a file for."""

    enabled: bool = True
    active: bool = True
    added: bool = False


@dataclass
class Process:
    """A process that somebody may look at in /proc."""

    name: str
    parent: int = 1
    environment: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)


@dataclass
class Guest:
    """A VM or container. It holds VF `vf` of PF `pf`, or a virtual interface in bridge `bridge`."""

    name: str
    kind: str = "vm"
    pf: str | None = None
    vf: int | None = None
    bridge: str | None = None
    mac: str = ""
    autostart: bool = False
    pid: int | None = None
    trouble: str = ""


@dataclass
class Conversation:
    """Traffic both ways between two ends: guests, `outside`, or `host` on a bridge."""

    one: str
    other: str
    rate: int
    size: int
    until: float


@dataclass
class Counters:
    """The next number of each kind."""

    link: int = 1
    process: int = 4300
    dp_port: int = 1
    random: int = 0
    group: int = 0


@dataclass
class State:
    """The whole machine. `clock` is in seconds since delivery; only what takes time moves it.

    `powered` is False between a loss of power and the next boot. `files` are ordinary files; those
    in /run do not outlive a boot; `folders` are directories that stay without a file. `drivers` are
    the loaded kernel drivers, `loads` those that udev is about to load, with the time at which it
    will have, `versions` those of loaded drivers from beside the kernel, `vfio_ids` what vfio-pci
    was told to take (`new_id`: `15b3:101e`). `incidents` is what somebody suffered: a guest that
    lost its VF, an order that the driver's maker forbids. `begun` is the boot in which systemd has
    started what it starts, `inhibitors` who forbids a reboot (systemd-inhibit), `esp_full` whether
    the EFI system partition is, `web` what can be downloaded, by URL.
    """

    name: str
    about: str
    kernel: Kernel
    platform: Platform
    ovs: OpenVswitch
    clock: float = 0.0
    boots: int = 1
    begun: int = 1
    powered: bool = True
    root: bool = True
    environment: dict[str, str] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    units: dict[str, Unit] = field(default_factory=dict)
    drivers: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    loads: dict[str, float] = field(default_factory=dict)
    vfio_ids: list[str] = field(default_factory=list)
    configured: list[Configured] = field(default_factory=list)
    configured_routes: list[Route] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)
    processes: dict[int, Process] = field(default_factory=dict)
    guests: dict[str, Guest] = field(default_factory=dict)
    conversations: list[Conversation] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    web: dict[str, str] = field(default_factory=dict)
    inhibitors: list[str] = field(default_factory=list)
    esp_full: bool = False
    log: list[str] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)

    def link(self, name: str) -> Link | None:
        """The interface of that name in the host's namespace, or None; other names count too."""
        for link in self.links:
            if not link.namespace and (link.name == name or name in link.altnames):
                return link
        return None

    def link_at(self, index: int) -> Link | None:
        """The interface of that index, in whatever namespace."""
        return next((link for link in self.links if link.index == index), None)

    def vfs_of(self, pf: str) -> list[Function]:
        """The VFs of a PF, by index."""
        return sorted(
            (function for function in self.functions.values() if function.physfn == pf),
            key=lambda function: function.index or 0,
        )

    def uplink(self, pf: str) -> Link | None:
        """The PF's own interface, in whatever namespace."""
        found = (link for link in self.links if link.function == pf and link.kind == "uplink")
        return next(found, None)

    def representor(self, pf: str, index: int) -> Link | None:
        """The representor of a VF."""
        mine = (link for link in self.links if link.function == pf and link.kind == "representor")
        return next((link for link in mine if link.vf == index), None)

    def bridge(self, name: str) -> Bridge | None:
        """The bridge of that name in the database."""
        found = (bridge for bridge in self.ovs.database.bridges if bridge.name == name)
        return next(found, None)

    def say(self, line: str) -> None:
        """One line in the kernel's log."""
        self.log.append(line)
        del self.log[:-2000]
