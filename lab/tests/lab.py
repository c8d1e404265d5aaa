"""What the lab's tests share: the NICs of this guest machine, its namespaces, and patience.

Lab "guests" are network namespaces that own a VF's interface; another one owns the wire.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 120.0
"""Seconds that a condition may take on a slow, emulated machine."""

RECIPE_MAC = "08:c0:eb:32:98:11"


def run(*argv: str, input: str | None = None, ok: tuple[int, ...] = (0,)) -> str:
    """Run a program and return what it printed; fails loudly with both streams."""
    done = subprocess.run(argv, input=input, capture_output=True, text=True, check=False)
    assert done.returncode in ok, (
        f"{' '.join(argv)}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
    )
    return done.stdout


def wait_until(
    condition: Callable[[], object], what: str, patience: float = PATIENCE, pause: float = 0.1
) -> None:
    """Look again and again until the condition holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {what}"
        time.sleep(pause)


@dataclass(frozen=True)
class Answer:
    """How one eswitch command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)


def eswitch(*args: str, input: str | None = None, env: dict[str, str] | None = None) -> Answer:
    """Run the real program as an administrator would."""
    done = subprocess.run(
        ["eswitch", *args],
        input=input if input is not None else "",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def apply(spec: str, *args: str, status: int = 0) -> Answer:
    """`eswitch apply --yes` of a spec given as text."""
    answer = eswitch("apply", "--yes", *args, "-", input=spec)
    assert answer.status == status, f"status {answer.status}\n{answer.out}\n{answer.err}"
    return answer


@dataclass(frozen=True)
class Nic:
    """One of the lab's NICs."""

    pci: str

    @property
    def sysfs(self) -> Path:
        return Path("/sys/bus/pci/devices") / self.pci

    @property
    def debug(self) -> Path:
        return Path("/sys/kernel/debug/eswitchsim") / self.pci

    @property
    def uplink(self) -> str:
        for netdev in (self.sysfs / "net").iterdir():
            if (netdev / "phys_port_name").read_text().strip() == "p0":
                return netdev.name
        raise AssertionError(f"{self.pci} has no uplink")

    @property
    def mac(self) -> str:
        return (self.sysfs / "net" / self.uplink / "address").read_text().strip()

    @property
    def wire(self) -> str:
        return f"wire{nics().index(self)}"

    @property
    def mode(self) -> str:
        out = json.loads(run("devlink", "-j", "dev", "eswitch", "show", f"pci/{self.pci}"))
        return out["dev"][f"pci/{self.pci}"]["mode"]

    @property
    def vfs(self) -> int:
        return int((self.sysfs / "sriov_numvfs").read_text())

    def ports(self) -> dict[int, dict]:
        """The devlink ports of its VFs by VF index."""
        ports = json.loads(run("devlink", "-j", "port", "show"))["port"]
        return {
            port["vfnum"]: {**port, "name": name}
            for name, port in ports.items()
            if name.startswith(f"pci/{self.pci}/") and port["flavour"] == "pcivf"
        }

    def representor(self, vf: int) -> str:
        return self.ports()[vf]["netdev"]

    def vf_netdev(self, vf: int) -> str:
        """The VF's own interface; it must be in this namespace."""
        folder = self.sysfs / f"virtfn{vf}" / "net"
        wait_until(lambda: folder.is_dir() and any(folder.iterdir()), f"netdev of VF {vf}")
        run("udevadm", "settle")
        return next(folder.iterdir()).name

    def fault(self, name: str, value: int) -> None:
        (self.debug / name).write_text(f"{value}\n")


def nics() -> list[Nic]:
    """The lab's PFs by PCI address."""
    folder = Path("/sys/bus/pci/drivers/eswitchsim")
    found = [path for path in sorted(folder.iterdir()) if (path / "sriov_numvfs").exists()]
    return [Nic(path.name) for path in found]


