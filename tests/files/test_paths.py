"""Every path that eswitch owns is spelled once."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from eswitch.files import paths

SOURCE = Path(__file__).parent.parent.parent / "src" / "eswitch"
KNOWN = {name: value for name, value in vars(paths).items() if name.isupper()}
# The twin plays the operating system that these are part of.
OF_OTHERS = {paths.KERNEL_CMDLINE}
OF_ESWITCH = re.compile(r"/(etc|run|usr|var)/.*eswitch")
MODULES = [path for path in sorted(SOURCE.rglob("*.py")) if path.parent.name != "files"]


def spelled(path: Path) -> Iterator[str]:
    """The texts in a module, without what it says about itself."""
    tree = ast.parse(path.read_text())
    told = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_other_module_spells_one(path: Path) -> None:
    is_twin = path.relative_to(SOURCE).parts[0] == "twin"
    owned = set(KNOWN.values()) - (OF_OTHERS if is_twin else set())
    assert [text for text in spelled(path) if any(one in text for one in owned)] == []
    assert [text for text in spelled(path) if OF_ESWITCH.match(text)] == []


def test_paths_are_plain() -> None:
    assert len(KNOWN) >= 14
    assert len(set(KNOWN.values())) == len(KNOWN)
    for name, value in KNOWN.items():
        assert value.startswith("/") or name.endswith("_UNIT")
        assert "//" not in value
        assert value.isascii()
