"""cp, mkdir, rm and sha256sum, as far as anybody runs them. Directories come with their files."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from eswitch.host import Result
from eswitch.twin.state import State

from .tool import NotSimulated


def cp(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`cp FILE FILE`."""
    del input
    if len(argv) != 3 or argv[1].startswith("-"):
        raise NotSimulated(f"`{' '.join(argv)}`")
    text = state.files.get(argv[1])
    if text is None:
        return Result(1, "", f"cp: cannot stat '{argv[1]}': No such file or directory\n")
    state.files[argv[2]] = text
    return Result(0, "", "")


def mkdir(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`mkdir -p -m 700 DIR...`: there is nothing to be done until a file comes."""
    del state, input
    if list(argv[1:4]) != ["-p", "-m", "700"]:
        raise NotSimulated(f"`{' '.join(argv)}`")
    return Result(0, "", "")


def rm(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`rm -rf DIR`."""
    del input
    if len(argv) != 3 or argv[1] != "-rf" or not argv[2].startswith("/"):
        raise NotSimulated(f"`{' '.join(argv)}`")
    for path in [path for path in state.files if f"{path}/".startswith(f"{argv[2]}/")]:
        del state.files[path]
    return Result(0, "", "")


def sha256sum(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`sha256sum FILE`, `sha256sum --check --quiet -`."""
    if list(argv[1:]) == ["--check", "--quiet", "-"]:
        return _check(state, input or "")
    if len(argv) != 2 or argv[1].startswith("-"):
        raise NotSimulated(f"`{' '.join(argv)}`")
    found = checksum(state, argv[1])
    if found is None:
        return Result(1, "", f"sha256sum: {argv[1]}: No such file or directory\n")
    return Result(0, f"{found}  {argv[1]}\n", "")


def checksum(state: State, path: str) -> str | None:
    """That of an ordinary file."""
    text = state.files.get(path)
    return None if text is None else sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _check(state: State, lines: str) -> Result:
    out, err, wrong = "", "", 0
    for line in lines.splitlines():
        wanted, _, path = line.partition("  ")
        found = checksum(state, path)
        if found is None:
            err += f"sha256sum: {path}: No such file or directory\n"
            out += f"{path}: FAILED open or read\n"
            err += "sha256sum: WARNING: 1 listed file could not be read\n"
            return Result(1, out, err)
        if found != wanted:
            out, wrong = f"{out}{path}: FAILED\n", wrong + 1
    if wrong:
        err = f"sha256sum: WARNING: {wrong} computed checksum did NOT match\n"
    return Result(1 if wrong else 0, out, err)
