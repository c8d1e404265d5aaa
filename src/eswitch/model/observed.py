"""What the host shows, read once and kept as values.

Whatever could not be read is `Unknown` with the reason, never a default: a missing fact must not
look like a fact. Nothing here changes by itself (no counters, no ages), so two
observations of an untouched host are equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .firmware import FirmwareState
from .identifiers import MacAddress, PciAddress, SwitchId
from .machine import BootState, DriverBuild, IommuState, ModuleState
from .unknown import Unknown

_NOT_READ = Unknown("not read")


@dataclass(frozen=True, slots=True)
class EswitchState:
    """`devlink dev eswitch show`. Plain strings: newer kernels add modes (facts 1.4)."""

    mode: str
    inline_mode: str | None = None
    encap_mode: str | None = None


@dataclass(frozen=True, slots=True)
class SriovState:
    """The PF's sysfs attributes `sriov_totalvfs`, `sriov_numvfs`, `sriov_drivers_autoprobe`."""

    total: int
    count: int
    autoprobe: bool


@dataclass(frozen=True, slots=True)
class LegacyVf:
    """What `ip link show PF` prints for a VF: kept so that rollback can restore it.

    Rates are in Mbit/s, 0 for no limit; `link_state` is auto, enable or disable.
    """

    vlan: int = 0
    qos: int = 0
    spoofchk: bool | None = None
    trust: bool | None = None
    link_state: str = "auto"
    min_tx_rate: int = 0
    max_tx_rate: int = 0


@dataclass(frozen=True, slots=True)
class VfState:
    """One VF that exists.

    `mac` is the admin MAC (devlink `hw_addr` in switchdev mode, `ip link` otherwise; ZERO_MAC when
    nobody set one). `netdev` is the VF's own interface if it is in this network namespace;
    a VF whose `driver` makes netdevs and has none was moved elsewhere. `users` names who holds it
    (`process 812 (qemu-system-x86)`, `another network namespace`), empty when free.
    `representor` and `devlink_port` (`pci/0000:07:00.0/1`) exist in switchdev mode only.
    `group_peers` are the other functions of its IOMMU group, which a VM that takes the VF would
    take along (facts 3.2); empty as it should be, and while the IOMMU is off.
    """

    index: int
    pci: PciAddress
    driver: str | None = None
    netdev: str | None = None
    mac: MacAddress | None = None
    representor: str | None = None
    devlink_port: str | None = None
    users: tuple[str, ...] = ()
    legacy: LegacyVf = LegacyVf()
    group_peers: tuple[PciAddress, ...] = ()


@dataclass(frozen=True, slots=True)
class NicState:
    """One PF (never a VF). `sriov` is None when the function has no SR-IOV capability.

    `netdev` is the uplink's name in this network namespace, `mac` its permanent address
    (the current one where the driver reports none), `switch_id` is present in legacy mode too on
    modern kernels and proves nothing by itself (facts 1.6). `vendor_device` is `15b3:101d`,
    `ingress` the uplink's ingress qdisc (`ingress` or `clsact`), where Open vSwitch puts its rules.
    `firmware` is None as long as nobody asked for it (`Topic.FIRMWARE`).
    """

    pci: PciAddress
    driver: str | None
    netdev: str | None
    mac: MacAddress | None
    vendor_device: str = ""
    switch_id: SwitchId | None = None
    sriov: SriovState | None = None
    eswitch: EswitchState | Unknown = _NOT_READ
    vfs: tuple[VfState, ...] = ()
    iommu_group: int | None = None
    ingress: str | None = None
    firmware: FirmwareState | Unknown | None = None

    @property
    def is_switchdev(self) -> bool:
        """Whether the e-switch can be programmed now.

        Representors exist in no other mode, so they prove it where devlink shows no mode (nfp).
        """
        if not isinstance(self.eswitch, Unknown) and self.eswitch.mode == "switchdev":
            return True
        return any(vf.representor for vf in self.vfs)

    def vf(self, index: int) -> VfState | None:
        """The VF of that index, or None when it does not exist."""
        return next((vf for vf in self.vfs if vf.index == index), None)


