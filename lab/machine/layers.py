"""What is added to the base image: Python dependencies, then the module.

The dependencies are a layer: a qcow2 overlay that a guest filled in one boot. The module
and the program are initramfs archives that are appended at each boot. Keys are hashes of
the base and of the inputs, so a change rebuilds no more than it has to: another module or
program costs seconds, other locked dependencies a boot, other packages everything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from . import host
from .accel import choose
from .cache import Cache, digest, digest_tree
from .deadline import Deadline
from .errors import LabError
from .guest import Files, booted
from .image import build_base
from .qemu import Hardware, Share
from .recipe import Recipe
from .toolchain import (
    MODULE_SCRIPT,
    PROGRAM_SCRIPT,
    compile_module,
    compile_program,
    ensure_toolchain,
)

LAYER_SECONDS = 600.0
GUEST_PYTHON = {"13": "3.13"}
# Wheels may name any of these; pip takes the newest that fits. Debian 13 has glibc 2.41.
PLATFORMS = ("manylinux_2_39_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64",
             "manylinux2014_x86_64")  # fmt: skip

DEPS_SCRIPT = """
set -eu
rm -rf /opt/eswitch
cp -R /run/lab/inputs /opt/eswitch
python3 -m compileall -q -j 2 /opt/eswitch
"""


@dataclass(frozen=True)
class Archive:
    """An initramfs archive to be: ``compiler`` makes it from the toolchain and ``inputs``."""

    kind: str
    key: str
    inputs: Path
    compiler: Callable[[Path, Path], bytes]


@dataclass(frozen=True)
class Plan:
    """What a run needs, with the inputs copied aside: the checkout may change meanwhile."""

    recipe: Recipe
    requirements: Path | None
    module: Path | None
    program: Path | None

    def deps_key(self, base_id: str) -> str | None:
        """Key of the dependencies' layer; None without requirements."""
        if self.requirements is None:
            return None
        return digest(base_id, self.requirements.read_bytes(), DEPS_SCRIPT, *PLATFORMS)

    def archives(self, base_id: str) -> list[Archive]:
        """What comes by initramfs: the module and the program, where there are sources."""
        found = []
        for kind, inputs, script, compiler in (
            ("module", self.module, MODULE_SCRIPT, compile_module),
            ("program", self.program, PROGRAM_SCRIPT, compile_program),
        ):
            if inputs is not None:
                key = digest(base_id, digest_tree(inputs), script)
                found.append(Archive(kind, key, inputs, compiler))
        return found


def snapshot(checkout: Path, recipe: Recipe, scratch: Path, *, module: bool = True) -> Plan:
    """Copy the inputs of all layers to ``scratch``. Absent ones are skipped with a warning."""
    requirements: Path | None = checkout / "requirements" / "py313.txt"
    if requirements is not None and requirements.is_file():
        requirements = Path(shutil.copy(requirements, scratch / "requirements.txt"))
    else:
        host.say("warning: no requirements/py313.txt: eswitch's dependencies are not installed")
        requirements = None
    sources = checkout / "lab" / "eswitchsim"
    copied: Path | None = None
    if module and (sources / "Makefile").is_file():
        copied = scratch / "eswitchsim"
        shutil.copytree(sources, copied, ignore=is_source)
    elif module:
        host.say("warning: no lab/eswitchsim/Makefile: the guest boots without the module")
    program: Path | None = None
    if (checkout / "src" / "eswitch").is_dir():
        program = scratch / "program"
        leftovers = shutil.ignore_patterns("__pycache__")
        shutil.copytree(checkout / "src" / "eswitch", program / "eswitch", ignore=leftovers)
    return Plan(recipe, requirements, copied, program)


def is_source(directory: str, names: list[str]) -> set[str]:
    """For copytree: names to leave out, all but C sources, headers and kbuild files."""
    wanted = (".c", ".h", ".S")
    kbuild = ("Makefile", "Kbuild", "Kconfig")
    return {
        name
        for name in names
        if not (
            (os.path.isdir(os.path.join(directory, name)) and not name.startswith("."))
            or name in kbuild
            or (name.endswith(wanted) and not name.endswith(".mod.c"))
        )
    }


def ensure(cache: Cache, checkout: Path, recipe: Recipe, *, module: bool = True) -> Files:
    """What a guest boots from, built first where it is missing."""
    with tempfile.TemporaryDirectory(prefix="eswitch-lab-") as name:
        scratch = Path(name)
        plan = snapshot(checkout, recipe, scratch, module=module)
        base, top = lower(cache, plan, scratch)
        base_id = identity(base)
        archives = plan.archives(base_id)
        overlays = [obtain_archive(cache, base_id, base, archive) for archive in archives]
        return Files(base, top / "disk.qcow2", tuple(overlays))


