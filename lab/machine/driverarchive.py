"""A driver to install, in the style of NVIDIA's MLNX_EN archives: eswitchsim's sources.

Same parts in the same places: one top folder, ``install`` and ``uninstall.sh``, ``distro`` with the
distribution that it was made for (not the guest's), ``.supported_kernels``, the sources. These are
compiled as two units: on an emulated processor reading the kernel's headers is what takes time.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

from .image import add_file

VERSION = "1.0"
NAME = f"eswitchsim-en-{VERSION}-debian12.1-x86_64"
SUPPORTED_KERNELS = "6.1.0-11-amd64\n6.1.0-13-amd64\n"
# What does not compile, at the end of a source file.
BREAKAGE = b"\n#error this archive was made not to compile\n"


def archive(sources: Path, scripts: Path, *, broken: bool = False) -> bytes:
    """The .tgz. ``sources`` is lab/eswitchsim, ``scripts`` has install and its companions."""
    buffer = io.BytesIO()
    top = NAME
    module = f"{top}/src/eswitchsim-{VERSION}"
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(scripts.iterdir()):
            if path.name == "dkms.conf":
                add_file(tar, f"{module}/dkms.conf", path.read_bytes(), 0o644)
            elif path.is_file():
                add_file(tar, f"{top}/{path.name}", path.read_bytes(), 0o755)
        add_file(tar, f"{top}/distro", b"debian12.1\n", 0o644)
        add_file(tar, f"{top}/.supported_kernels", SUPPORTED_KERNELS.encode(), 0o644)
        add_file(tar, f"{top}/LICENSE", (sources / "COPYING").read_bytes(), 0o644)
        for name, content in module_sources(sources).items():
            breakage = BREAKAGE if broken and name == "pf.c" else b""
            add_file(tar, f"{module}/{name}", content + breakage, 0o644)
    return buffer.getvalue()


def module_sources(sources: Path) -> dict[str, bytes]:
    """C sources, headers, and what makes one module of them."""
    found = {
        path.name: path.read_bytes()
        for path in sorted(sources.iterdir())
        if path.suffix in (".c", ".h") and not path.name.endswith(".mod.c")
    }
    units = [name for name in found if name.endswith(".c")]
    half = (len(units) + 1) // 2
    for part, names in (("part1", units[:half]), ("part2", units[half:])):
        found[f"{part}.c"] = "".join(f'#include "{name}"\n' for name in names).encode()
    found["Makefile"] = b"obj-m := eswitchsim.o\neswitchsim-y := part1.o part2.o\n"
    return found


def write_all(directory: Path, sources: Path, scripts: Path) -> None:
    """The archive, one that does not compile and one cut in half, each with its sum."""
    good = archive(sources, scripts)
    for folder, content in (
        (".", good),
        ("broken", archive(sources, scripts, broken=True)),
        ("truncated", good[: len(good) // 2]),
    ):
        target = directory / folder
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{NAME}.tgz").write_bytes(content)
        total = hashlib.sha256(content).hexdigest()
        (target / f"{NAME}.tgz.sha256").write_text(f"{total}  {NAME}.tgz\n", encoding="ascii")
