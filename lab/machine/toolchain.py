"""The guest's compiler and kernel headers on the host machine, to compile modules with.

In the guest, on an emulated processor, compiling eswitchsim takes over a minute; the
guest's own gcc run here in a chroot takes seconds and gives the same module. The files
come out of the base image with debugfs, which needs no privilege and no mount; the chroot
needs root or a user namespace, as building the base image did.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import host
from .cache import Cache
from .cpio import archive
from .errors import LabError

# The guest's /usr is merged: these are links to /usr/bin and so on.
LINKS = ("bin", "lib", "lib64", "sbin")
PARTS = ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/src",
         "/usr/include", "/etc/alternatives")  # fmt: skip
COMPILE_SECONDS = 600

# $1: root of the toolchain, $2: directory with the sources, relative to that root.
ENTER = """
set -eu
mount --rbind /dev "$1/dev"
exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin LC_ALL=C sh -c "$COMPILE" compile "/$2"
"""
COMPILE = """
set -eu
kernel=$(ls /usr/lib/modules)
make -j "$(nproc)" -C "$1" KDIR="/usr/lib/modules/$kernel/build"
mkdir -p "/usr/lib/modules/$kernel/updates"
cp "$1/eswitchsim.ko" "/usr/lib/modules/$kernel/updates/eswitchsim.ko"
depmod "$kernel"
"""


def ensure_toolchain(cache: Cache, base: Path, key: str) -> Path:
    """Root of the file tree, extracted from the base image first if need be (lock held)."""
    found = cache.find("tools", key)
    if found is not None:
        return found / "root"
    tools = host.tools("qemu-img", "debugfs")
    with cache.building("tools", key) as scratch:
        raw = scratch / "disk.raw"
        check([tools["qemu-img"], "convert", "-O", "raw", str(base / "disk.qcow2"), str(raw)])
        root = scratch / "root"
        for part in PARTS:
            below = root / part.strip("/")
            below.parent.mkdir(parents=True, exist_ok=True)
            check([tools["debugfs"], "-R", f'rdump "{part}" "{below.parent}"', str(raw)])
        for name in LINKS:
            (root / name).symlink_to(f"usr/{name}")
        for name in ("dev", "tmp", "proc"):
            (root / name).mkdir()
        raw.unlink()
    return cache.entry("tools", key) / "root"


def compile_module(root: Path, sources: Path) -> bytes:
    """Compile the module; returns an initramfs archive that installs it into the guest.

    With it go depmod's tables, so that udev loads it by its PCI alias. The caller holds
    the lock: the tree has room for one module at a time.
    """
    modules = only_directory(root / "usr/lib/modules")
    with clean_tree(root, modules) as work:
        shutil.copytree(sources, work, dirs_exist_ok=True)
        relative = str(work.relative_to(root))
        namespace = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
        result = subprocess.run(
            [*namespace, "sh", "-c", ENTER, "enter", str(root), relative],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", check=False, timeout=COMPILE_SECONDS,
            env={**os.environ, "COMPILE": COMPILE},
        )  # fmt: skip
        if result.returncode != 0:
            raise LabError(f"lab/eswitchsim does not compile:\n{result.stdout.rstrip()}",
                           hint="--no-module runs the guest without it")  # fmt: skip
        prefix = f"overlay/usr/lib/modules/{modules.name}"
        tables = [path for path in modules.glob("modules.*") if path.is_file()]
        files = {f"{prefix}/{path.name}": path.read_bytes() for path in tables}
        module = modules / "updates" / "eswitchsim.ko"
        files[f"{prefix}/updates/eswitchsim.ko"] = module.read_bytes()
        return archive(files)


@contextlib.contextmanager
def clean_tree(root: Path, modules: Path) -> Iterator[Path]:
    """A directory for the sources in the tree; before and after no module is installed."""
    updates = modules / "updates"
    shutil.rmtree(updates, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix="eswitchsim-", dir=root / "tmp"))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(updates, ignore_errors=True)


def only_directory(parent: Path) -> Path:
    """The one kernel the image has."""
    found = [path for path in parent.iterdir() if path.is_dir()]
    if len(found) != 1:
        raise LabError(f"{parent} should hold one kernel, but holds {len(found)}.")
    return found[0]


def check(command: list[str]) -> None:
    """Run a program of the host machine; debugfs reports failure on stderr only."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = result.stderr.strip().splitlines()
    if result.returncode != 0 or any("File not found" in line for line in lines):
        name = os.path.basename(command[0])
        raise LabError(f"{name} failed: {result.stderr.strip() or result.returncode}")