@dataclass
class Guest:
    """A namespace with one interface, standing for a VM, a container or the outside network."""

    name: str
    address: str
    netdev: str = ""
    processes: list[subprocess.Popen] = field(default_factory=list)

    def take(self, netdev: str) -> Guest:
        """Create the namespace and move the interface there."""
        run("ip", "netns", "add", self.name)
        run("ip", "link", "set", netdev, "netns", self.name)
        self.netdev = netdev
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "addr", "add", self.address, "dev", netdev, "nodad") if ":" in (
            self.address
        ) else self.run("ip", "addr", "add", self.address, "dev", netdev)
        self.run("ip", "link", "set", netdev, "up")
        return self

    @property
    def ip(self) -> str:
        return self.address.partition("/")[0]

    def run(self, *argv: str, ok: tuple[int, ...] = (0,)) -> str:
        return run("ip", "netns", "exec", self.name, *argv, ok=ok)

    def reaches(self, other: Guest | str, count: int = 1) -> bool:
        address = other if isinstance(other, str) else other.ip
        argv = ("ping", "-c", str(count), "-i", "0.2", "-W", "1", address)
        done = subprocess.run(
            ["ip", "netns", "exec", self.name, *argv], capture_output=True, check=False
        )
        return done.returncode == 0

    def wait_for(self, other: Guest | str) -> None:
        wait_until(lambda: self.reaches(other), f"{self.name} reaches {other}")

    def start(self, *argv: str) -> subprocess.Popen:
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, *argv],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def iperf3(self, other: Guest, *options: str) -> dict:
        """Run iperf3 against `other`; returns its JSON result."""
        server = other.start("iperf3", "-s", "-1", "-B", other.ip)
        argv = ("iperf3", "-J", "-c", other.ip, "--connect-timeout", "5000", *options)
        result: dict = {}

        def connected() -> bool:
            result.clear()
            result.update(json.loads(self.run(*argv, ok=(0, 1))))
            if "error" in result and server.poll() is not None:
                raise AssertionError(result["error"])
            return "error" not in result

        wait_until(connected, f"iperf3 from {self.name} to {other.name}")
        server.wait(timeout=PATIENCE)
        return result

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        run("ip", "netns", "del", self.name, ok=(0, 1))


def cpu_hits(netdev: str) -> int:
    """Packets that a representor received or sent in software (IFLA_OFFLOAD_XSTATS_CPU_HIT)."""
    argv = ("ip", "-j", "stats", "show", "dev", netdev, "group", "offload", "subgroup", "cpu_hit")
    stats = json.loads(run(*argv))[0]["stats64"]
    return stats["rx"]["packets"] + stats["tx"]["packets"]


def datapath_flows() -> list[str]:
    return run("ovs-appctl", "dpctl/dump-flows", "-m", "--names").splitlines()


def reset() -> None:
    """The machine as it booted: no namespaces, bridges, VFs, faults, and nothing of eswitch's."""
    for line in run("ip", "netns", "list").splitlines():
        run("ip", "netns", "del", line.split()[0])
    run("systemctl", "start", "openvswitch-switch")
    for bridge in run("ovs-vsctl", "list-br").split():
        run("ovs-vsctl", "--if-exists", "del-br", bridge)
    run("ovs-vsctl", "clear", "Open_vSwitch", ".", "other_config")
    for nic in nics():
        for fault in ("fail_sriov", "max_vfs_created", "sriov_delay_ms", "refuse_flows"):
            nic.fault(fault, 0)
        for fault in ("max_flows", "fail_mode"):
            nic.fault(fault, 0)
        run("ip", "addr", "flush", "dev", nic.uplink)
        run("ip", "link", "set", nic.uplink, "down")
        # Interfaces of a deleted namespace come back asynchronously, and hold their VF until then.
        if nic.vfs:
            (nic.sysfs / "sriov_numvfs").write_text("0")
        # Open vSwitch leaves its qdisc behind, and that forbids a change of mode.
        run("tc", "qdisc", "del", "dev", nic.uplink, "ingress", ok=(0, 2))
        run("devlink", "dev", "eswitch", "set", f"pci/{nic.pci}", "mode", "legacy")
        (nic.sysfs / "sriov_drivers_autoprobe").write_text("1")
    run("udevadm", "settle")
    shutil.rmtree("/var/lib/eswitch", ignore_errors=True)


def fresh_machine() -> Iterator[list[Nic]]:
    """Body of the `machine` fixture: a clean start, and the guests' ends."""
    reset()
    yield nics()
