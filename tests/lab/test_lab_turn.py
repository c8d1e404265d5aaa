"""Only so many guests at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from machine.turn import take, turn


def test_slots_are_taken_one_by_one_and_come_back(tmp_path: Path) -> None:
    first, second = take(tmp_path, 2), take(tmp_path, 2)
    assert first is not None
    assert second is not None
    assert take(tmp_path, 2) is None
    first.close()
    again = take(tmp_path, 2)
    assert again is not None
    again.close()
    second.close()


def test_a_turn_waits_until_a_slot_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("machine.turn.slots", lambda: 1)
    monkeypatch.setattr("machine.turn.PAUSE", 0.001)
    (tmp_path / "locks").mkdir()
    held = take(tmp_path / "locks", 1)
    assert held is not None
    said = threading.Event()

    def waiting() -> None:
        said.set()
        held.close()

    with turn(tmp_path, waiting):
        assert said.is_set()
        assert take(tmp_path / "locks", 1) is None
