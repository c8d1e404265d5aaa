"""/proc, /run, /boot and /dev as views of the machine; everything else is ordinary files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import NAMESPACE_OID, uuid5

from . import files, loader, modules, units, vswitch
from .boot import SELF, VSWITCHD_PID
from .state import Link, Process, State
from .sysfs import Sysfs
from .tree import Directory, File, Node, Symlink, computed, fixed, opaque, text

_FIRST_WRITE = 0.03
"""Seconds before the rename."""


class Root:
    """The whole tree of a machine: views first, then the files that somebody wrote."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.sysfs = Sysfs(state)

    def node(self) -> Directory:
        """The root directory."""
        views = {
            "sys": self.sysfs.root,
            "proc": self._proc,
            "boot": lambda: _merged(self._boot(), self._files("/boot")),
            "lib": lambda: _merged(self._lib(), self._files("/lib")),
            "usr": lambda: _merged(self._usr(), self._files("/usr")),
            "run": lambda: _merged(self._run(), self._files("/run")),
            "dev": lambda: fixed({"null": text(""), "vfio": self._vfio()}),
            "etc": lambda: _merged(self._etc(), self._files("/etc")),
        }
        return _merged(computed(views), self._files(""))

    # ---- files

    def _files(self, path: str) -> Directory:
        prefix = f"{path}/"

        def below(start: str) -> Iterator[str]:
            yield from (name for name in self.state.files if name.startswith(start))
            there = (f"{name}/" for name in files.folders(self.state))
            yield from (name for name in there if name.startswith(start))

        def names() -> Iterable[str]:
            return {name[len(prefix) :].split("/")[0] for name in below(prefix)} - {""}

        def child(name: str) -> Node | None:
            whole = prefix + name
            content = self.state.files.get(whole)
            if content is not None:
                return File(lambda: content.encode("utf-8", "surrogateescape"))
            return self._files(whole) if any(below(f"{whole}/")) else None

        return Directory(names, child)

    # ---- views

    def _boot(self) -> Directory:
        """The kernel's configuration, and what the loader reads where it is mounted."""
        kernel = self.state.kernel
        found: dict[str, Node] = {}
        if kernel.config_readable:
            lines = "".join(f"CONFIG_{name}={value}\n" for name, value in kernel.options.items())
            found[f"config-{kernel.release}"] = File(lines.encode)
        if loader.has_grub(self.state):
            found["grub"] = fixed({"grub.cfg": text(loader.grub_config(self.state))})
        if self.state.platform.loader == "systemd-boot" and not self.state.platform.proxmox:
            entry = {f"debian-{kernel.release}.conf": text(loader.entry(self.state))}
            found["efi"] = fixed({"loader": fixed({"entries": fixed(entry)})})
        return fixed(found)

    def _lib(self) -> Directory:
        """What is built with: the headers of the running kernel, if their package is there."""
        release = self.state.kernel.release
        tree: dict[str, Node] = {"kernel": fixed({})}
        if self.state.kernel.dkms or modules.has_outside(self.state):
            tree["updates"] = fixed({})
        if loader.has_headers(self.state):
            tree["build"] = fixed({"Makefile": opaque(), "Module.symvers": opaque()})
        return fixed({"modules": fixed({release: fixed(tree)})})

    def _etc(self) -> Directory:
        """Debian's release, and the links of services that somebody has enabled."""
        wanted: dict[str, Node] = {
            f"{name}.service": Symlink(f"{units.FOLDER}{name}.service")
            for name, unit in self.state.units.items()
            if unit.enabled and unit.added
        }
        tree = fixed({"system": fixed({"multi-user.target.wants": fixed(wanted)})})
        release = {252: "12.5", 257: "13.2"}.get(self.state.platform.naming)
        told: dict[str, Node] = {"debian_version": text(release)} if release else {}
        return fixed({"systemd": tree, **told})

    def _usr(self) -> Directory:
        script = text(loader.MKCONFIG)
        there = loader.has_grub(self.state)
        return fixed({"sbin": fixed({"grub-mkconfig": script} if there else {})})

    def _run(self) -> Directory:
        children: dict[str, Node] = {
            "udev": fixed({"data": self._udev()}),
            "systemd": fixed({"system": fixed({})}),
        }
        if vswitch.daemon_runs(self.state):
            children["openvswitch"] = fixed({"ovs-vswitchd.pid": text(str(VSWITCHD_PID))})
        return fixed(children)

    def _udev(self) -> Directory:
        """What udev knows of each interface."""

        def known() -> dict[str, Link]:
            return {f"n{link.index}": link for link in self.state.links if self._is_begun(link)}

        def child(name: str) -> Node | None:
            link = known().get(name)
            return File(lambda: _database_entry(link)) if link else None

        return Directory(known, child)

    def _is_begun(self, link: Link) -> bool:
        """The file is written a first time just before the rename, and again after it."""
        return link.rename_at is None or link.rename_at - _FIRST_WRITE <= self.state.clock

    def _vfio(self) -> Directory:
        groups = [
            str(function.group)
            for function in self.state.functions.values()
            if function.driver == "vfio-pci" and function.group is not None
        ]
        return fixed({group: text("") for group in groups})

    def _proc(self) -> Directory:
        kernel = self.state.kernel
        named: dict[str, Node] = {
            "cmdline": text(kernel.cmdline),
            "mounts": text(self._mounts()),
            "cpuinfo": text(f"processor\t: 0\nvendor_id\t: {self._vendor()}\ncpu family\t: 6"),
            "self": Symlink(f"/proc/{SELF}"),
            "net": fixed({}),
            "sys": fixed(
                {
                    "kernel": fixed(
                        {
                            "osrelease": text(kernel.release),
                            "random": fixed({"boot_id": text(self._boot_id())}),
                        }
                    ),
                    "net": fixed({"ipv4": fixed({"conf": self._ipv4_conf()})}),
                }
            ),
        }

        def child(name: str) -> Node | None:
            if name in named:
                return named[name]
            pid = int(name) if name.isdecimal() else 0
            process = self._processes().get(pid)
            return _process(pid, process) if process else None

        return Directory(lambda: {*named, *map(str, self._processes())}, child)

    def _mounts(self) -> str:
        """Proxmox leaves its ESPs unmounted."""
        lines = ["/dev/sda2 / ext4 rw,relatime 0 0"]
        if self.state.platform.loader == "systemd-boot" and not self.state.platform.proxmox:
            lines.append("/dev/sda1 /boot/efi vfat rw,relatime 0 0")
        return "\n".join(lines)

    def _vendor(self) -> str:
        return "AuthenticAMD" if self.state.platform.iommu == "IVRS" else "GenuineIntel"

    def _boot_id(self) -> str:
        """Another one at each boot."""
        return str(uuid5(NAMESPACE_OID, f"{self.state.name}/boot {self.state.boots}"))

    def _ipv4_conf(self) -> Directory:
        """The one setting of an interface that is played."""

        def child(name: str) -> Node | None:
            link = next((link for link in self.state.links if link.name == name), None)
            if link is None:
                return None

            def promote(value: str) -> None:
                link.promotes = value.strip() != "0"

            return fixed({"promote_secondaries": text(str(int(link.promotes)), promote)})

        return Directory(lambda: [link.name for link in self.state.links], child)

    def _processes(self) -> dict[int, Process]:
        """The daemon's processes are there while their unit is active."""
        gone = {
            pid
            for pid, process in self.state.processes.items()
            if process.name in self.state.units and not self.state.units[process.name].active
        }
        return {pid: p for pid, p in self.state.processes.items() if pid not in gone}


