"""Stage `bridge` (the recipe's 配置OVS): bridges, their ports, offload, addresses and routes."""

from .openvswitch import NAME, plan

__all__ = ["NAME", "plan"]
