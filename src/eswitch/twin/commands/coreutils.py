"""cp, mkdir, rm and sha256sum, as far as anybody runs them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

from eswitch.host import Result
from eswitch.twin import files
from eswitch.twin.state import State

from .tool import NotSimulated

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def cp(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`cp FILE FILE`, `cp FILE DIR`."""
    del input
    if len(argv) != 3 or argv[1].startswith("-"):
        raise NotSimulated(f"`{' '.join(argv)}`")
    source, target = argv[1:]
    text = state.files.get(source)
    if text is None:
        if files.is_folder(state, source):
            return Result(1, "", f"cp: -r not specified; omitting directory '{source}'\n")
        return Result(1, "", f"cp: cannot stat '{source}': No such file or directory\n")
    if files.is_folder(state, target):
        target = f"{target.rstrip('/')}/{source.rpartition('/')[2]}"
    if not files.is_folder(state, files.parent_of(target)):
        said = f"cp: cannot create regular file '{target}': No such file or directory\n"
        return Result(1, "", said)
    state.files[target] = text
    return Result(0, "", "")


def mkdir(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`mkdir -p [-m 700] DIR...`."""
    del input
    paths = argv[4:] if list(argv[1:4]) == ["-p", "-m", "700"] else argv[2:]
    if list(argv[1:2]) != ["-p"] or not paths or any(path.startswith("-") for path in paths):
        raise NotSimulated(f"`{' '.join(argv)}`")
    said = ""
    for path in paths:
        words = "File exists" if path in state.files else "Not a directory"
        wrong = path if path in state.files else files.below_file(state, path)
        if wrong:
            said += f"mkdir: cannot create directory '{wrong}': {words}\n"
        else:
            files.make_folder(state, path)
    return Result(1 if said else 0, "", said)


def rm(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`rm -rf DIR`."""
    del input
    if len(argv) != 3 or argv[1] != "-rf" or not argv[2].startswith("/"):
        raise NotSimulated(f"`{' '.join(argv)}`")
    files.remove_tree(state, argv[2])
    return Result(0, "", "")


def sha256sum(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`sha256sum FILE`, `sha256sum --check --quiet -`."""
    if list(argv[1:]) == ["--check", "--quiet", "-"]:
        return _check(state, input or "")
    if len(argv) != 2 or argv[1].startswith("-"):
        raise NotSimulated(f"`{' '.join(argv)}`")
    found = checksum(state, argv[1])
    if found is None:
        there = files.is_folder(state, argv[1])
        words = "Is a directory" if there else "No such file or directory"
        return Result(1, "", f"sha256sum: {argv[1]}: {words}\n")
    return Result(0, f"{found}  {argv[1]}\n", "")


def checksum(state: State, path: str) -> str | None:
    """That of an ordinary file."""
    text = state.files.get(path)
    return None if text is None else sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _check(state: State, lines: str) -> Result:
    found = [match for line in lines.splitlines() if (match := _LINE.fullmatch(line))]
    if len(found) != len(lines.splitlines()) and found:
        raise NotSimulated(f"`sha256sum --check` of {lines!r}")
    if not found:
        said = "sha256sum: 'standard input': no properly formatted checksum lines found\n"
        return Result(1, "", said)
    out, err, missing, wrong = "", "", 0, 0
    for match in found:
        wanted, path = match.groups()
        real = checksum(state, path)
        if real is None:
            err += f"sha256sum: {path}: No such file or directory\n"
            out, missing = f"{out}{path}: FAILED open or read\n", missing + 1
        elif real != wanted:
            out, wrong = f"{out}{path}: FAILED\n", wrong + 1
    if missing:
        are = "file" if missing == 1 else "files"
        err += f"sha256sum: WARNING: {missing} listed {are} could not be read\n"
    if wrong:
        are = "checksum" if wrong == 1 else "checksums"
        err += f"sha256sum: WARNING: {wrong} computed {are} did NOT match\n"
    return Result(1 if missing or wrong else 0, out, err)
