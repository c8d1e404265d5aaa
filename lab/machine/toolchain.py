"""The guest's compiler, kernel headers and Python on the host machine.

In the guest, on an emulated processor, compiling eswitchsim takes over a minute and the
program's bytecode several seconds of each boot; the guest's own tools run here in a chroot
give the same files at once. They come out of the base image with debugfs, which needs no
privilege and no mount; the chroot needs root or a user namespace, as building the base
image did. Results are initramfs archives that install them into the guest.
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

# $1: root of the toolchain, $2: directory with the inputs, relative to that root.
ENTER = """
set -eu
mount --rbind /dev "$1/dev"
exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin LC_ALL=C.UTF-8 sh -c "$SCRIPT" script "/$2"
"""

MODULE_SCRIPT = """
set -eu
kernel=$(ls /usr/lib/modules)
make -j "$(nproc)" -C "$1" KDIR="/usr/lib/modules/$kernel/build"
strip --strip-debug "$1/eswitchsim.ko"
mkdir -p "/usr/lib/modules/$kernel/updates"
cp "$1/eswitchsim.ko" "/usr/lib/modules/$kernel/updates/eswitchsim.ko"
depmod "$kernel"
"""

# Not checked against the source's time: what is unpacked from the initramfs has another.
# A file that does not compile is said when it is imported, as on any machine.
PROGRAM_SCRIPT = """
python3 -m compileall -q --invalidation-mode unchecked-hash -s "$1" -p /opt/eswitch-program "$1"
exit 0
"""


def ensure_toolchain(cache: Cache, base: Path, key: str, kind: str = "tools") -> Path:
    """Root of the file tree, extracted from the base image first if need be (lock held)."""
    found = cache.find(kind, key)
    if found is not None:
        return found / "root"
    tools = host.tools("qemu-img", "debugfs")
    with cache.building(kind, key) as scratch:
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
    return cache.entry(kind, key) / "root"


def compile_module(root: Path, sources: Path) -> bytes:
    """Compile the module; returns an archive with it and depmod's tables.

    By the tables udev loads it for its PCI alias. The caller holds the lock: the tree has
    room for one module at a time.
    """
    modules = only_directory(root / "usr/lib/modules")
    updates = modules / "updates"
    shutil.rmtree(updates, ignore_errors=True)
    with work_directory(root, sources) as work:
        status, said = run_inside(root, work, MODULE_SCRIPT)
    if status != 0:
        raise LabError(f"lab/eswitchsim does not compile:\n{said}",
                       hint="--no-module runs the guest without it")  # fmt: skip
    prefix = f"overlay/usr/lib/modules/{modules.name}"
    files = {f"{prefix}/{path.name}": path.read_bytes() for path in modules.glob("modules.*")}
    files[f"{prefix}/updates/eswitchsim.ko"] = (updates / "eswitchsim.ko").read_bytes()
    shutil.rmtree(updates)
    return archive(files)


def compile_program(root: Path, sources: Path) -> bytes:
    """An archive with the package in ``sources`` and its bytecode."""
    files = program_files(root, sources)
    return archive({f"overlay/opt/eswitch-program/{name}": data for name, data in files.items()})


def program_files(root: Path, sources: Path) -> dict[str, bytes]:
    """Bytecode for the package in ``sources``; returns the files of both."""
    with work_directory(root, sources) as work:
        status, said = run_inside(root, work, PROGRAM_SCRIPT)
        if status != 0:
            raise LabError(f"the program could not be compiled to bytecode:\n{said}")
        return {
            str(path.relative_to(work)): path.read_bytes()
            for path in work.rglob("*")
            if path.is_file()
        }


@contextlib.contextmanager
def work_directory(root: Path, inputs: Path) -> Iterator[Path]:
    """A copy of the inputs inside the tree, removed afterwards."""
    work = Path(tempfile.mkdtemp(prefix="work-", dir=root / "tmp"))
    try:
        shutil.copytree(inputs, work, dirs_exist_ok=True)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def run_inside(root: Path, work: Path, script: str) -> tuple[int, str]:
    """(exit status, output) of a script in the tree, with ``work`` as its argument."""
    namespace = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    result = subprocess.run(
        [*namespace, "sh", "-c", ENTER, "enter", str(root), str(work.relative_to(root))],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False, timeout=COMPILE_SECONDS,
        env=host.environment(SCRIPT=script),
    )  # fmt: skip
    return result.returncode, result.stdout.rstrip()


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
