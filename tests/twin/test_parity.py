"""Parity: the twin answers every operation as the lab's machine did (lab/tests/test_parity.py)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from parity.operations import STORIES
from parity.playing import Player, story

from eswitch.twin import Twin, open_machine

ANSWERS = Path(__file__).parent.parent / "parity" / "answers"


@pytest.mark.parametrize("name", STORIES)
def test_the_twin_answers_as_the_lab(name: str) -> None:
    recorded = json.loads((ANSWERS / f"{name}.json").read_text())
    player = Player(Twin(open_machine("lab")), "0000:01:00.0", "0000:02:00.0")
    found = story(player, STORIES[name])
    wrong = [
        {"operation": operation, "twin": answer, "lab": theirs}
        for (operation, answer), (_, theirs) in zip(found, recorded, strict=True)
        if answer != theirs
    ]
    assert [operation for operation, _ in found] == [operation for operation, _ in recorded]
    assert wrong == [], json.dumps(wrong[:3], indent=1)
