"""The virtual NICs of the machine under test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host import run, run_json, settle, wait_until

MODULE = "eswitchsim"
DRIVER = Path("/sys/bus/pci/drivers") / MODULE
FAULTS = (
    "fail_sriov",
    "max_vfs_created",
    "sriov_delay_ms",
    "refuse_flows",
    "max_flows",
    "fail_mode",
    "fail_reps",
)
#: Column of /sys/kernel/debug/eswitchsim/*/counters -> value, of one port.
Counters = dict[str, int]


@dataclass(frozen=True)
class Nic:
    """One physical function bound to eswitchsim."""

    pci: str

    @property
    def sysfs(self) -> Path:
        return Path("/sys/bus/pci/devices") / self.pci

    @property
    def debugfs(self) -> Path:
        return Path("/sys/kernel/debug") / MODULE / self.pci

    @property
    def handle(self) -> str:
        """What devlink calls it."""
        return f"pci/{self.pci}"

    @property
    def uplink(self) -> str:
        """Name of the PF netdev, the one with phys_port_name p0."""
        for entry in (self.sysfs / "net").iterdir():
            if (entry / "phys_port_name").read_text().strip() == "p0":
                return entry.name
        raise AssertionError(f"{self.pci} has no uplink in this namespace")

    @property
    def mac(self) -> str:
        return (self.sysfs / "net" / self.uplink / "address").read_text().strip()

    @property
    def switch_id(self) -> str:
        return Path(f"/sys/class/net/{self.uplink}/phys_switch_id").read_text().strip()

    @property
    def wire(self) -> str:
        """Name of the far end of its cable: numbered in the order of PCI addresses."""
        return f"wire{nics().index(self)}"

    @property
    def numvfs(self) -> int:
        return int((self.sysfs / "sriov_numvfs").read_text())

    @property
    def totalvfs(self) -> int:
        return int((self.sysfs / "sriov_totalvfs").read_text())

    @property
    def mode(self) -> str:
        return self.eswitch()["mode"]

    def eswitch(self) -> dict[str, str]:
        """`devlink dev eswitch show` as keys and values."""
        shown = run_json("devlink", "-j", "dev", "eswitch", "show", self.handle)
        return dict(shown["dev"][self.handle])

    def set_numvfs(self, count: int) -> None:
        """Write sriov_numvfs, raising OSError as the kernel does, and let udev settle."""
        (self.sysfs / "sriov_numvfs").write_text(str(count))
        settle()

    def set_autoprobe(self, on: bool) -> None:
        (self.sysfs / "sriov_drivers_autoprobe").write_text(str(int(on)))

    def set_mode(self, mode: str) -> None:
        run("devlink", "dev", "eswitch", "set", self.handle, "mode", mode)
        settle()

    def set_fault(self, name: str, value: int) -> None:
        (self.debugfs / name).write_text(f"{value}\n")

    def vf_pci(self, vf: int) -> str:
        return (self.sysfs / f"virtfn{vf}").resolve().name

    def vf_bind(self, vf: int) -> None:
        (DRIVER / "bind").write_text(self.vf_pci(vf))
        settle()

    def vf_unbind(self, vf: int) -> None:
        (DRIVER / "unbind").write_text(self.vf_pci(vf))

    def vf_netdev(self, vf: int) -> str:
        """Name of the VF's netdev, which must be there, and in the initial namespace."""
        return next((self.sysfs / f"virtfn{vf}" / "net").iterdir()).name

    def wait_vf_netdev(self, vf: int) -> str:
        """The same, once it is there and udev has named it."""
        folder = self.sysfs / f"virtfn{vf}" / "net"
        wait_until(lambda: folder.is_dir() and any(folder.iterdir()), f"netdev of VF {vf}")
        settle()
        return self.vf_netdev(vf)

    def ports(self) -> dict[str, dict[str, Any]]:
        """The devlink ports of the PF by their index."""
        shown = run_json("devlink", "-j", "port", "show")["port"]
        return {
            name.rsplit("/", 1)[1]: port
            for name, port in shown.items()
            if name.rsplit("/", 1)[0] == self.handle
        }

    def vf_ports(self) -> dict[int, dict[str, Any]]:
        """Those of its VFs by VF index; in switchdev mode only."""
        every = self.ports().values()
        return {port["vfnum"]: port for port in every if port["flavour"] == "pcivf"}

    def representor(self, vf: int) -> str:
        """Name of the netdev that is a VF's representor."""
        return str(self.vf_ports()[vf]["netdev"])

    def link_vf(self, vf: int) -> dict[str, Any]:
        """What `ip link show PF` says of a VF."""
        shown = run_json("ip", "-j", "link", "show", self.uplink)
        return dict(shown[0]["vfinfo_list"][vf])

    def counters(self) -> dict[str, Counters]:
        """The module's counters by port: p0, vf0, ..."""
        lines = (self.debugfs / "counters").read_text().splitlines()
        names = lines[0].split()[1:]
        return {
            line.split()[0]: dict(zip(names, map(int, line.split()[1:]), strict=True))
            for line in lines[1:]
        }

    def n_rules(self) -> int:
        return int((self.debugfs / "rules").read_text().split()[1])


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


def cpu_hits(netdev: str, directions: tuple[str, ...] = ("rx", "tx")) -> int:
    """Packets that a representor received or sent in software (IFLA_OFFLOAD_XSTATS_CPU_HIT)."""
    argv = ("ip", "-j", "stats", "show", "dev", netdev, "group", "offload", "subgroup", "cpu_hit")
    stats = run_json(*argv)[0]["stats64"]
    return sum(int(stats[direction]["packets"]) for direction in directions)
