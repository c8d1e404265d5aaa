"""Parity: the twin answers every operation as the lab's machine did (lab/tests/test_parity.py)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from parity.operations import STORIES
from parity.playing import Player, compared, story

from eswitch.twin import Twin, open_machine

ANSWERS = Path(__file__).parent.parent / "parity" / "answers"


@pytest.mark.parametrize("name", STORIES)
def test_the_twin_answers_as_the_lab(name: str) -> None:
    recorded = json.loads((ANSWERS / f"{name}.json").read_text())
    player = Player(Twin(open_machine("lab")), "0000:01:00.0", "0000:02:00.0")
    assert compared(story(player, STORIES[name]), recorded) == []
