"""What a guest boots by itself from: a disk with a boot loader, an ESP, UEFI variables.

Made of an image as any guest's, in one boot whose kernel QEMU loads: Debian's own grub-install,
bootctl, update-initramfs do it (boot/prepare). What belongs to the checkout (the program, the
stand-ins, the driver archives) comes on a small read-only disk, so that a change of it makes no
image anew.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import driverarchive, host
from .cache import Cache, digest, digest_tree
from .guest import Files, make_disk
from .image import run as run_tool
from .layers import Plan, fill, identity, lower, obtain, snapshot
from .qemu import COMMON_ARGUMENTS, IDLE_MODULES, Disk, Efi, Hardware, Share
from .recipe import boot_recipe
from .toolchain import ensure_toolchain, program_files

BOOT = Path(__file__).resolve().parent / "boot"
DRIVER = BOOT / "driver"
STAND_INS = ("mstconfig", "proxmox-boot-tool")
LOADERS = ("grub", "systemd-boot", "proxmox")
TOOLS = "boottools"
ESP_MIB = 256
MEDIA_MIB = 32


@dataclass(frozen=True)
class BootFiles:
    """The base's directory (keys), the disks of a prepared machine, its firmware."""

    base: Path
    disk: Path
    esp: Path
    efi: Efi
    media: Path


def ensure(cache: Cache, checkout: Path, loader: str, arguments: tuple[str, ...]) -> BootFiles:
    """A machine of that loader, whose kernel is configured with the arguments too."""
    host.efi_firmware()
    if loader not in LOADERS:
        raise ValueError(f"no loader {loader}; there are {', '.join(LOADERS)}")
    with tempfile.TemporaryDirectory(prefix="eswitch-lab-") as name:
        scratch = Path(name)
        plan = snapshot(checkout, boot_recipe(), scratch, module=False)
        base, top = lower(cache, plan, scratch)
        command = (loader, *COMMON_ARGUMENTS, *arguments)
        key = digest(
            identity(base), top.name, *command, str(ESP_MIB), (BOOT / "prepare").read_bytes()
        )
        lower_files = Files(base, top / "disk.qcow2")
        boot = obtain(cache, "boot", key, lambda: build(cache, key, lower_files, scratch, command))
        media = obtain_media(cache, base, plan)
    efi = Efi(host.efi_firmware()[0], boot / "variables.fd")
    return BootFiles(base, boot / "disk.qcow2", boot / "esp.qcow2", efi, media)


def build(cache: Cache, key: str, files: Files, scratch: Path, command: tuple[str, ...]) -> None:
    """One boot that installs the loader (lock held by the caller)."""
    host.say(f"preparing a machine that boots by {command[0]}")
    inputs = scratch / "boot"
    inputs.mkdir()
    for name in ("prepare", *STAND_INS):
        shutil.copy(BOOT / name, inputs / name)
    (inputs / "modprobe-blacklist").write_text(" ".join(("nvme", *IDLE_MODULES)), encoding="ascii")
    code, variables = host.efi_firmware()
    with cache.building("boot", key) as entry:
        shutil.copyfile(variables, entry / "variables.fd")
        make_disk(entry / "esp.qcow2", ESP_MIB)
        hardware = Hardware(
            nics=0,
            efi=Efi(code, entry / "variables.fd"),
            disks=(Disk("esp", entry / "esp.qcow2"),),
            shares=(Share("inputs", inputs),),
        )
        fill(cache, entry, files, hardware, ["/run/lab/inputs/prepare", *command])


def obtain_media(cache: Cache, base: Path, plan: Plan) -> Path:
    """The read-only disk with what comes of the checkout."""
    module = host.LAB / "eswitchsim"
    sources = digest_tree(plan.program) if plan.program else ""
    base_id = identity(base)
    key = digest(base_id, sources, digest_tree(BOOT), digest_tree(module), str(MEDIA_MIB))

    def make() -> None:
        with cache.lock(TOOLS, base_id, lambda pid: host.say(f"waiting for process {pid}")):
            root = ensure_toolchain(cache, base, base_id, TOOLS)
            program = program_files(root, plan.program) if plan.program else {}
        with cache.building("media", key) as entry:
            tree = entry / "tree"
            for name, content in program.items():
                target = tree / "program" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            (tree / "bin").mkdir(parents=True)
            for name in STAND_INS:
                shutil.copy(BOOT / name, tree / "bin" / name)
            driverarchive.write_all(tree / "driver", module, DRIVER)
            run_tool([host.tools("mke2fs")["mke2fs"], "-q", "-F", "-t", "ext4", "-O",
                      "^has_journal", "-L", "lab", "-m", "0", "-d", str(tree),
                      str(entry / "disk.img"), f"{MEDIA_MIB}M"])  # fmt: skip
            shutil.rmtree(tree)

    return obtain(cache, "media", key, make) / "disk.img"
