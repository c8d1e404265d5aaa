"""Parity: what the real machine answers is what tests/parity/answers says.

The twin has to answer the same (tests/twin/test_parity.py): that is how the lab judges it. After a
change of the operations, record anew: lab/vm run --out DIR -- env PARITY_OUT=/out python3 -m pytest
... lab/tests/test_parity.py, and copy DIR/*.json to tests/parity/answers.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from parity.operations import STORIES
from parity.playing import Player, compared, story

from eswitch.host.local import LocalHost
from nic import Nic

ANSWERS = Path(__file__).parent.parent.parent / "tests" / "parity" / "answers"


@pytest.mark.parametrize("name", STORIES)
def test_the_real_machine_answers_as_recorded(machine: list[Nic], name: str) -> None:
    player = Player(LocalHost(), machine[0].pci, machine[1].pci)
    found = story(player, STORIES[name])
    if os.environ.get("PARITY_OUT"):
        text = json.dumps(found, indent=1)
        (Path(os.environ["PARITY_OUT"]) / f"{name}.json").write_text(text + "\n")
        return
    recorded = json.loads((ANSWERS / f"{name}.json").read_text())
    assert compared(found, recorded) == []
