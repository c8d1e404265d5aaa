"""Taking an edit out of what others made of the file, by case file. A new case is a new file."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from eswitch.files.edit import undone

CASES = sorted((Path(__file__).parent.parent / "cases" / "edit").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = YAML(typ="safe").load(path)
    assert set(case) == {"before", "after", "found", "left"}
    assert undone(case["before"], case["after"], case["found"]) == case["left"]
    assert undone(case["before"], case["after"], case["after"]) == case["before"]


def test_there_are_cases() -> None:
    assert len(CASES) >= 20


def test_a_long_file_of_lines_that_repeat() -> None:
    before = [f"\tline {number}\n" if number % 3 else "\n" for number in range(3000)]
    after = [*before[:100], "ours 1\n", "\n", *before[100:2000], "ours 2\n", *before[2003:]]
    found = ["theirs\n", *after, "\n"]
    wanted = ["theirs\n", *before, "\n"]
    assert undone("".join(before), "".join(after), "".join(found)) == "".join(wanted)
