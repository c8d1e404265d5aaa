"""The tests of the virtual NIC's module use nothing of the eswitch program: they judge it alone."""

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "lab" / "tests"
OF_THE_PROGRAM = {"eswitch", "program", "specs"}
FILES = sorted([*FOLDER.glob("test_eswitchsim_*.py"), FOLDER / "conftest.py"])


def imported(path: Path) -> set[str]:
    """First parts of the names of all modules that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def reached(path: Path, seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """The same, and what the helpers among them import in turn."""
    for name in imported(path) - seen:
        seen |= {name}
        helper = FOLDER / f"{name}.py"
        if helper.exists():
            seen = reached(helper, seen)
    return seen


def test_the_helpers_are_found() -> None:
    assert {"host", "nic", "subprocess"} <= reached(FOLDER / "test_eswitchsim_modes.py")
    assert "program" in reached(FOLDER / "test_apply.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_of_the_program(path: Path) -> None:
    assert not reached(path) & OF_THE_PROGRAM