def _merged(first: Directory, second: Directory) -> Directory:
    """Both in one place; the first one's children hide those of the second."""

    def child(name: str) -> Node | None:
        one = first.child(name)
        if isinstance(one, File | Symlink):
            return one
        other = second.child(name)
        if isinstance(one, Directory) and isinstance(other, Directory):
            return _merged(one, other)
        return one if one is not None else other

    return Directory(lambda: {*first.names(), *second.names()}, child)


def _database_entry(link: Link) -> bytes:
    """Before the rename it is marked as unfinished (seen in the lab, systemd 257)."""
    lines = [f"I:{1_000_000 + link.index}"]
    if link.rename_at is not None:
        return f"{lines[0]}\nE:ID_RENAMING=1\nE:ID_PROCESSING=1\nV:1\n".encode()
    if link.function:
        lines += [f"E:ID_PATH=pci-{link.function}", f"E:ID_NET_NAME={link.name}"]
    return "".join(f"{line}\n" for line in [*lines, "G:systemd", "Q:systemd", "V:1"]).encode()


def _process(pid: int, process: Process) -> Directory:
    stat = f"{pid} ({process.name}) S {process.parent} {pid} {pid} 0 -1 4194560"
    environment = "".join(f"{name}={value}\0" for name, value in process.environment.items())
    arguments = "".join(f"{word}\0" for word in process.arguments or [process.name])
    files: dict[str, Node] = {"0": Symlink("/dev/null")}
    files |= {str(9 + n): Symlink(path) for n, path in enumerate(process.files)}
    return fixed(
        {
            "comm": text(process.name[:15]),
            "cmdline": File(arguments.encode),
            "stat": text(stat),
            "environ": File(environment.encode),
            "fd": fixed(files),
        }
    )
