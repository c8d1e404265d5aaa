"""Driver profiles: all that differs between NIC drivers, as data.

See facts 1.2 to 1.7 (mlx5) and facts 7 (the others). A new driver is a new row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .firmware import FirmwareWay


class Support(StrEnum):
    """How far eswitch may be trusted with a driver."""

    PROVEN = "proven"  # the lab has shown it, or it is what the lab's NIC is modelled on
    DOCUMENTED = "documented"  # order and names from documents; not seen on the real thing
    IMPOSSIBLE = "impossible"  # legacy SR-IOV only: no e-switch that software can program


class ModeChange(StrEnum):
    """When the e-switch mode may change."""

    WITHOUT_VFS = "without VFs"  # remove all VFs first, create them afterwards
    ANY_TIME = "any time"
    FIXED = "fixed"  # representors always exist; there is no mode to set


class MacTool(StrEnum):
    """How a VF's admin MAC is set in switchdev mode."""

    DEVLINK = "devlink port function set hw_addr"
    IP_LINK = "ip link set vf mac"


@dataclass(frozen=True, slots=True)
class DriverProfile:
    """One PF driver.

    `vf_driver` is what binds its VFs, `offload_options` the kernel configuration options (any of
    =y or =m) without which the driver has no flow offload, `remark` what a user should know.
    `devices` are the PCI IDs (`15b3:101d`) of its PFs, by which a NIC is known while no driver is
    bound, `pci_class` what their class begins with. `firmware` are the programs that set up SR-IOV
    in the NIC's firmware, best first; empty where that is done in the BIOS or needs nothing.
    `archive` is whether NVIDIA's archives hold this driver (the spec's `driver`).
    """

    name: str
    title: str
    support: Support
    remark: str = ""
    mode_change: ModeChange = ModeChange.WITHOUT_VFS
    mac_tool: MacTool = MacTool.DEVLINK
    vf_driver: str = ""
    offload_options: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    pci_class: str = "0x02"
    firmware: tuple[FirmwareWay, ...] = ()
    archive: bool = False


COMMON = ("NET_SWITCHDEV", "NET_CLS_FLOWER", "NET_ACT_MIRRED", "NET_SCH_INGRESS")
"""Kernel options without which nobody offloads a flow through TC."""

_NO_ESWITCH = "legacy SR-IOV only: it has no programmable e-switch"

PROFILES: tuple[DriverProfile, ...] = (
    DriverProfile(
        "mlx5_core",
        "NVIDIA ConnectX-4 and later, BlueField",
        Support.PROVEN,
        vf_driver="mlx5_core",
        # MLX5_CLS_ACT depends on NET_TC_SKB_EXT from 6.12 on (facts 8.1): without it the
        # driver is built without flower, and nothing but this list says so.
        offload_options=(*COMMON, "MLX5_ESWITCH", "MLX5_CLS_ACT"),
        # ConnectX-4, 4 Lx, 5, 5 Ex, 6, 6 Dx, 6 Lx, 7, 8, BlueField-2 and 3 (facts 2.2).
        devices=tuple(
            f"15b3:{device}"
            for device in (
                *("1013", "1015", "1017", "1019", "101b", "101d", "101f", "1021", "1023"),
                *("a2d6", "a2dc"),
            )
        ),
        firmware=(FirmwareWay.MSTCONFIG, FirmwareWay.MLXCONFIG, FirmwareWay.DEVLINK),
        archive=True,
    ),
    DriverProfile(
        "eswitchsim",
        "the lab's virtual NIC",
        Support.PROVEN,
        vf_driver="eswitchsim",
        offload_options=COMMON,
        # It lives in the body of QEMU's NVMe controller.
        devices=("1b36:0010",),
        pci_class="0x0108",
        firmware=(FirmwareWay.MSTCONFIG,),
        archive=True,
    ),
    DriverProfile(
        "ice",
        "Intel E810",
        Support.DOCUMENTED,
        "needs its DDP package; the mode changes only while no VFs exist",
        mac_tool=MacTool.IP_LINK,
        vf_driver="iavf",
        offload_options=(*COMMON, "ICE_SWITCHDEV"),
    ),
    DriverProfile(
        "bnxt_en",
        "Broadcom NetXtreme-C/E",
        Support.DOCUMENTED,
        "needs firmware with flow offload (TruFlow) and a kernel of 6.4 or later",
        mode_change=ModeChange.ANY_TIME,
        mac_tool=MacTool.IP_LINK,
        vf_driver="bnxt_en",
        offload_options=(*COMMON, "BNXT_FLOWER_OFFLOAD"),
    ),
    DriverProfile(
        "nfp",
        "Netronome/Corigine Agilio",
        Support.DOCUMENTED,
        "needs the flower firmware application; representors always exist",
        mode_change=ModeChange.FIXED,
        mac_tool=MacTool.IP_LINK,
        vf_driver="nfp",
        offload_options=(*COMMON, "NFP_APP_FLOWER"),
    ),
    DriverProfile(
        "i40e",
        "Intel X710/XL710",
        Support.IMPOSSIBLE,
        "its representors are stubs: no flow can be offloaded",
    ),
    DriverProfile("igb", "Intel 82576/I350", Support.IMPOSSIBLE, _NO_ESWITCH),
    DriverProfile("ixgbe", "Intel 82599/X550", Support.IMPOSSIBLE, _NO_ESWITCH),
    DriverProfile("mlx4_core", "Mellanox ConnectX-3", Support.IMPOSSIBLE, _NO_ESWITCH),
)

_BY_NAME = {profile.name: profile for profile in PROFILES}
_BY_DEVICE = {device: profile for profile in PROFILES for device in profile.devices}


def profile_of(driver: str | None) -> DriverProfile | None:
    """The profile of a PF driver, or None if eswitch does not know that driver."""
    return _BY_NAME.get(driver or "")


def profile_of_device(vendor_device: str) -> DriverProfile | None:
    """The profile of the driver that a PF of that PCI ID wants, or None if it is not known."""
    return _BY_DEVICE.get(vendor_device)
