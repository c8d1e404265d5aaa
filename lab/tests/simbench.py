"""Guests for the eswitchsim tests: network namespaces that own a VF netdev or the wire."""

from __future__ import annotations

from dataclasses import dataclass

from simhost import DRIVER, Nic, batch, fails, run, run_json, settle, wait_until


@dataclass(frozen=True)
class Guest:
    """A network namespace that owns one netdev: a VF's, or the wire."""

    name: str
    netdev: str
    mac: str

    def run(self, *argv: str, check: bool = True) -> str:
        return run("ip", "netns", "exec", self.name, *argv, check=check)

    def fails(self, *argv: str) -> str:
        return fails("ip", "netns", "exec", self.name, *argv)

    def has_carrier(self) -> bool:
        link = run_json("ip", "-n", self.name, "-j", "link", "show", self.netdev)[0]
        return "LOWER_UP" in link["flags"]

    def wait_carrier(self, up: bool = True) -> None:
        wait_until(f"{self.netdev} carrier {up}", lambda: self.has_carrier() == up)


def make_guest(name: str, netdev: str, *addresses: str) -> Guest:
    """Move a netdev into a new namespace, give it addresses without waiting for DAD, set it up."""
    batch("ip", [f"netns add {name}", f"link set {netdev} netns {name}"])
    batch(
        "ip",
        [
            f"addr add {address} dev {netdev} nodad"
            if ":" in address
            else f"addr add {address} dev {netdev}"
            for address in addresses
        ]
        + [f"link set {netdev} up"],
        "-n",
        name,
    )
    mac = run_json("ip", "-n", name, "-j", "link", "show", netdev)[0]["address"]
    return Guest(name, netdev, mac)


@dataclass(frozen=True)
class Bench:
    """A NIC in switchdev mode, all links up, and guests on its VFs and its wire."""

    nic: Nic
    vfs: list[Guest]
    outside: Guest
    reps: list[str]


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
    batch("ip", [f"link set {name} up" for name in (nic.pf, *reps)])
    vfs = [
        make_guest(f"g{vf}", nic.vf_netdev(vf), f"10.0.0.{vf + 1}/24", f"fd00::{vf + 1}/64")
        for vf in range(count)
    ]
    outside = make_guest("w", nic.wire, "10.0.0.100/24", "fd00::100/64")
    for guest in (*vfs, outside):
        guest.wait_carrier()
    return Bench(nic, vfs, outside, reps)
