"""Guests: network namespaces that own a VF's interface or the wire."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from host import PATIENCE, batch, fails, run, run_json, wait_until


@dataclass
class Guest:
    """A namespace with one interface, standing for a VM, a container or the outside network."""

    name: str
    netdev: str
    addresses: tuple[str, ...] = ()
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def ip(self) -> str:
        """Its first address, without the length of the prefix."""
        return self.addresses[0].partition("/")[0]

    @cached_property
    def mac(self) -> str:
        return str(self._link()["address"])

    def _link(self) -> dict[str, Any]:
        return dict(run_json("ip", "-n", self.name, "-j", "link", "show", self.netdev)[0])

    def inside(self, *argv: str) -> list[str]:
        """The command that runs a command there."""
        return ["ip", "netns", "exec", self.name, *argv]

    def run(self, *argv: str, ok: Container[int] = (0,)) -> str:
        return run(*self.inside(*argv), ok=ok)

    def fails(self, *argv: str) -> str:
        return fails(*self.inside(*argv))

    def has_carrier(self) -> bool:
        return "LOWER_UP" in self._link()["flags"]

    def wait_carrier(self, up: bool = True) -> None:
        wait_until(lambda: self.has_carrier() == up, f"{self.netdev} carrier {up}")

    def reaches(self, other: Guest | str, count: int = 1) -> bool:
        address = other if isinstance(other, str) else other.ip
        argv = self.inside("ping", "-c", str(count), "-i", "0.2", "-W", "1", address)
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    def wait_for(self, other: Guest | str) -> None:
        wait_until(lambda: self.reaches(other), f"{self.name} reaches {other}")

    def start(self, *argv: str) -> subprocess.Popen[bytes]:
        """Something that runs there until it ends, or until close()."""
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(self.inside(*argv), stdout=quiet, stderr=quiet)
        self.processes.append(process)
        return process

    def iperf3(self, other: Guest, *options: str) -> dict[str, Any]:
        """Run iperf3 against `other`; returns its JSON result."""
        server = other.start("iperf3", "-s", "-1", "-B", other.ip)
        argv = ("iperf3", "-J", "-c", other.ip, "--connect-timeout", "5000", *options)

        def connected() -> dict[str, Any] | None:
            result = dict(json.loads(self.run(*argv, ok=(0, 1))))
            if "error" in result and server.poll() is not None:
                raise AssertionError(result["error"])
            return None if "error" in result else result

        result = wait_until(connected, f"iperf3 from {self.name} to {other.name}")
        server.wait(timeout=PATIENCE)
        return result

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        run("ip", "netns", "del", self.name, ok=(0, 1))


MakeGuest = Callable[[str, str, str], Guest]
"""The `guest` fixture: guest(name, netdev, address)."""


def make_guest(name: str, netdev: str, *addresses: str) -> Guest:
    """Move a netdev into a new namespace, give it addresses without waiting for DAD, set it up."""
    batch("ip", [f"netns add {name}", f"link set {netdev} netns {name}"])
    lines = [
        f"addr add {address} dev {netdev}" + (" nodad" if ":" in address else "")
        for address in addresses
    ]
    batch("ip", ["link set lo up", *lines, f"link set {netdev} up"], "-n", name)
    return Guest(name, netdev, addresses)
