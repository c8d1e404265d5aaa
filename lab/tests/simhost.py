"""What the eswitchsim tests share: the host under test, its NICs, namespaces and waiting.

Runs as root inside the guest with nothing but the standard library, pytest and Debian's tools.
Everything here drives the kernel by the commands an administrator types; nothing of the
``eswitch`` program is used, so that these tests judge the module alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
MODULE = "eswitchsim"
DEBUGFS = Path("/sys/kernel/debug") / MODULE
DRIVER = Path("/sys/bus/pci/drivers") / MODULE
CLONE_NEWNET = 0x40000000
#: Seconds. Generous, as the guest may run without KVM on a busy machine.
DEADLINE = 60.0
FAULTS = (
    "fail_sriov",
    "max_vfs_created",
    "sriov_delay_ms",
    "refuse_flows",
    "max_flows",
    "fail_mode",
)
#: A NIC as it boots, by the keys of `devlink dev eswitch`, in the order to restore them.
FRESH_ESWITCH = {"inline-mode": "none", "encap-mode": "basic", "mode": "legacy"}
#: Column of /sys/kernel/debug/eswitchsim/*/counters -> value, of one port.
Counters = dict[str, int]


def run(*argv: str, check: bool = True, timeout: float = DEADLINE) -> str:
    """Run a command and return its standard output and error, mixed.

    Raises AssertionError with all of the output if it fails and `check` is set.
    """
    done = subprocess.run(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check:
        assert done.returncode == 0, f"{' '.join(argv)} -> {done.returncode}\n{done.stdout}"
    return done.stdout


def fails(*argv: str) -> str:
    """Run a command that must fail; return what it said."""
    done = subprocess.run(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode != 0, f"{' '.join(argv)} should fail, but said:\n{done.stdout}"
    return done.stdout


def run_json(*argv: str) -> Any:  # noqa: ANN401 - JSON of many shapes
    """Run a command that prints JSON; no output counts as an empty list."""
    return json.loads(run(*argv) or "[]")


def batch(tool: str, lines: list[str], *options: str) -> None:
    """Give `ip` or `tc` many lines at once; AssertionError if one of them fails."""
    done = subprocess.run(
        [tool, *options, "-batch", "-"],
        input="\n".join(lines) + "\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def wait_until(what: str, condition: Callable[[], T], deadline: float = DEADLINE) -> T:
    """Wait until `condition` is true; return its value.

    Raises AssertionError naming `what` after `deadline` seconds.
    """
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {deadline:.0f} s: {what}"
        time.sleep(0.02)


def settle() -> None:
    """Wait until udev has named all netdevs."""
    run("udevadm", "settle", "--timeout=240", timeout=250)


def _setns(fd: int) -> None:
    """setns(2) into a network namespace; os.setns() is there from Python 3.12 on only."""
    if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def in_netns(name: str) -> Iterator[None]:
    """Be in a network namespace for a while, to open a socket there."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _setns(there)
        yield
    finally:
        _setns(home)
        os.close(there)
        os.close(home)


def netns_names() -> list[str]:
    """Names of all network namespaces that `ip netns` knows."""
    return [entry["name"] for entry in run_json("ip", "-j", "netns")]


class KernelLog:
    """What the kernel has logged since a mark, warnings above all."""

    #: A level of "warn" alone is no fault: the module itself warns of refused flows.
    BAD = (
        "WARNING:",
        "BUG:",
        "Call Trace",
        "refcount",
        "Oops",
        "unregister_netdevice: waiting",
        "possible recursive locking",
        "INFO: task",
        "rcu_sched",
        "Kernel panic",
    )

    def __init__(self) -> None:
        self._seen = len(self._lines())

    @staticmethod
    def _lines() -> list[str]:
        return run("dmesg").splitlines()

    def since(self) -> list[str]:
        """Lines since this object was made."""
        return self._lines()[self._seen :]

    def has(self, text: str) -> bool:
        """Has a line with `text` come since?"""
        return any(text in line for line in self.since())

    def complaints(self) -> list[str]:
        """Lines since then that tell of a bug in the kernel or the module."""
        return [line for line in self.since() if any(bad in line for bad in self.BAD)]


