"""A NIC with guests at all of its ends, as most tests of the module want it."""

from __future__ import annotations

from dataclasses import dataclass

from guest import Guest, make_guest
from host import batch, run, settle
from nic import DRIVER, Nic


@dataclass(frozen=True)
class Bench:
    """A NIC in switchdev mode, all links up, and guests on its VFs and its wire."""

    nic: Nic
    vfs: list[Guest]
    outside: Guest
    reps: list[str]
    """The representors of the VFs."""


def vf_mac(vf: int) -> str:
    return f"52:54:00:00:00:{vf + 1:02x}"


def make_bench(nic: Nic, count: int = 2) -> Bench:
    """`count` VFs as guests g0, g1, ... (10.0.0.1 and up), the wire as guest w (10.0.0.100)."""
    nic.set_mode("switchdev")
    nic.set_autoprobe(False)
    nic.set_numvfs(count)
    # Off, it forbids even a bind by hand (pci_device_can_probe()).
    nic.set_autoprobe(True)
    for vf in range(count):
        run("devlink", "port", "function", "set", f"{nic.handle}/{vf + 1}", "hw_addr", vf_mac(vf))
        (DRIVER / "bind").write_text(nic.vf_pci(vf))
    settle()
    ports = nic.ports()
    reps = [str(ports[str(vf + 1)]["netdev"]) for vf in range(count)]
    batch("ip", [f"link set {name} up" for name in (nic.uplink, *reps)])
    vfs = [
        make_guest(f"g{vf}", nic.vf_netdev(vf), f"10.0.0.{vf + 1}/24", f"fd00::{vf + 1}/64")
        for vf in range(count)
    ]
    outside = make_guest("w", nic.wire, "10.0.0.100/24", "fd00::100/64")
    for guest in (*vfs, outside):
        guest.wait_carrier()
    return Bench(nic, vfs, outside, reps)
