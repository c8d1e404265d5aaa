"""What differs between the drivers that the twin plays: one row each.

See facts 1.2 to 1.7 for mlx5, facts 7 for the others; the lab's module for eswitchsim. A driver
without a row has no SR-IOV switch, and no devlink instance (virtio_net, e1000e).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Traits:
    """`devlink` whether there is an instance, `eswitch` whether it answers about a mode.

    `vf_driver` binds the VFs, and has a devlink instance of its own with `vf_devlink`.
    `mode_over` is what must not exist when the mode changes to switchdev: "bound" VFs or any
    "vfs"; then `mode_refusal` is said with `mode_errno`. `function_mac` whether devlink sets a
    VF's MAC. `options` are the kernel options without which the driver offloads no flow.
    """

    name: str
    devlink: bool = True
    eswitch: bool = True
    vf_driver: str = ""
    vf_devlink: bool = True
    mode_over: str = "bound"
    mode_errno: int = 22  # EINVAL
    mode_refusal: str = "Failed setting eswitch to offloads."
    function_mac: bool = True
    uplink_port: int = 65535
    options: tuple[str, ...] = ("NET_SWITCHDEV", "NET_CLS_FLOWER", "NET_ACT_MIRRED")


_ROWS = (
    Traits("eswitchsim", vf_driver="eswitchsim"),
    Traits(
        "mlx5_core",
        vf_driver="mlx5_core",
        options=("NET_SWITCHDEV", "NET_CLS_FLOWER", "NET_ACT_MIRRED", "MLX5_CLS_ACT"),
    ),
    Traits(
        "ice",
        vf_driver="iavf",
        vf_devlink=False,
        mode_over="vfs",
        mode_errno=95,  # EOPNOTSUPP
        mode_refusal="Changing eswitch mode is allowed only if there is no VFs created",
        function_mac=False,
        uplink_port=0,
        options=("NET_SWITCHDEV", "NET_CLS_FLOWER", "NET_ACT_MIRRED", "ICE_SWITCHDEV"),
    ),
    Traits("i40e", eswitch=False, vf_driver="iavf", vf_devlink=False, uplink_port=0),
    Traits("igb", devlink=False, eswitch=False, vf_driver="igbvf", vf_devlink=False),
)
_BY_NAME = {row.name: row for row in _ROWS}
DRIVERS = tuple(_BY_NAME)
"""What may drive a NIC that has VFs."""
_NOTHING = Traits("", devlink=False, eswitch=False, vf_devlink=False)


def traits_of(driver: str | None) -> Traits:
    """The driver's row, or that of a plain network driver."""
    return _BY_NAME.get(driver or "", _NOTHING)
