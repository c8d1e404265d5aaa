"""Four ways to the same end: switchdev mode, N VFs with MACs, all ports in a bridge, links up.

The bare writes that nothing can avoid, the same with the customary wait for udev, `eswitch apply`,
and the recipe typed one line at a time. The end state is checked after each: a run that did not
reach it is no measurement.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from host import run, wait_until
from nic import Nic

BRIDGE = "vmbr2"
SPEC = Path("/root/bench.yaml")


@dataclass(frozen=True)
class Task:
    """So many VFs on one NIC. `prefix` is what the names of its representors begin with."""

    nic: Nic
    vfs: int
    uplink: str
    prefix: str

    @property
    def device(self) -> str:
        return self.nic.handle

    @property
    def representors(self) -> list[str]:
        return [f"{self.prefix}{vf}" for vf in range(self.vfs)]

    @property
    def macs(self) -> list[str]:
        return [f"02:00:00:00:01:{vf:02x}" for vf in range(self.vfs)]

    @property
    def spec(self) -> str:
        """For eswitch: the same as the other two ways do by hand."""
        vfs = "".join(f'      - {{mac: "{mac}"}}\n' for mac in self.macs)
        return (
            f'version: 1\nnics:\n  cx6:\n    match: {{pci: "{self.nic.pci}"}}\n    vfs:\n{vfs}'
            f"bridges:\n  {BRIDGE}:\n    ports: [cx6]\n"
        )


class WrongState(AssertionError):
    """A way did not end where it should."""


def bare(task: Task) -> None:
    """As few writes and processes as do it, by one who knows all names beforehand: then nothing
    of udev's work has to be waited for but that they are there."""

    def named() -> bool:
        return all(os.path.exists(f"/sys/class/net/{name}") for name in task.representors)

    write_bare(task, lambda: wait_until(named, "the representors have names", pause=0.02))


def settled(task: Task) -> None:
    """The same, waiting for all of udev, as scripts do."""
    write_bare(task, lambda: run("udevadm", "settle", "--timeout=180"))


def write_bare(task: Task, wait: Callable[[], object]) -> None:
    """The writes, with one wait after the VFs were made."""
    write(task, "sriov_drivers_autoprobe", "0")
    run("devlink", "dev", "eswitch", "set", task.device, "mode", "switchdev")
    write(task, "sriov_numvfs", str(task.vfs))
    wait()
    write(task, "sriov_drivers_autoprobe", "1")
    macs = (
        f"port function set {task.device}/{port} hw_addr {mac}\n"
        for port, mac in enumerate(task.macs, start=1)
    )
    run("devlink", "--batch", "-", input="".join(macs))
    ports = [word for name in task.representors for word in ("--", "add-port", BRIDGE, name)]
    run(
        "ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:hw-offload=true",
        "--", "add-br", BRIDGE, "--", "add-port", BRIDGE, task.uplink, *ports,
    )  # fmt: skip
    names = (task.uplink, *task.representors, BRIDGE)
    run("ip", "-batch", "-", input="".join(f"link set {name} up\n" for name in names))


def apply(task: Task) -> None:
    """A cold process, as an administrator starts it."""
    run("eswitch", "apply", "--yes", str(SPEC), timeout=None)


def recipe(task: Task) -> None:
    """The recipe's commands one after the other, in one shell (it types faster than a person).

    It lets the host's driver probe the VFs, as the recipe does; they stay bound to it.
    """
    vf_macs = (f"ip link set {task.uplink} vf {vf} mac {mac}" for vf, mac in enumerate(task.macs))
    names = (task.uplink, *task.representors)
    lines = [
        "set -e",
        f"devlink dev eswitch set {task.device} mode switchdev",
        f"echo {task.vfs} > {task.nic.sysfs}/sriov_numvfs",
        "udevadm settle",
        f"ethtool -K {task.uplink} hw-tc-offload on",
        "ovs-vsctl set Open_vSwitch . other_config:hw-offload=true",
        f"ovs-vsctl add-br {BRIDGE}",
        *(f"ovs-vsctl add-port {BRIDGE} {name}" for name in names),
        *(f"ip link set dev {name} up" for name in (*names, BRIDGE)),
        *vf_macs,
    ]
    run("sh", "-s", input="\n".join(lines) + "\n", timeout=None)


WAYS: dict[str, Callable[[Task], None]] = {
    "bare": bare,
    "settled": settled,
    "apply": apply,
    "recipe": recipe,
}


def write(task: Task, attribute: str, value: str) -> None:
    (task.nic.sysfs / attribute).write_text(value)


def check(task: Task, way: str) -> None:
    """Raises WrongState unless mode, VFs, MACs, ports and links are what was asked for."""
    ports = task.nic.vf_ports()
    links = json.loads(run("ip", "-j", "link", "show"))
    up = {link["ifname"] for link in links if "UP" in link["flags"]}
    names = {task.uplink, *task.representors}
    found = {
        "mode": (task.nic.mode, "switchdev"),
        "VFs": (task.nic.numvfs, task.vfs),
        "MACs": ([ports[vf]["function"]["hw_addr"] for vf in sorted(ports)], task.macs),
        "representors": ([ports[vf]["netdev"] for vf in sorted(ports)], task.representors),
        "ports": (set(run("ovs-vsctl", "list-ports", BRIDGE).split()), names),
        "links up": (up & {*names, BRIDGE}, {*names, BRIDGE}),
        "errors": (run("ovs-vsctl", "--bare", "--columns=error", "list", "Interface").split(), []),
        "hw-offload": (
            run("ovs-vsctl", "get", "Open_vSwitch", ".", "other_config:hw-offload").strip(),
            '"true"',
        ),
    }  # fmt: skip
    for what, (is_, wanted) in found.items():
        if is_ != wanted:
            raise WrongState(f"{way}, {task.vfs} VFs: {what} is {is_}, not {wanted}")


def undo(task: Task) -> None:
    """Back to the start: no bridge, no VFs, legacy mode, links down. Not timed."""
    run("ovs-vsctl", "--if-exists", "del-br", BRIDGE)
    run("ovs-vsctl", "remove", "Open_vSwitch", ".", "other_config", "hw-offload")
    if task.nic.numvfs:
        write(task, "sriov_numvfs", "0")
    # Open vSwitch leaves it behind, and while it is there the mode cannot change.
    qdisc = ["tc", "qdisc", "del", "dev", task.uplink, "ingress"]
    subprocess.run(qdisc, capture_output=True, check=False)
    run("devlink", "dev", "eswitch", "set", task.device, "mode", "legacy")
    write(task, "sriov_drivers_autoprobe", "1")
    run("ip", "link", "set", task.uplink, "down")
    run("udevadm", "settle", "--timeout=180")
    subprocess.run(["rm", "-rf", "/var/lib/eswitch"], check=True)


def prefix_of_representors(nic: Nic) -> str:
    """Make one VF to see how udev calls its representor: that of VF 0, without the 0."""
    run("devlink", "dev", "eswitch", "set", nic.handle, "mode", "switchdev")
    (nic.sysfs / "sriov_numvfs").write_text("1")
    run("udevadm", "settle")
    name = nic.representor(0)
    (nic.sysfs / "sriov_numvfs").write_text("0")
    run("devlink", "dev", "eswitch", "set", nic.handle, "mode", "legacy")
    if not name.endswith("0"):
        raise WrongState(f"VF 0's representor is called {name}")
    return name[:-1]
