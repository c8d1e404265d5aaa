"""Layers between the base image and a run: Python dependencies, then the module.

Each layer is a qcow2 overlay that a guest filled in one boot. Its key is the hash of the
layer below and of its inputs, so a change rebuilds no more than it has to: another kernel
module costs one boot, other locked dependencies two, other packages everything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import host
from .cache import Cache, digest, digest_tree
from .deadline import Deadline
from .errors import LabError
from .guest import Files, Guest
from .image import ensure_base
from .qemu import Hardware, Share
from .recipe import Recipe

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

MODULE_SCRIPT = """
set -eu
kernel=$(uname -r)
rm -rf /var/tmp/eswitchsim
cp -R /run/lab/inputs /var/tmp/eswitchsim
make -C /var/tmp/eswitchsim KDIR="/lib/modules/$kernel/build"
install -D -m 644 /var/tmp/eswitchsim/eswitchsim.ko "/lib/modules/$kernel/updates/eswitchsim.ko"
depmod "$kernel"
"""


@dataclass(frozen=True)
class Plan:
    """What a run needs, with the inputs copied aside: the checkout may change meanwhile."""

    recipe: Recipe
    requirements: Path | None
    module: Path | None

    def keys(self) -> list[tuple[str, str]]:
        """(kind, key) of all layers from the bottom up."""
        keys = [("base", self.recipe.key)]
        if self.requirements is not None:
            content = self.requirements.read_bytes()
            keys.append(("deps", digest(keys[-1][1], content, DEPS_SCRIPT, *PLATFORMS)))
        if self.module is not None:
            keys.append(("module", digest(keys[-1][1], digest_tree(self.module), MODULE_SCRIPT)))
        return keys


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
    return Plan(recipe, requirements, copied)


def is_source(directory: str, names: list[str]) -> set[str]:
    """For copytree: names to leave out, all but C sources, headers and kbuild files."""
    wanted = (".c", ".h", ".S")
    kbuild = ("Makefile", "Kbuild", "Kconfig")
    return {
        name
        for name in names
        if not (
            os.path.isdir(os.path.join(directory, name)) and not name.startswith(".")
            or name in kbuild
            or (name.endswith(wanted) and not name.endswith(".mod.c"))
        )
    }


def ensure(cache: Cache, checkout: Path, recipe: Recipe, *, module: bool = True) -> Files:
    """The base and the top layer's disk, built first where they are missing."""
    with tempfile.TemporaryDirectory(prefix="eswitch-lab-") as name:
        plan = snapshot(checkout, recipe, Path(name), module=module)
        found = [cache.find(kind, key) for kind, key in plan.keys()]
        if None in found:
            with cache.lock(lambda pid: host.say(f"waiting for process {pid}, which builds")):
                build_missing(cache, plan, Path(name))
        kind, key = plan.keys()[-1]
        return Files(cache.entry("base", recipe.key), cache.entry(kind, key) / "disk.qcow2")


def build_missing(cache: Cache, plan: Plan, scratch: Path) -> None:
    """Build what is missing from the bottom up (lock held)."""
    base = ensure_base(cache, plan.recipe)
    below = base
    for kind, key in plan.keys()[1:]:
        entry = cache.find(kind, key)
        if entry is None:
            started = time.monotonic()
            if kind == "deps":
                assert plan.requirements is not None
                host.say("installing eswitch's Python dependencies into the image")
                inputs = scratch / "deps"
                install_wheels(plan.requirements, inputs, GUEST_PYTHON[plan.recipe.debian])
                script = DEPS_SCRIPT
            else:
                assert plan.module is not None
                host.say("compiling eswitchsim in the guest")
                inputs, script = plan.module, MODULE_SCRIPT
            fill(cache, kind, key, Files(base, below / "disk.qcow2"), inputs, script)
            entry = cache.entry(kind, key)
            host.say(f"layer {kind} is built ({time.monotonic() - started:.0f} s)")
        below = entry


def fill(cache: Cache, kind: str, key: str, files: Files, inputs: Path, script: str) -> None:
    """Boot a guest on an overlay, run the script in it, keep the overlay as a layer."""
    from .accel import choose

    qemu = host.tools("qemu-system-x86_64")["qemu-system-x86_64"]
    accel = choose(cache.root, qemu, files.base / "vmlinuz")
    hardware = Hardware(nics=0, accel=accel, shares=(Share("inputs", inputs),))
    deadline = Deadline(LAYER_SECONDS)
    with cache.building(kind, key) as scratch:
        output = scratch / "build.log"
        with Guest(files, hardware, disk=scratch / "disk.qcow2") as guest:
            guest.boot(deadline)
            status = guest.run(["sh", "-c", script], deadline, output=output)
            if status != 0:
                sys.stderr.write(output.read_text(encoding="utf-8", errors="replace"))
                raise LabError(f"the image layer {kind!r} could not be built (status {status}).")
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
