"""Plans by case file: a host, a spec, and what a person would type. A new case is a new file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydrate import hydrate
from ruamel.yaml import YAML

from eswitch.model.observed import ObservedState
from eswitch.spec import load
from eswitch.stages import make_plan

CASES = sorted((Path(__file__).parent.parent / "cases" / "plan").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = YAML(typ="safe").load(path)
    observed = hydrate(ObservedState, case["observed"])
    assert isinstance(observed, ObservedState)
    plan = make_plan(load(case["spec"].encode(), path.name), observed)
    commands = [str(action) for step in plan.steps for action in step.actions]
    assert [f"{b.subject}: {b.message}" for b in plan.blockers] == case.get("blockers", [])
    assert commands == case.get("commands", [])
    assert [text for step in plan.steps for text in step.disturbs] == case.get("disturbs", [])
    assert [note.message for note in plan.notes] == case.get("notes", [])
    if "undo" in case:
        assert [str(action) for step in plan.steps for action in step.inverse] == case["undo"]
    assert case.get("commands") or case.get("blockers") or "nothing" in path.stem


def test_there_are_cases() -> None:
    assert len(CASES) >= 12
