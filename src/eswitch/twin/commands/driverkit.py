"""Kernel modules, and the archives that bring others: modinfo, modprobe, DKMS behind an installer.

An archive is an ordinary file here whose text says what it brings (`archive`): its checksum is that
of this text, and one that was cut short says so when it is unpacked. See facts 1.1.
"""

from __future__ import annotations

from collections.abc import Sequence

from eswitch.host import Result
from eswitch.twin import files, loader, modules
from eswitch.twin.refusal import Refusal
from eswitch.twin.state import State

from .tool import Failed, NotSimulated, ended

_TITLE = "simulated driver archive"
_OPTIONS = frozenset(("--force", "--skip-distro-check", "--without-fw-update"))
_DISTRIBUTIONS = {252: "debian12", 257: "debian13"}
"""By the version of systemd."""
_FATAL = "tar: Error is not recoverable: exiting now"
_EOF = "tar: Unexpected EOF in archive"
_CUT = ("", "gzip: stdin: unexpected end of file", _EOF, _EOF, _FATAL)
_NO_ARCHIVE = (
    "tar: This does not look like a tar archive",
    "tar: Exiting with failure status due to previous errors",
)


def archive(
    driver: str, version: str, distribution: str = "", *, broken: str = "", needs: str = ""
) -> str:
    """The text that stands for an archive with a driver's source in it. `broken` is what the
    compiler says to it, `needs` an option without which its installer refuses."""
    told = {
        "driver": driver,
        "version": version,
        "distribution": distribution,
        "broken": broken,
        "needs": needs,
    }
    lines = [f"{key}: {value}" for key, value in told.items() if value]
    return "\n".join([_TITLE, *lines, "end"]) + "\n"


def _contents(text: str) -> dict[str, str] | None:
    """What an archive brings; None for one that was cut short, or is none."""
    lines = text.splitlines()
    if len(lines) < 3 or (lines[0], lines[-1]) != (_TITLE, "end") or not text.endswith("\n"):
        return None
    pairs = (line.partition(": ") for line in lines[1:-1])
    return {key: value for key, _, value in pairs}


# ---- modules