def lower(cache: Cache, plan: Plan, scratch: Path) -> tuple[Path, Path]:
    """The entries of the base and of the layer with eswitch's dependencies on it."""
    family = plan.recipe.family
    base = obtain(cache, f"{family}base", plan.recipe.key, lambda: build_base(cache, plan.recipe))
    if (deps := plan.deps_key(identity(base))) is None:
        return base, base
    return base, obtain(
        cache, f"{family}deps", deps, lambda: build_deps(cache, plan, deps, base, scratch)
    )


def identity(base: Path) -> str:
    """Tells two builds of one recipe apart: packages change, and so does each build's host key.

    An overlay is of use on the very disk that it was made on only.
    """
    return digest(base.name, (base / "known_hosts").read_bytes())


def obtain(cache: Cache, kind: str, key: str, build: Callable[[], None]) -> Path:
    """The entry, after ``build`` under its lock if it is missing."""
    found = cache.find(kind, key)
    if found is None:
        waiting = f"waiting for process %s, which builds {kind}"
        with cache.lock(kind, key, lambda pid: host.say(waiting % pid)):
            found = cache.find(kind, key)
            if found is None:
                started = time.monotonic()
                build()
                found = cache.entry(kind, key)
                host.say(f"{kind} is built ({time.monotonic() - started:.0f} s)")
    return found


def build_deps(cache: Cache, plan: Plan, key: str, base: Path, scratch: Path) -> None:
    """The locked wheels in /opt/eswitch, with bytecode by the guest's own Python."""
    assert plan.requirements is not None
    host.say("installing eswitch's Python dependencies into the image")
    inputs = scratch / "deps"
    install_wheels(plan.requirements, inputs, GUEST_PYTHON[plan.recipe.debian])
    hardware = Hardware(nics=0, shares=(Share("inputs", inputs),))
    files = Files(base, base / "disk.qcow2")
    with cache.building(f"{plan.recipe.family}deps", key) as entry:
        fill(cache, entry, files, hardware, ["sh", "-c", DEPS_SCRIPT])


def obtain_archive(cache: Cache, base_id: str, base: Path, archive: Archive) -> Path:
    """The archive's file, compiled first if need be. One at a time: the tree is shared."""

    def build() -> None:
        with cache.lock("tools", base_id, lambda pid: host.say(f"waiting for process {pid}")):
            root = ensure_toolchain(cache, base, base_id)
            content = archive.compiler(root, archive.inputs)
        with cache.building(archive.kind, archive.key) as entry:
            (entry / "overlay.cpio").write_bytes(content)

    return obtain(cache, archive.kind, archive.key, build) / "overlay.cpio"


def fill(cache: Cache, entry: Path, files: Files, hardware: Hardware, command: list[str]) -> None:
    """Boot a guest on an overlay in the entry to be, and let the command make a layer of it."""
    qemu = host.tools("qemu-system-x86_64")["qemu-system-x86_64"]
    hardware = replace(hardware, accel=choose(cache.root, qemu, files.base / "vmlinuz"))
    deadline = Deadline(LAYER_SECONDS)
    output = entry / "build.log"
    with booted(files, hardware, deadline, disk=entry / "disk.qcow2") as guest:
        status = guest.run(command, deadline, output=output)
        if status != 0:
            sys.stderr.write(output.read_text(encoding="utf-8", errors="replace"))
            raise LabError(f"the layer {entry.name} could not be made in the guest ({status}).")
        guest.power_off()


def install_wheels(requirements: Path, target: Path, python: str) -> None:
    """Put the locked wheels for the guest's Python into ``target`` with this machine's pip."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
               "--no-compile", "--target", str(target), "--implementation", "cp",
               "--python-version", python, "--only-binary=:all:", "--no-deps",
               "--require-hashes", "--requirement", str(requirements)]  # fmt: skip
    for platform in PLATFORMS:
        command += ["--platform", platform]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        if "No module named pip" in result.stderr:
            raise LabError("this machine's Python has no pip.",
                           hint="run `make lab-deps`, which installs python3-pip")  # fmt: skip
        raise LabError(f"pip could not install the locked dependencies:\n{result.stderr.strip()}")
    target.mkdir(exist_ok=True)
