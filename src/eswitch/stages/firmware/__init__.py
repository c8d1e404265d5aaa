"""Stage `firmware` (the recipe's 启动固件SRIOV): the NIC offers enough VFs."""

from .offering import plan, questions

__all__ = ["plan", "questions"]