@dataclass(frozen=True)
class Nic:
    """One physical function bound to eswitchsim."""

    pci: str

    @property
    def sysfs(self) -> Path:
        return Path("/sys/bus/pci/devices") / self.pci

    @property
    def handle(self) -> str:
        return f"pci/{self.pci}"

    @property
    def pf(self) -> str:
        """Name of the PF netdev, the one with phys_port_name p0."""
        for entry in (self.sysfs / "net").iterdir():
            if (entry / "phys_port_name").read_text().strip() == "p0":
                return entry.name
        raise AssertionError(f"{self.pci} has no PF netdev in this namespace")

    @property
    def switch_id(self) -> str:
        return Path(f"/sys/class/net/{self.pf}/phys_switch_id").read_text().strip()

    @property
    def index(self) -> int:
        """Which NIC of this host: 0, 1, ... in the order of PCI addresses."""
        return [nic.pci for nic in nics()].index(self.pci)

    @property
    def wire(self) -> str:
        return f"wire{self.index}"

    @property
    def numvfs(self) -> int:
        return int((self.sysfs / "sriov_numvfs").read_text())

    @property
    def totalvfs(self) -> int:
        return int((self.sysfs / "sriov_totalvfs").read_text())

    def set_numvfs(self, count: int) -> None:
        """Write sriov_numvfs, raising OSError as the kernel does, and let udev settle."""
        (self.sysfs / "sriov_numvfs").write_text(str(count))
        settle()

    def set_autoprobe(self, on: bool) -> None:
        (self.sysfs / "sriov_drivers_autoprobe").write_text(str(int(on)))

    def set_mode(self, mode: str) -> None:
        run("devlink", "dev", "eswitch", "set", self.handle, "mode", mode)
        settle()

    def eswitch(self) -> dict[str, str]:
        """`devlink dev eswitch show` as keys and values."""
        shown = run_json("devlink", "-j", "dev", "eswitch", "show", self.handle)
        return dict(shown["dev"][self.handle])

    def clear_faults(self) -> None:
        for fault in FAULTS:
            self.set_fault(fault, 0)

    def vf_pci(self, vf: int) -> str:
        return (self.sysfs / f"virtfn{vf}").resolve().name

    def vf_netdev(self, vf: int) -> str:
        """Name of the VF's netdev, in the initial namespace."""
        return next((self.sysfs / f"virtfn{vf}" / "net").iterdir()).name

    def vf_bind(self, vf: int) -> None:
        (DRIVER / "bind").write_text(self.vf_pci(vf))
        settle()

    def vf_unbind(self, vf: int) -> None:
        (DRIVER / "unbind").write_text(self.vf_pci(vf))

    def ports(self) -> dict[str, dict[str, Any]]:
        """devlink ports of the PF by their index."""
        shown = run_json("devlink", "-j", "port", "show")["port"]
        return {
            name.rsplit("/", 1)[1]: port
            for name, port in shown.items()
            if name.rsplit("/", 1)[0] == self.handle
        }

    def rep(self, vf: int) -> str:
        """Netdev name of a VF's representor."""
        return str(self.ports()[str(vf + 1)]["netdev"])

    def set_fault(self, name: str, value: int) -> None:
        (DEBUGFS / self.pci / name).write_text(str(value))

    def counters(self) -> dict[str, Counters]:
        """The module's counters by port: p0, vf0, ..."""
        lines = (DEBUGFS / self.pci / "counters").read_text().splitlines()
        names = lines[0].split()[1:]
        return {
            line.split()[0]: dict(zip(names, map(int, line.split()[1:]), strict=True))
            for line in lines[1:]
        }

    def n_rules(self) -> int:
        return int((DEBUGFS / self.pci / "rules").read_text().split()[1])

    def link_vf(self, vf: int) -> dict[str, Any]:
        """What `ip link show PF` says of a VF."""
        shown = run_json("ip", "-j", "link", "show", self.pf)
        return dict(shown[0]["vfinfo_list"][vf])


def nics() -> list[Nic]:
    """All PFs bound to the module, by PCI address."""
    return [
        Nic(path.name)
        for path in sorted(DRIVER.iterdir())
        if ":" in path.name and not (path / "physfn").exists()
    ]


def load_module() -> None:
    """Load the module if it is not, and wait for the PF netdevs' names."""
    if not DRIVER.exists():
        run("modprobe", "psample")
        run("modprobe", MODULE)
    settle()


def ovs_running() -> bool:
    return run("systemctl", "is-active", "openvswitch-switch", check=False).strip() == "active"


def reset() -> None:
    """Bring the host back to where it was after boot: no namespaces, bridges, VFs or faults.

    Reads first and writes only what differs: a guest without KVM starts few commands a second.
    """
    if ovs_running():
        for bridge in run("ovs-vsctl", "list-br").split():
            run("ovs-vsctl", "del-br", bridge)
    for name in netns_names():
        run("ip", "netns", "del", name)
    load_module()
    wait_until("PF and wire netdevs back from their namespaces", _uplinks_are_home)
    qdiscs = run_json("tc", "-j", "qdisc", "show")
    for nic in nics():
        nic.clear_faults()
        nic.set_autoprobe(True)
        if nic.numvfs:
            nic.set_numvfs(0)
        for qdisc in qdiscs:
            if qdisc["dev"] == nic.pf and qdisc["kind"] in ("clsact", "ingress"):
                run("tc", "qdisc", "del", "dev", nic.pf, qdisc["kind"])
        eswitch = nic.eswitch()
        for key, value in FRESH_ESWITCH.items():
            if eswitch[key] != value:
                run("devlink", "dev", "eswitch", "set", nic.handle, key, value)
    lines = [
        f"link set {name} down\naddr flush dev {name}"
        for nic in nics()
        for name in (nic.pf, nic.wire)
    ]
    batch("ip", lines)


def _uplinks_are_home() -> bool:
    here = {entry["ifname"] for entry in run_json("ip", "-j", "link")}
    return all(nic.wire in here and any((nic.sysfs / "net").iterdir()) for nic in nics())
