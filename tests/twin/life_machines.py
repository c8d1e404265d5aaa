"""The small machines whose lives the state machine plays, and specs and drift for them."""

from __future__ import annotations

from copy import deepcopy
from ipaddress import ip_address, ip_interface

from hypothesis import strategies as st

from eswitch.model.desired import (
    DesiredBridge,
    DesiredNic,
    DesiredOvs,
    DesiredPort,
    DesiredState,
    DesiredVf,
    EswitchMode,
    MacPolicy,
    NicMatch,
    VfDriver,
)
from eswitch.model.identifiers import MacAddress, PciAddress
from eswitch.twin import Twin, parse
from eswitch.twin.state import State

PF = PciAddress("0000:01:00.0")
SYSFS = f"/sys/bus/pci/devices/{PF}"
MOST = 4

_TEXT = """\
about: a small machine
release: 6.14.8-2-pve
options: proxmox
ovs: 3.5.0
platform: {{proxmox: {proxmox}, naming: 257, iommu: DMAR}}
nics:
  nic:
    driver: {driver}
    id: "{id}"
    vf_id: "{vf_id}"
    ports: {{"0000:01:00.0": "08:c0:eb:32:98:11"}}
    firmware: {{NUM_OF_VFS: "4"}}
guests:
  vm/101: {{pf: "0000:01:00.0", vf: 0}}
  ct/200: {{kind: ct, pf: "0000:01:00.0", vf: 1}}
"""
_DRIVERS = {
    "mlx5_core": ("15b3:101d", "15b3:101e", "true"),
    "eswitchsim": ("1b36:0010", "1b36:0010", "false"),
    "ice": ("8086:1592", "8086:1889", "true"),
}
_DELIVERED = {
    driver: parse(_TEXT.format(driver=driver, id=pf, vf_id=vf, proxmox=proxmox), "small")
    for driver, (pf, vf, proxmox) in _DRIVERS.items()
}
DRIVERS = st.sampled_from(sorted(_DRIVERS))


def delivered(driver: str) -> State:
    """A machine as it arrives."""
    return deepcopy(_DELIVERED[driver])


_MACS = st.sampled_from([MacAddress(f"52:54:00:00:00:0{n}") for n in range(1, 4)])
_VLANS = st.sampled_from([None, None, 20, 30])


@st.composite
def specs(draw: st.DrawFn) -> DesiredState:
    """Specs that are sound: what `spec/checks.py` refuses is not drawn."""
    mode = draw(st.sampled_from([EswitchMode.SWITCHDEV] * 4 + [EswitchMode.LEGACY]))
    switchdev = mode is EswitchMode.SWITCHDEV
    taken: set[str] = set()
    vfs = []
    for index in range(draw(st.integers(0, MOST))):
        policy = draw(st.sampled_from(MacPolicy))
        mac = draw(_MACS) if policy is MacPolicy.FIXED else None
        if mac in taken:
            policy, mac = MacPolicy.DERIVED, None
        taken.add(mac or "")
        driver = draw(st.sampled_from(VfDriver))
        vfs.append(DesiredVf(index, policy, mac, draw(_VLANS) if switchdev else None, driver))
    nic = DesiredNic("nic", NicMatch(pci=PF), tuple(vfs), mode)
    bridges = draw(_bridges(nic, switchdev=switchdev))
    max_idle = draw(st.sampled_from([None, 30000]))
    return DesiredState((nic,), bridges, DesiredOvs(max_idle=max_idle))


_ADDRESSES = st.sampled_from([(), ("10.1.0.1/24",), ("10.1.0.2/24", "fd00::1/64")])


@st.composite
def _bridges(draw: st.DrawFn, nic: DesiredNic, *, switchdev: bool) -> tuple[DesiredBridge, ...]:
    """None, one or two bridges; each port is in one of them or in none."""
    names = draw(st.lists(st.sampled_from(["vmbr2", "vmbr3"]), max_size=2, unique=True))
    ports: dict[str, list[DesiredPort]] = {name: [] for name in names}
    wanted = [DesiredPort("nic")]
    if switchdev:
        wanted += [DesiredPort("nic", vf.index, vf.vlan) for vf in nic.vfs]
    for port in wanted if names else ():
        name = draw(st.sampled_from([*names, *names, ""]))
        if name:
            ports[name].append(port)
    addresses = {name: draw(_ADDRESSES) for name in names[:1]}
    gateway = (ip_address("10.1.0.254"),) if any(addresses.values()) and draw(st.booleans()) else ()
    return tuple(
        DesiredBridge(
            name,
            tuple(ports[name]),
            tuple(ip_interface(each) for each in addresses.get(name, ())),
            gateway if name == names[0] else (),
        )
        for name in sorted(names)
    )


def _held(twin: Twin) -> bool:
    return any(guest.pid is not None for guest in twin.state.guests.values())


def drift(twin: Twin, kind: str) -> None:
    """Somebody else changes the host, with the tools that he has, and without pulling a VF."""
    uplink = twin.state.uplink(PF)
    names = [link.name for link in twin.state.links if link.kind in ("representor", "uplink")]
    bridges = [bridge.name for bridge in twin.state.ovs.database.bridges]
    lines = {
        "links down": [f"ip link set {name} down" for name in names],
        "ports gone": [f"ovs-vsctl --if-exists del-port {name}" for name in names],
        "bridges gone": [f"ovs-vsctl --if-exists del-br {name}" for name in bridges],
        "bridges down": [f"ip link set {name} down" for name in bridges if twin.state.link(name)],
        "no tags": [f"ovs-vsctl --if-exists clear port {name} tag" for name in names],
        "no offload": ["ovs-vsctl remove Open_vSwitch . other_config hw-offload"],
        "foreign bridge": ["ovs-vsctl --may-exist add-br other"],
        "another mac": [f"ip link set {uplink.name} vf 0 mac 52:54:00:aa:00:01"] if uplink else [],
        "no addresses": [f"ip addr flush dev {name}" for name in bridges if twin.state.link(name)],
    }
    for line in lines.get(kind, ()):
        twin.run(line.split(), ok=None)
    if kind == "autoprobe off":
        twin.write_attribute(f"{SYSFS}/sriov_drivers_autoprobe", "0", 10)
    if kind == "no VFs" and not _held(twin):
        twin.write_attribute(f"{SYSFS}/sriov_numvfs", "0", 60)
    if kind == "probed VFs" and not _held(twin):
        twin.write_attribute(f"{SYSFS}/sriov_numvfs", "0", 60)
        twin.write_attribute(f"{SYSFS}/sriov_numvfs", "3", 60)
    # An apply that begins while udev still names what others made writes down names of a moment.
    twin.run(["udevadm", "settle"])
    if kind == "restart":
        twin.run(["systemctl", "restart", "ovs-vswitchd"])


DRIFTS = st.sampled_from(
    (
        *("links down", "ports gone", "bridges gone", "bridges down", "no tags", "no offload"),
        *("foreign bridge", "another mac", "no addresses", "autoprobe off", "no VFs"),
        *("probed VFs", "restart"),
    )
)
