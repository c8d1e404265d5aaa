"""Case files of specs, and a DesiredState as JSON."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

CASES = Path(__file__).parents[1] / "cases" / "spec"


def cases(kind: str) -> list[Path]:
    """The specs in good/ or bad/."""
    return sorted((CASES / kind).glob("*.yaml"))


def as_json(value: Any) -> Any:
    """Plain values, without places."""
    if dataclasses.is_dataclass(value):
        return {
            field.name: as_json(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.compare
        }
    if isinstance(value, tuple):
        return [as_json(entry) for entry in value]
    return value if isinstance(value, int | None) else str(value)
