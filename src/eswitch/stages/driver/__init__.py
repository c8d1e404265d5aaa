"""Stage `driver` (the recipe's 安装MLNX驱动): a driver that is there, loaded, and can offload.

The kernel's own driver is the default: every Proxmox kernel from VE 8 on has one that is new enough
(facts 0). An archive of NVIDIA's is installed only where the spec names one, and beside the
driver that runs: what runs goes on until the next boot.
"""

from .kernel import plan, questions

__all__ = ["plan", "questions"]
