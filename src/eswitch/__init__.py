"""eswitch: an SR-IOV NIC as a hardware-offloaded virtual switch, and the proof that it is one."""

__version__ = "0.1.0"
