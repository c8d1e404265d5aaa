"""Read the host once, as a value. Takes a handful of processes, however many VFs there are."""

from __future__ import annotations

from eswitch.host import Host
from eswitch.model.observed import ObservedState

from .answers import answer
from .iommu import read_iommu
from .kernel import read_kernel
from .links import read_network
from .modules import read_vfio
from .naming import names_to_come, unnamed
from .nic import read_nics
from .offload import add_tc_offload, read_tc_offload
from .ovs import read_ovs
from .session import read_session

__all__ = [
    "TOOLS",
    "answer",
    "names_to_come",
    "observe",
    "read_session",
    "read_tc_offload",
]

TOOLS = ("devlink", "ethtool", "ip", "ovs-appctl", "ovs-vsctl", "tc", "udevadm")
"""The programs that eswitch runs."""


def observe(host: Host) -> ObservedState:
    """Everything that planning looks at; two looks at an untouched host are equal.

    What cannot be read is `Unknown` with the reason; interfaces without a lasting name are left
    out. Raises HostError only where nothing could be
    said at all: `ip` fails, or /proc and /sys cannot be read. What takes time is left to `answer`.
    """
    network = read_network(host)
    fresh = unnamed(host, network.links)
    state = ObservedState(
        kernel=read_kernel(host),
        nics=read_nics(host, network, fresh),
        links=tuple(link for link in network.links if link.name not in fresh),
        routes=network.routes,
        ovs=read_ovs(host),
        session_addresses=read_session(host),
        missing_tools=tuple(tool for tool in TOOLS if host.which(tool) is None),
        iommu=read_iommu(host),
        vfio_loaded=read_vfio(host),
    )
    return add_tc_offload(host, state)