@dataclass(frozen=True, slots=True)
class LinkState:
    """One network interface of this namespace.

    `lower` is the interface that a VLAN or macvlan sits on, `master` the bridge or bond it is in.
    `up` is the admin state, `carrier` is None while the link is down (the kernel does not say).
    `addresses` are `192.168.1.101/24` of global scope, `link_local` those of the link alone: the
    kernel gives them by itself, and an administrator may come in through one all the same.
    `hw_tc_offload` is None for interfaces that were not asked (only uplinks and representors in
    switchdev mode are), `hw_tc_fixed` whether the driver lets nobody change it.
    """

    name: str
    index: int
    mac: MacAddress | None
    up: bool
    carrier: bool | None
    mtu: int
    kind: str | None = None
    master: str | None = None
    lower: str | None = None
    parent: PciAddress | None = None
    switch_id: SwitchId | None = None
    port_name: str | None = None
    addresses: tuple[str, ...] = ()
    link_local: tuple[str, ...] = ()
    hw_tc_offload: bool | Unknown | None = None
    hw_tc_fixed: bool = False


@dataclass(frozen=True, slots=True)
class RouteState:
    """A default route: `family` 4 or 6, `gateway` None for an on-link route."""

    family: int
    gateway: str | None
    device: str
    metric: int = 0


class OvsStatus(StrEnum):
    """Whether Open vSwitch can be asked at all."""

    ABSENT = "absent"  # not installed
    STOPPED = "stopped"  # installed, its database or its daemon does not answer
    UNKNOWN = "unknown"  # this user may not ask
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class OvsPort:
    """A port with its one interface (bonds: the first). `error` is ovs-vswitchd's own text."""

    name: str
    tag: int | None = None
    trunks: tuple[int, ...] = ()
    external_ids: dict[str, str] = field(default_factory=dict)
    type: str = ""
    ofport: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class OvsBridge:
    """A bridge; `ports` includes its local port, which has the bridge's name."""

    name: str
    ports: tuple[OvsPort, ...] = ()
    external_ids: dict[str, str] = field(default_factory=dict)
    datapath_type: str = ""

    def port(self, name: str) -> OvsPort | None:
        """The port of that name, or None."""
        return next((port for port in self.ports if port.name == name), None)


@dataclass(frozen=True, slots=True)
class OvsState:
    """Open vSwitch as its database shows it; `reason` says why it is not RUNNING."""

    status: OvsStatus
    reason: str = ""
    version: str | None = None
    other_config: dict[str, str] = field(default_factory=dict)
    bridges: tuple[OvsBridge, ...] = ()

    def bridge(self, name: str) -> OvsBridge | None:
        """The bridge of that name, or None."""
        return next((bridge for bridge in self.bridges if bridge.name == name), None)

    def bridge_of(self, port: str) -> OvsBridge | None:
        """The bridge that has a port of that name, or None."""
        return next((bridge for bridge in self.bridges if bridge.port(port)), None)


@dataclass(frozen=True, slots=True)
class KernelState:
    """The running kernel. `options` maps CONFIG names without prefix to y, m or n.

    Only the options that decide about offload are kept (facts 8.1); `options` is Unknown
    where neither /boot/config-* nor /proc/config.gz can be read.
    """

    release: str
    options: dict[str, str] | Unknown = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObservedState:
    """Everything that planning may look at."""

    kernel: KernelState
    nics: tuple[NicState, ...] = ()
    links: tuple[LinkState, ...] = ()
    routes: tuple[RouteState, ...] = ()
    ovs: OvsState = OvsState(OvsStatus.ABSENT)
    session_addresses: tuple[str, ...] = ()
    """Local addresses that the user's own remote session (SSH) comes in through."""
    missing_tools: tuple[str, ...] = ()
    """Programs that eswitch needs and that are not installed, by command name."""
    iommu: IommuState | Unknown = _NOT_READ
    vfio_loaded: bool | Unknown = _NOT_READ
    """Whether vfio-pci is there for a VM to be started with a VF."""
    boot: BootState | Unknown | None = None
    modules: tuple[ModuleState, ...] = ()
    kit: DriverBuild | Unknown | None = None
    guests: tuple[str, ...] | Unknown | None = None
    """Who runs here and would go down with the host: `VM 104 (web)`. This, `boot`, `modules` and
    `kit` are read when asked for (`question.py`); None: nobody asked."""

    def module(self, name: str) -> ModuleState | None:
        """The kernel module of that name, or None if nobody asked for it."""
        return next((module for module in self.modules if module.name == name), None)

    def nic(self, pci: PciAddress) -> NicState | None:
        """The PF at that PCI address, or None."""
        return next((nic for nic in self.nics if nic.pci == pci), None)

    def link(self, name: str) -> LinkState | None:
        """The interface of that name, or None."""
        return next((link for link in self.links if link.name == name), None)
