"""Stage `eswitch` (the recipe's 配置SRIOV): the mode and the number of VFs, then each VF."""

from .mode import plan

__all__ = ["plan"]
