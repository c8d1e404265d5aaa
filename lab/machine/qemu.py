"""The guest's hardware as a QEMU command line. Pure: nothing is started here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .errors import UsageError

MAX_VFS = 127
MAX_NICS = 8
MIN_MEMORY_MIB = 512
GUEST_ADDRESS = "10.0.2.15"

# Names of the virtio ports in the guest, /dev/virtio-ports/<name>.
REPORT_PORT = "org.eswitch.lab"
CONTROL_PORT = "org.eswitch.lab.control"

# Not used here, but udev would load them.
IDLE_MODULES = ("iTCO_wdt", "lpc_ich", "pcspkr", "sha1_ssse3", "sha256_ssse3", "sha512_ssse3")

# What any guest of the lab is booted with, whoever passes it.
COMMON_ARGUMENTS = (
    "console=ttyS0",
    "8250.nr_uarts=1",
    # A panic ends QEMU at once (with -no-reboot) instead of waiting for the deadline.
    "panic=-1",
    "quiet",
    "loglevel=5",
    # Says what a slow boot waits for, and nothing about a quick one.
    "systemd.show_status=auto",
    # An emulated processor on a busy machine pauses for long without being locked up.
    "watchdog_thresh=60",
    "rcupdate.rcu_cpu_stall_timeout=300",
    # These only cost time on an emulated processor.
    "mitigations=off",
    "audit=0",
    "no_timer_check",
    "tsc=reliable",
    "random.trust_cpu=on",
)

# For a kernel that QEMU loads.
KERNEL_ARGUMENTS = (
    "root=/dev/vda",
    "rw",
    "systemd.unit=lab.target",
    # QEMU's nvme devices are the bodies of eswitchsim's NICs, VFs included.
    "modprobe.blacklist=nvme",
    f"modprobe.blacklist={','.join(IDLE_MODULES)}",
    "intel_iommu=on",
    *COMMON_ARGUMENTS,
)


@dataclass(frozen=True)
class Share:
    """A directory of the host machine that the guest sees over 9p."""

    tag: str
    path: Path
    writable: bool = False


@dataclass(frozen=True)
class Disk:
    """A disk beside the root disk; the guest finds it as /dev/disk/by-id/virtio-<serial>."""

    serial: str
    path: Path
    format: str = "qcow2"
    writable: bool = True


@dataclass(frozen=True)
class Efi:
    """UEFI firmware and the file of its variables, which it writes."""

    code: Path
    variables: Path


@dataclass(frozen=True)
class Hardware:
    """What a person can choose. ``memory`` in MiB; ``vfs`` per NIC.

    ``iommu`` is ``intel``, ``amd`` or None (as if switched off in the BIOS: the ACPI tables do
    not mention one). ``bodies`` describes each NIC instead of ``nics`` and ``vfs``: its VFs,
    0 for one without the SR-IOV capability, None for an empty slot.
    """

    nics: int = 2
    vfs: int = 16
    memory: int = 2048
    processors: int = 2
    accel: str = "tcg"
    append: str = ""
    shares: tuple[Share, ...] = field(default_factory=tuple)
    iommu: str | None = "intel"
    disks: tuple[Disk, ...] = ()
    efi: Efi | None = None
    bodies: tuple[int | None, ...] | None = None

    def slots(self) -> tuple[int | None, ...]:
        """What is in each NIC's slot, in the sense of ``bodies``."""
        return (self.vfs,) * self.nics if self.bodies is None else self.bodies

    def check(self) -> None:
        """Raises UsageError for what QEMU's devices cannot do."""
        if not 1 <= self.vfs <= MAX_VFS:
            raise UsageError(f"--vfs-max is {self.vfs}: QEMU's nvme device takes 1 to {MAX_VFS}.")
        if not 0 <= self.nics <= MAX_NICS:
            raise UsageError(f"--nics is {self.nics}: 0 to {MAX_NICS} are possible.")
        if self.memory < MIN_MEMORY_MIB:
            raise UsageError(f"--memory is {self.memory} MiB: at least {MIN_MEMORY_MIB} is needed.")


def command(
    qemu: str,
    hardware: Hardware,
    *,
    disk: Path,
    console: Path,
    sockets: dict[str, int],
    kernel: Path | None = None,
    initrd: Path | None = None,
) -> list[str]:
    """The whole command line. Without a kernel the firmware boots from the disks.

    ``sockets`` has the file descriptors of connected sockets for ``qmp``, ``report`` and
    ``control``: no names in the file system, so two guests cannot collide.
    """
    return [
        qemu, "-name", "eswitch-lab", "-nodefaults", "-no-user-config", "-display", "none",
        "-machine", machine(hardware.accel), *accelerator(hardware.accel),
        "-smp", str(hardware.processors), "-m", f"{hardware.memory}M", "-no-reboot",
        # The IOMMU has to come before the devices behind it.
        *(["-device", f"{hardware.iommu}-iommu"] if hardware.iommu else []),
        *firmware(hardware.efi), *loaded(kernel, initrd, hardware.append),
        *plumbing(console, sockets), *root_disk(disk, more=bool(hardware.disks)),
        *more_disks(hardware.disks), *management_nic(), *shares(hardware.shares),
        *(word for index, vfs in enumerate(hardware.slots()) for word in nic(index, vfs)),
    ]  # fmt: skip


def firmware(efi: Efi | None) -> list[str]:
    """UEFI in flash; without it QEMU's BIOS."""
    if efi is None:
        return []
    return [
        "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={escaped(efi.code)}",
        "-drive", f"if=pflash,unit=1,format=raw,file={escaped(efi.variables)}",
    ]  # fmt: skip


