"""Stage `firmware` (the recipe's 启动固件SRIOV): the NIC offers enough VFs."""

from .offering import NAME, plan, questions

__all__ = ["NAME", "plan", "questions"]
