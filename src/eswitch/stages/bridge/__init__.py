"""Stage `bridge` (the recipe's 配置OVS): bridges, their ports, offload, addresses and routes."""

from .openvswitch import plan

__all__ = ["plan"]
