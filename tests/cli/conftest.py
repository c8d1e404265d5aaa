from __future__ import annotations

import pytest
from cli.cli_run import Command


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(monkeypatch)
