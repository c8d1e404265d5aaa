"""eswitch: turn an SR-IOV NIC into a hardware-offloaded virtual switch, and prove that it is one."""

__version__ = "0.1.0"
