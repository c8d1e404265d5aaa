"""Each tests/cases/flows/NAME.txt is a dump, NAME.json says what of it must be understood."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eswitch.offload.flow import Flow, parse_dump, recirculates_to

CASES = Path(__file__).parent.parent / "cases" / "flows"
DUMPS = sorted(CASES.glob("*.txt"))


def understood(flow: Flow) -> dict[str, object]:
    """Everything a case may ask for, in JSON's types."""
    return {
        **{name: getattr(flow, name) for name in Flow.__slots__},
        "outputs": list(flow.outputs),
        "placement": flow.placement.value,
        "recirculates_to": list(recirculates_to(flow)),
        "other": [list(pair) for pair in flow.other],
    }


def test_there_are_cases() -> None:
    assert len(DUMPS) >= 12
    assert {path.with_suffix("") for path in CASES.glob("*.json")} == {
        path.with_suffix("") for path in DUMPS
    }


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    dump = parse_dump(path.read_text())
    expected = json.loads(path.with_suffix(".json").read_text())
    assert list(dump.unparsed) == expected["unparsed"]
    assert len(dump.flows) == len(expected["flows"])
    for flow, wanted in zip(dump.flows, expected["flows"], strict=True):
        match = wanted.pop("match", {})
        assert {name: flow.match.get(name) for name in match} == match
        seen = understood(flow)
        assert {name: seen[name] for name in wanted} == wanted
