"""What is in the guest's base image, as data, and the command that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .cache import digest, digest_tree

GUEST_FILES = Path(__file__).resolve().parent / "guest"

# Virtual size of the guest's disk in GiB. The file is sparse: about 700 MB are used.
DISK_GIB = 8

PACKAGES = (
    # a machine that boots as a real one does
    "systemd", "systemd-sysv", "udev", "dbus", "kmod", "initramfs-tools", "linux-image-amd64",
    # what eswitch works with
    "iproute2", "ethtool", "openvswitch-switch", "ifupdown2", "mstflint", "pciutils", "python3",
    # what tests need
    "python3-pytest", "iperf3", "iputils-ping", "tcpdump", "jq", "strace", "procps",
    # what the lab needs: the module is compiled in the guest, ssh carries the commands
    "linux-headers-amd64", "gcc", "make", "openssh-server", "busybox-static", "less",
)  # fmt: skip

# Beside them, for a guest that boots from its own disk (lab/machine/bootable.py): what builds
# an out-of-tree driver, and both boot loaders; the one that a machine has not is purged then.
BOOT_PACKAGES = (
    "dkms", "dosfstools", "e2fsprogs", "efibootmgr", "fdisk", "grub-efi-amd64", "mokutil",
    "systemd-boot", "zstd",
)  # fmt: skip

SUITES = {"13": "trixie"}

# No journal: the disk is thrown away after each run.
FILE_SYSTEM_FEATURES = "^has_journal,^metadata_csum"
# A disk that has to survive power cuts.
DURABLE_FEATURES = "has_journal,^metadata_csum"


@dataclass(frozen=True)
class Recipe:
    """A Debian release and its packages; ``key`` names the image that comes of it."""

    debian: str = "13"
    packages: tuple[str, ...] = PACKAGES
    features: str = FILE_SYSTEM_FEATURES
    # Before the kinds of its images in the cache: each family is kept by its own count.
    family: str = ""

    @property
    def suite(self) -> str:
        return SUITES[self.debian]

    @property
    def pack_script(self) -> str:
        """Makes the disk image of a root file system."""
        return PACK_SCRIPT.replace("FEATURES", self.features).replace("SIZE", f"{DISK_GIB}G")

    @property
    def key(self) -> str:
        return digest(
            self.suite,
            *self.packages,
            str(DISK_GIB),
            *BOOTSTRAP_OPTIONS,
            self.features,
            self.pack_script,
            digest_tree(GUEST_FILES),
        )


BOOTSTRAP_OPTIONS = (
    "--variant=minbase",
    "--format=tar",
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=force-unsafe-io",
    # Debian's own initramfs is only for tests of the boot loader: small, not compressed.
    (
        '--essential-hook=mkdir -p "$1/etc/initramfs-tools/conf.d" && '
        "printf 'MODULES=list\\nCOMPRESS=cat\\n' >\"$1/etc/initramfs-tools/conf.d/lab.conf\""
    ),
)


def boot_recipe(debian: str = "13") -> Recipe:
    """The image of a guest that boots by itself."""
    return Recipe(debian, PACKAGES + BOOT_PACKAGES, DURABLE_FEATURES, family="boot")


def bootstrap_command(
    recipe: Recipe, *, mmdebstrap: str, root: bool, skeleton: Path, boot_files: Path
) -> list[str]:
    """mmdebstrap with the tar of the root file system on its stdout.

    No mirror is named: mmdebstrap takes it from the host machine's apt if that has the
    suite, else it uses Debian's. ``skeleton`` is a tar that is unpacked into the root,
    ``boot_files`` a directory that receives vmlinuz and initrd. Without root the same is
    done in a user namespace (needs ``uidmap`` and a range in /etc/subuid).
    """
    return [
        mmdebstrap,
        "--mode=root" if root else "--mode=unshare",
        *BOOTSTRAP_OPTIONS,
        f"--include={','.join(recipe.packages)}",
        f"--customize-hook=tar-in {quoted(skeleton)} /",
        '--customize-hook=chroot "$1" /usr/local/libexec/lab/finish-image',
        f"--customize-hook=download /boot/lab/vmlinuz {quoted(boot_files / 'vmlinuz')}",
        f"--customize-hook=download /boot/lab/initrd {quoted(boot_files / 'initrd')}",
        recipe.suite,
        "-",
    ]


def quoted(path: Path) -> str:
    """A path for one word of a mmdebstrap hook, which is split as a shell would."""
    return "'" + str(path).replace("'", "'\\''") + "'"


# stdin: tar of the root file system; $1: the disk image to make, without it stdout.
# mke2fs speaks on stdout even when told to be quiet.
PACK_SCRIPT = """
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/root"
# No device nodes: a user namespace may not make them, and /dev is a devtmpfs at boot.
tar -C "$work/root" --exclude='./dev/*' --numeric-owner --xattrs --xattrs-include='*' -xpf -
disk=${1:-$work/disk}
mke2fs -q -F -t ext4 -L eswitch-lab -m 0 -O FEATURES \\
    -E lazy_itable_init=1,nodiscard -d "$work/root" "$disk" SIZE >&2
[ $# -gt 0 ] || cat "$disk"
"""
