"""The base image: a Debian root file system on a disk, its kernel, the keys to log in."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

from . import host
from .cache import Cache
from .errors import LabError
from .recipe import GUEST_FILES, Recipe, bootstrap_command
from .ssh import HOST_ALIAS

NAMESPACE_HINT = (
    "without root the package uidmap and a range for you in /etc/subuid and /etc/subgid are "
    "needed; or run `lab/vm build` as root"
)


def build_base(cache: Cache, recipe: Recipe) -> None:
    """Make the base image's directory (lock held by the caller)."""
    paths = host.tools("mmdebstrap", "mke2fs", "tar", "qemu-img", "ssh-keygen")
    host.say(f"building the Debian {recipe.debian} image (some minutes, once per recipe)")
    with cache.building(f"{recipe.family}base", recipe.key) as scratch:
        make_keys(scratch, paths["ssh-keygen"])
        skeleton = scratch / "skeleton.tar"
        skeleton.write_bytes(skeleton_tar(scratch))
        raw = scratch / "disk.raw"
        bootstrap(recipe, paths, scratch, skeleton, raw)
        run([paths["qemu-img"], "convert", "-O", "qcow2", str(raw), str(scratch / "disk.qcow2")])
        raw.unlink()
        skeleton.unlink()


def bootstrap(
    recipe: Recipe, paths: dict[str, str], scratch: Path, skeleton: Path, raw: Path
) -> None:
    """Root file system by mmdebstrap, piped into a disk image without a copy in between."""
    root = os.geteuid() == 0
    command = bootstrap_command(
        recipe, mmdebstrap=paths["mmdebstrap"], root=root, skeleton=skeleton, boot_files=scratch
    )
    environment = host.environment()
    if root:
        pack, output = ["sh", "-c", recipe.pack_script, "pack", str(raw)], subprocess.DEVNULL
    else:
        # In the user namespace our own directories cannot be written: through stdout.
        pack, output = (
            [paths["mmdebstrap"], "--unshare-helper", "sh", "-c", recipe.pack_script],
            None,
        )
    log = scratch / "build.log"
    with log.open("wb") as errors, raw.open("wb") as disk:
        maker = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            stderr=errors,
            env=environment,
        )
        try:
            packer = subprocess.run(
                pack,
                stdin=maker.stdout,
                stdout=disk if output is None else output,
                stderr=errors,
                env=environment,
                check=False,
            )
        finally:
            if maker.stdout is not None:
                maker.stdout.close()
            if maker.poll() is None:
                try:
                    maker.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    maker.terminate()
                    maker.wait()
    if maker.returncode != 0 or packer.returncode != 0:
        program = "mmdebstrap" if maker.returncode else "mke2fs"
        raise LabError(
            f"{program} could not make the guest's root file system:\n{tail(log)}",
            hint=None if root else NAMESPACE_HINT,
        )


def tail(log: Path, lines: int = 25) -> str:
    """The last lines of a log, indented."""
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in text[-lines:])


def make_keys(directory: Path, ssh_keygen: str) -> None:
    """A key to log in and a host key, both new: nothing secret is in the checkout."""
    for name in ("id_ed25519", "host_key"):
        run([ssh_keygen, "-q", "-t", "ed25519", "-N", "", "-C", "eswitch-lab", "-f",
             str(directory / name)])  # fmt: skip
    public = (directory / "host_key.pub").read_text(encoding="ascii")
    (directory / "known_hosts").write_text(f"{HOST_ALIAS} {public}", encoding="ascii")


def skeleton_tar(keys: Path) -> bytes:
    """Our files for the guest as a tar owned by root, whatever umask the checkout has."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(GUEST_FILES.rglob("*")):
            if path.is_file():
                executable = bool(path.stat().st_mode & 0o100)
                add_file(
                    tar,
                    str(path.relative_to(GUEST_FILES)),
                    path.read_bytes(),
                    0o755 if executable else 0o644,
                )
        add_file(tar, "etc/ssh/lab_host_key", (keys / "host_key").read_bytes(), 0o600)
        login = (keys / "id_ed25519.pub").read_bytes()
        add_file(tar, "etc/ssh/lab_authorized_keys", login, 0o600)
    return buffer.getvalue()


def add_file(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    """One regular file, owned by root."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = mode
    info.mtime = 1
    tar.addfile(info, io.BytesIO(content))


def run(command: list[str]) -> None:
    """A short program of the host machine; its stderr is the error."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        name = os.path.basename(command[0])
        raise LabError(f"{name} failed: {result.stderr.strip() or result.returncode}")