def loaded(kernel: Path | None, initrd: Path | None, append: str) -> list[str]:
    """A kernel that QEMU loads, past every boot loader."""
    if kernel is None or initrd is None:
        return []
    return ["-kernel", str(kernel), "-initrd", str(initrd), "-append", kernel_line(append)]


def machine(accel: str) -> str:
    """q35: PCI express, which SR-IOV and the IOMMU need; without devices nobody uses."""
    name = "q35,sata=off,smbus=off,i8042=off,vmport=off,hpet=off"
    # intel-iommu's interrupt remapping wants the irqchip split; only KVM has a choice.
    return f"{name},kernel-irqchip=split" if accel == "kvm" else name


def accelerator(accel: str) -> list[str]:
    """KVM with the host's processor, or emulation on several threads."""
    if accel == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    # 5-level page tables make each emulated page walk longer for nothing. For the other
    # features udev would load modules: crypto by the dozen, KVM.
    return ["-accel", "tcg,thread=multi",
            "-cpu", "max,la57=off,svm=off,aes=off,pclmulqdq=off,sha-ni=off"]  # fmt: skip


def kernel_line(append: str) -> str:
    """Kernel command line; the person's arguments come last and win."""
    return " ".join([*KERNEL_ARGUMENTS, append]).strip()


def plumbing(console: Path, sockets: dict[str, int]) -> list[str]:
    """Console to a file, QMP, and two virtio ports: reports from and words to the guest."""
    return [
        "-chardev", f"file,id=console,path={escaped(console)}", "-serial", "chardev:console",
        "-chardev", f"socket,id=qmp,fd={sockets['qmp']}", "-mon", "chardev=qmp,mode=control",
        "-device", "virtio-serial-pci,addr=0x1c",
        "-chardev", f"socket,id=report,fd={sockets['report']}",
        "-device", f"virtserialport,chardev=report,name={REPORT_PORT}",
        "-chardev", f"socket,id=control,fd={sockets['control']}",
        "-device", f"virtserialport,chardev=control,name={CONTROL_PORT}",
        "-device", "virtio-rng-pci,addr=0x1b",
    ]  # fmt: skip


def root_disk(disk: Path, *, more: bool = False) -> list[str]:
    """/dev/vda; writes need not survive this machine's crash. (They survive QEMU's.)"""
    return [
        "-drive", f"file={escaped(disk)},if=none,id=root,format=qcow2,cache=unsafe,discard=unmap",
        "-device", f"virtio-blk-pci,drive=root,addr=0x1d{',multifunction=on' if more else ''}",
    ]  # fmt: skip


def more_disks(wanted: tuple[Disk, ...]) -> list[str]:
    """/dev/vdb, ...: functions of the root disk's slot, so that they come after it."""
    words: list[str] = []
    for index, disk in enumerate(wanted, start=1):
        readonly = "off" if disk.writable else "on"
        words += [
            "-drive", (f"file={escaped(disk.path)},if=none,id=disk{index},format={disk.format},"
                       f"cache=unsafe,readonly={readonly}"),
            "-device", (f"virtio-blk-pci,drive=disk{index},serial={disk.serial},"
                        f"addr=0x1d.{index}"),
        ]  # fmt: skip
    return words


def management_nic() -> list[str]:
    """The lab's own way in: no way out (restrict), a port of 127.0.0.1 that QEMU picks."""
    return [
        "-netdev", f"user,id=management,restrict=on,hostfwd=tcp:127.0.0.1:0-{GUEST_ADDRESS}:22",
        # romfile: network boot is not wanted, and Debian has the ROM in another package.
        "-device", "virtio-net-pci,netdev=management,addr=0x1e,romfile=",
    ]  # fmt: skip


def shares(wanted: tuple[Share, ...]) -> list[str]:
    """9p directories, functions of one PCI slot."""
    words: list[str] = []
    for index, share in enumerate(wanted):
        readonly = "off" if share.writable else "on"
        words += [
            "-fsdev", (f"local,id=share{index},path={escaped(share.path)},"
                       f"security_model=none,multidevs=remap,readonly={readonly}"),
            "-device", (f"virtio-9p-pci,fsdev=share{index},mount_tag={share.tag},"
                        f"multifunction=on,addr=0x1a.{index}"),
        ]  # fmt: skip
    return words


def nic(index: int, vfs: int | None) -> list[str]:
    """Body of one NIC: QEMU's nvme controller with SR-IOV, alone behind a root port.

    The root ports are the only bridges, so NIC ``index`` is on PCI bus ``index + 1`` and
    the guest calls it ``enp<index + 1>s0``. Queues and interrupt vectors are flexible
    resources shared out to the VFs: two queues and one vector for each VF is the least
    that QEMU accepts, the PF needs what is left. With 0 VFs there is no SR-IOV capability,
    with None nothing behind the port.
    """
    port = [
        "-device", (f"pcie-root-port,id=port{index},bus=pcie.0,addr={2 + index:#x},"
                    f"chassis={index + 1},slot={index + 1}"),
    ]  # fmt: skip
    if vfs is None:
        return port
    sriov = (f"sriov_max_vfs={vfs},sriov_vq_flexible={2 * vfs},sriov_vi_flexible={vfs},"
             if vfs else "")  # fmt: skip
    return [
        *port,
        "-device", f"nvme-subsys,id=subsystem{index}",
        "-device", (f"nvme,bus=port{index},addr=0,serial=eswitch{index},"
                    f"subsys=subsystem{index},{sriov}max_ioqpairs=256,msix_qsize=256"),
    ]  # fmt: skip


def escaped(path: Path) -> str:
    """A path inside a QEMU option: a comma ends the value unless it is doubled."""
    return str(path).replace(",", ",,")
