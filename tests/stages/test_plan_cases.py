"""Plans by case file: a host, a spec, and what a person would type. A new case is a new file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydrate import host_of
from ruamel.yaml import YAML

from eswitch.model.action import by_hand
from eswitch.spec import load
from eswitch.stages import make_plan, questions

CASES = sorted((Path(__file__).parent.parent / "cases" / "plan").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = YAML(typ="safe").load(path)
    observed = host_of(case)
    desired = load(case["spec"].encode(), path.name)
    plan = make_plan(desired, observed)
    commands = [str(action) for step in plan.steps for action in by_hand(step.actions)]
    assert [f"{b.subject}: {b.message}" for b in plan.blockers] == case.get("blockers", [])
    assert commands == case.get("commands", [])
    later = [str(action) for step in plan.later for action in by_hand(step.actions)]
    assert later == case.get("later", [])
    assert [str(pending) for pending in plan.pending] == case.get("pending", [])
    human = [str(blocker.subject) for blocker in plan.blockers if blocker.kind.by_hand]
    assert human == case.get("human", [])
    if "hints" in case:
        assert [blocker.hint for blocker in plan.blockers] == case["hints"]
    assert all(blocker.hint for blocker in plan.blockers)
    asked = [f"{q.topic} {q.of}".rstrip() for q in questions(desired, observed)]
    assert sorted(asked) == case.get("asked", [])
    assert [str(each) for step in plan.steps for each in step.disturbs] == case.get("disturbs", [])
    assert [note.message for note in plan.notes] == case.get("notes", [])
    if "undo" in case:
        assert [str(action) for step in plan.steps for action in by_hand(step.inverse)] == case[
            "undo"
        ]
    if "missing" in case:
        missing = [f"{step.subject}: {step.attribute}" for step in plan.steps if not step.passing]
        assert missing == case["missing"]
    told = ("commands", "blockers", "pending", "asked", "notes")
    assert any(case.get(key) for key in told) or "nothing" in path.stem


def test_there_are_cases() -> None:
    assert len(CASES) >= 140
