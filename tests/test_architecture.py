"""The import rule of ARCHITECTURE.md: who may import whom, and who may touch the host."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "eswitch"

# A package may import itself, the packages named here, and `errors`.
MAY_IMPORT = {
    "model": set(),
    "files": set(),
    "spec": {"model"},
    "host": set(),
    "observe": {"model", "files", "host"},
    "topology": {"model"},
    "stages": {"model", "files", "topology"},
    "engine": {"model", "files", "host", "observe", "topology", "stages"},
    "offload": {"model", "host", "observe", "topology"},
    "twin": {"model", "host"},
    "demo": {"model", "files", "host", "observe", "offload", "twin"},
    "cli": {
        *("model", "spec", "host", "observe", "topology", "stages", "engine", "offload"),
        *("files", "twin", "demo"),
    },
}
# Modules with effects; only the door may use them.
EFFECTS = {"subprocess", "os", "pathlib", "shutil", "socket", "fcntl", "signal", "tempfile"}
# The command line talks to its own terminal, never to the host.
TERMINAL = {"os", "signal"}

FILES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = 350


def dotted(path: Path) -> str:
    """A file's name as a module; that of an __init__ is its package's."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(("eswitch", *(parts[:-1] if parts[-1] == "__init__" else parts)))


MODULES = {dotted(path): path for path in FILES}


def imported(path: Path) -> set[str]:
    """Absolute names of all modules that a file imports, wherever in the file."""
    package = ("eswitch", *path.relative_to(SOURCE).parent.parts)
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def house(path: Path) -> str:
    parts = path.relative_to(SOURCE).parts
    return parts[0] if len(parts) > 1 else ""


def test_every_package_has_its_rule() -> None:
    assert {house(path) for path in FILES} - {""} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_one_way(path: Path) -> None:
    mine = house(path)
    if not mine:
        return
    allowed = MAY_IMPORT[mine] | {mine, "errors", "__version__"}
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("eswitch.")}
    assert ours <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_the_door_has_effects(path: Path) -> None:
    mine = house(path)
    if mine == "host":
        return
    banned = EFFECTS - (TERMINAL if mine == "cli" else set())
    assert not {name.split(".")[0] for name in imported(path)} & banned


def test_stages_do_no_input_or_output() -> None:
    for path in FILES:
        if house(path) in {"stages", "model", "files", "topology"}:
            calls = {
                node.func.id
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            }
            assert not calls & {"open", "print", "input", "exec", "eval"}, path


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_can_be_read_in_one_go(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


def modules_of(path: Path) -> Iterator[str]:
    """Our modules that a file takes something from, wherever in it, also for types only.

    What is no module of its own comes from the package's __init__.
    """
    for name in imported(path):
        module = name if name in MODULES else name.rpartition(".")[0]
        if module in MODULES:
            yield module


def circle(imports: dict[str, set[str]]) -> list[str]:
    """One way from a module through others back to it; empty if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as found:
        return list(found.args[1])
    return []


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert sorted(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})[:-1]) == ["a", "b", "c"]
    assert circle({"a": {"a"}})


def test_no_module_imports_itself_over_others() -> None:
    imports = {name: set(modules_of(path)) for name, path in MODULES.items()}
    assert sum(map(len, imports.values())) > len(imports)
    assert circle(imports) == []
