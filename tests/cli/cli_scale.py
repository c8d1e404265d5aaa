"""A NIC with many VFs, before and after."""

from __future__ import annotations

from dataclasses import replace

from eswitch.model.identifiers import MacAddress, PciAddress, derived_mac
from eswitch.model.observed import (
    EswitchState,
    LinkState,
    NicState,
    ObservedState,
    OvsBridge,
    OvsPort,
    SriovState,
    VfState,
)

PF = PciAddress("0000:07:00.0")
MAC = MacAddress("08:c0:eb:32:98:11")


def spec(count: int) -> str:
    return f"""\
version: 1
nics:
  cx6:
    match: {{mac: "{MAC}"}}
    vfs: {count}
bridges:
  vmbr2:
    ports: [cx6]
"""


def with_vfs(start: ObservedState, count: int) -> ObservedState:
    """The host of `start` once `spec(count)` was applied."""
    vfs = tuple(
        VfState(
            index,
            PciAddress(f"0000:07:{(index + 1) // 8:02x}.{(index + 1) % 8}"),
            mac=derived_mac(MAC, index),
            representor=f"enp7s0f0r{index}",
            devlink_port=f"pci/{PF}/{index + 1}",
        )
        for index in range(count)
    )
    nic = replace(
        start.nics[0],
        sriov=SriovState(128, count, autoprobe=False),
        eswitch=EswitchState("switchdev", "none", "basic"),
        vfs=vfs,
    )
    assert isinstance(nic, NicState)
    names = [start.nics[0].netdev or "", *(vf.representor or "" for vf in vfs)]
    owners = [f"{PF}/uplink", *(f"{PF}/vf{vf.index}" for vf in vfs)]
    local = OvsPort("vmbr2", type="internal", ofport=65534)
    ports = [OvsPort(n, external_ids={"eswitch": o}) for n, o in zip(names, owners, strict=True)]
    bridge = OvsBridge("vmbr2", (local, *ports), external_ids={"eswitch": "bridge"})
    links = tuple(
        LinkState(name, number, None, up=True, carrier=True, mtu=1500)
        for number, name in enumerate([*names, "vmbr2"], 2)
    )
    ovs = replace(start.ovs, other_config={"hw-offload": "true"}, bridges=(bridge,))
    return replace(start, nics=(nic,), links=links, ovs=ovs)
