"""Every good spec gives its state, every bad one all of its problems at their places."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from spec.spec_cases import as_json, cases

from eswitch.spec import Problem, SpecInvalid, load
from eswitch.spec.writing import dump


def _name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("case", cases("good"), ids=_name)
def test_good_spec_gives_its_state(case: Path) -> None:
    state = load(case.read_bytes(), case.name)
    assert as_json(state) == json.loads(case.with_suffix(".json").read_text())


@pytest.mark.parametrize("case", cases("good"), ids=_name)
def test_good_spec_survives_being_written(case: Path) -> None:
    state = load(case.read_bytes(), case.name)
    assert load(dump(state).encode(), "again") == state


@pytest.mark.parametrize("case", cases("bad"), ids=_name)
def test_bad_spec_gives_all_its_problems(case: Path) -> None:
    with pytest.raises(SpecInvalid) as caught:
        load(case.read_bytes(), case.name)
    said = "".join(
        f"{problem.line}:{problem.column}: {problem.message}\n  hint: {problem.hint}\n"
        for problem in caught.value.problems
    )
    assert said == case.with_suffix(".expect").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", cases("bad"), ids=_name)
def test_text_of_the_error_is_complete_and_harmless(case: Path) -> None:
    with pytest.raises(SpecInvalid) as caught:
        load(case.read_bytes(), case.name)
    text = str(caught.value)
    assert caught.value.exit_code == 3
    assert all(char.isprintable() for char in text.replace("\n", ""))
    for problem in caught.value.problems:
        assert f"{problem.where}: {problem.message}" in text
        assert f"hint: {problem.hint}" in text
    assert text.endswith("nothing was touched")


def test_a_problem_shows_its_line_with_a_caret() -> None:
    problem = Problem("a.yaml", 12, 8, "no", "yes", "    x: 日本y")
    assert str(problem).splitlines() == [
        "a.yaml:12:8: no",
        "  12 |     x: 日本y",
        "     |        ^",
        "  hint: yes",
    ]


def test_the_caret_stands_behind_wide_characters() -> None:
    problem = Problem("a.yaml", 1, 3, "no", "yes", "日本y")
    assert str(problem).splitlines()[1:3] == ["  1 | 日本y", "    |     ^"]


def test_a_long_line_is_cut_around_the_place() -> None:
    line = "a" * 500 + "HERE" + "b" * 500
    shown, caret = str(Problem("a.yaml", 1, 501, "no", "yes", line)).splitlines()[1:3]
    assert len(shown) < 120
    assert shown[caret.index("^") :].startswith("HERE")


def test_many_problems_are_counted_not_all_printed() -> None:
    lines = "".join(f"key{number}: 1\n" for number in range(200))
    with pytest.raises(SpecInvalid) as caught:
        load(b"version: 1\n" + lines.encode(), "a.yaml")
    assert len(caught.value.problems) == 200
    text = str(caught.value)
    assert "... and 175 more problems" in text
    assert "200 problems in a.yaml" in text


def test_every_value_knows_its_place() -> None:
    text = (
        b"version: 1\n"
        b"nics:\n"
        b"  cx6:\n"
        b"    match: {pci: 0000:07:00.0}\n"
        b"    vfs:\n"
        b"      - {vlan: 5}\n"
        b"      - {}\n"
        b"bridges:\n"
        b"  vmbr2:\n"
        b"    ports: [cx6/0,\n"
        b"            cx6/uplink]\n"
        b"ovs: {max_idle: 700}\n"
    )
    state = load(text, "s.yaml")
    nic, bridge = state.nics[0], state.bridges[0]
    assert str(nic.source) == "s.yaml:3:3"
    assert str(nic.match.source) == "s.yaml:4:5"
    assert str(nic.vfs_source) == "s.yaml:5:5"
    assert [str(vf.source) for vf in nic.vfs] == ["s.yaml:6:9", "s.yaml:7:9"]
    assert str(bridge.source) == "s.yaml:9:3"
    assert [str(port.source) for port in bridge.ports] == ["s.yaml:10:13", "s.yaml:11:13"]
    assert str(state.ovs.source) == "s.yaml:12:1"