def modinfo(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`modinfo -n MODULE`."""
    del input
    if len(argv) != 3 or argv[1] not in ("-n", "--filename"):
        raise NotSimulated(f"`{' '.join(argv)}`")
    file = modules.file_of(state, modules.module_of(argv[2]))
    if file is None:
        return Result(1, "", f"modinfo: ERROR: Module {argv[2]} not found.\n")
    return Result(0, f"{file}\n", "")


def modprobe(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`modprobe [-a] MODULE...`: its driver is there then."""
    del input
    return ended(lambda words: _modprobe(state, words), argv[1:])


def _modprobe(state: State, words: Sequence[str]) -> str:
    names = [word for word in words if word not in ("-a", "--all")]
    if len(names) != 1 and len(names) == len(words):
        raise NotSimulated(f"`modprobe {' '.join(words)}`: parameters of a module")
    missing = ""
    for name in names:
        module = modules.module_of(name)
        if modules.file_of(state, module) is None:
            folder = f"/lib/modules/{state.kernel.release}"
            said = f"Module {name} not found in directory {folder}"
            if len(names) == len(words):
                raise Failed(f"modprobe: FATAL: {said}", 1)
            missing += f"modprobe: WARNING: {said}\n"
            continue
        try:
            modules.check(state, module)
        except Refusal:
            words_ = "Key was rejected by service"
            raise Failed(f"modprobe: ERROR: could not insert '{module}': {words_}", 1) from None
        if module not in modules.loaded(state):
            state.loads[modules.driver_of(module)] = state.clock
    if missing:
        raise Failed(missing.rstrip("\n"), 1)
    return ""


def initramfs(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`update-initramfs -u [-k RELEASE]`: what DKMS has built is in it then."""
    del input
    if list(argv[1:]) not in (["-u"], ["-u", "-k", state.kernel.release]):
        raise NotSimulated(f"`{' '.join(argv)}`")
    state.kernel.initramfs = dict(state.kernel.dkms)
    said = f"update-initramfs: Generating /boot/initrd.img-{state.kernel.release}\n"
    return Result(0, said, "")


def mokutil(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`mokutil --test-key FILE`."""
    del input
    if len(argv) != 3 or argv[1] != "--test-key":
        raise NotSimulated(f"`{' '.join(argv)}`")
    if state.platform.key_enrolled:
        return Result(1, f"{argv[2]} is already enrolled\n", "")
    return Result(0, f"{argv[2]} is not enrolled\n", "")


def dkms(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`dkms status`."""
    del input
    if list(argv[1:]) != ["status"]:
        raise NotSimulated(f"`{' '.join(argv)}`")
    release = state.kernel.release
    built = state.kernel.dkms.items()
    lines = [f"{name}/{version}, {release}, x86_64: installed\n" for name, version in built]
    return Result(0, "".join(lines), "")


# ---- archives


def fetch(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`wget -nv -O FILE URL`, `curl -fsSL -o FILE URL`."""
    del input
    *options, target, url = argv[1:]
    if options not in (["-nv", "-O"], ["-fsSL", "-o"]):
        raise NotSimulated(f"`{' '.join(argv)}`")
    host = url.partition("://")[2].partition("/")[0]
    if url not in state.web:
        if argv[0].endswith("curl"):
            return Result(6, "", f"curl: (6) Could not resolve host: {host}\n")
        return Result(4, "", f"wget: unable to resolve host address '{host}'\n")
    state.files[target] = state.web[url]
    return Result(0, "", "")


def tar(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`tar -xf ARCHIVE -C DIR --strip-components=1 --no-same-owner`."""
    del input
    strip = ["--strip-components=1", "--no-same-owner"]
    if len(argv) != 7 or (argv[1], argv[3], list(argv[5:])) != ("-xf", "-C", strip):
        raise NotSimulated(f"`{' '.join(argv)}`")
    text, folder = state.files.get(argv[2]), argv[4]
    if text is None:
        return _untarred(f"tar: {argv[2]}: Cannot open: No such file or directory", _FATAL)
    if not text.startswith(_TITLE):
        return _untarred(*_NO_ARCHIVE)
    if not files.is_folder(state, folder):
        return _untarred(f"tar: {folder}: Cannot open: No such file or directory", _FATAL)
    if _contents(text) is None:
        return _untarred(*_CUT)
    state.files[f"{folder}/install"] = state.files[f"{folder}/uninstall.sh"] = text
    return Result(0, "", "")


def _untarred(*lines: str) -> Result:
    return Result(2, "", "".join(f"{line}\n" for line in lines))


def env(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`env -C DIR ./install OPTION...` and `env -C DIR ./uninstall.sh --force`."""
    del input
    if len(argv) < 4 or argv[1] != "-C" or not argv[3].startswith("./"):
        raise NotSimulated(f"`{' '.join(argv)}`")
    folder, script = argv[2], argv[3]
    if not files.is_folder(state, folder):
        words = "Not a directory" if folder in state.files else "No such file or directory"
        return Result(125, "", f"env: cannot change directory to '{folder}': {words}\n")
    text = state.files.get(f"{folder}/{script[2:]}")
    if text is None:
        return Result(127, "", f"env: '{script}': No such file or directory\n")
    contents = _contents(text)
    if contents is None or script not in ("./install", "./uninstall.sh"):
        raise NotSimulated(f"`{' '.join(argv)}`")
    if script == "./uninstall.sh":
        state.kernel.dkms.pop(contents["driver"], None)
        return Result(0, "Uninstall finished successfully\n", "")
    return ended(lambda words: _install(state, contents, words), argv[4:])


def _install(state: State, contents: dict[str, str], options: Sequence[str]) -> str:
    """What NVIDIA's installer says, and the lab's after it; it speaks on stdout."""
    if unknown := [word for word in options if word not in _OPTIONS]:
        raise Failed("", 1, f"Unsupported installer option: {unknown[0]}\n\nUsage: ./install ...\n")
    driver, version, release = contents["driver"], contents["version"], state.kernel.release
    package = "mlnx-en" if driver == "mlx5_core" else f"{driver}-en"
    logs = f"/tmp/{package}.a1b2c3.logs"  # noqa: S108 (its own words)
    said = f"Logs dir: {logs}\nGeneral log file: {logs}/general.log\n"
    if contents.get("needs") and contents["needs"] not in options:
        here = _DISTRIBUTIONS.get(state.platform.naming, "")
        raise Failed("", 1, f"{said}Current operation system is not supported ({here})!\n")
    said += (
        f"\nBelow is the list of {package} packages that you have chosen\n"
        "(some may have been added by the installer due to package dependencies):\n\n"
        f"{driver}-dkms\n\n"
        f"This program will install the {package} package on your machine.\n"
        "\nChecking SW Requirements...\n"
    )
    build = f"/lib/modules/{release}/build"
    if not loader.has_headers(state):
        said += f"Error: {build} does not exist. Please install the kernel headers: "
        raise Failed("", 1, f"{said}linux-headers-{release}\n")
    if "dkms" not in state.packages:
        said += f"Error: One or more required packages for installing {package} are missing: dkms\n"
        raise Failed("", 1, said)
    said += "Removing old packages...\nInstalling new packages\n"
    said += f"Installing {driver}-dkms-{version}...\n"
    if contents.get("broken"):
        if state.kernel.dkms.get(driver) == version:  # it removed that before it began
            del state.kernel.dkms[driver]
        said += f"Failed to install {driver}-dkms DEB\nCollecting debug info...\n"
        log = f"{logs}/{driver}-dkms.debinstall.log"
        state.files[log] = f"{contents['broken']}\n"
        raise Failed("", 1, f"{said}See {log}\n")
    state.kernel.dkms[driver] = version
    said += "\nInstallation passed successfully\n"
    return f"{said}To load the new driver, run:\nmodprobe {driver}\n"
