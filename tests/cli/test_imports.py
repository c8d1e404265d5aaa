"""The start-up budget: a verb pays for what it uses, and for nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest


def imported(*argv: str) -> set[str]:
    """The modules that are there once `eswitch ARGV` has run, without those of bare Python."""
    program = (
        "import sys; before = set(sys.modules); from eswitch.cli import main; main(sys.argv[1:]);"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *argv],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)},
    )
    return set(done.stderr.splitlines()[-1].split())


def test_version_imports_nothing_but_us() -> None:
    found = imported("--version")
    assert "eswitch.cli" in found
    assert {name for name in found if name.partition(".")[0] != "eswitch"} <= {"__future__"}
    assert len(found) <= 4, f"too much for a version: {sorted(found)}"


def test_help_imports_no_verb() -> None:
    found = imported("--help")
    assert "click" in found
    assert not {name for name in found if name.startswith("eswitch.cli.verbs.")}
    assert not {name for name in found if name.startswith(("eswitch.observe", "eswitch.spec"))}


@pytest.mark.parametrize("words", [("--help",), ("show",), ("twin", "list")])
def test_only_the_demo_pays_for_the_demo(words: tuple[str, ...]) -> None:
    assert not {name for name in imported(*words) if "demo" in name or "performance" in name}


@pytest.mark.parametrize("verb", ["show", "flows", "plan"])
def test_no_verb_draws_with_libraries(verb: str) -> None:
    assert not {"rich", "asyncio"} & imported(verb, "--no-color")


def test_show_reads_no_spec() -> None:
    found = imported("show")
    assert "eswitch.observe" in found
    assert not {"pydantic", "ruamel", "ruamel.yaml"} & found
    assert not {name for name in found if name.startswith(("eswitch.spec", "eswitch.engine"))}
