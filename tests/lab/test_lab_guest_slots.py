"""Only so many guests at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from machine.guest_slots import guest_slot, take


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


def test_a_guest_waits_until_a_slot_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machine.guest_slots.slot_count", lambda: 1)
    monkeypatch.setattr("machine.guest_slots.PAUSE", 0.001)
    (tmp_path / "locks").mkdir()
    held = take(tmp_path / "locks", 1)
    assert held is not None
    said = threading.Event()

    def waiting() -> None:
        said.set()
        held.close()

    with guest_slot(tmp_path, waiting):
        assert said.is_set()
        assert take(tmp_path / "locks", 1) is None
