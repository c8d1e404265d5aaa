"""Each tests/cases/verify/NAME.json is a host, what was seen of its traffic, and the right verdict.

`host` is a patch of host.json, the host that all cases start from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hydrate import hydrate
from offload.merge_patch import observed_from, patched

from eswitch.model.desired import DesiredState
from eswitch.model.plan import Plan
from eswitch.model.report import Layer, Report
from eswitch.model.step import Step
from eswitch.offload.evidence import Evidence, look
from eswitch.offload.flow import parse_dump
from eswitch.offload.judge import judge
from eswitch.offload.sources.counters import CpuHits
from eswitch.offload.sources.openvswitch import Running

FOLDER = Path(__file__).parent.parent / "cases" / "verify"
HOST = json.loads((FOLDER / "host.json").read_text())
CASES = sorted(path for path in FOLDER.glob("*.json") if path.name != "host.json")


def plan_of(case: dict[str, Any]) -> Plan | None:
    if case["spec"] is None:
        return None
    pending = case["pending"] or []
    if isinstance(pending, dict):
        return hydrate(Plan, {key: [about(each) for each in pending[key]] for key in pending})
    return Plan(steps=tuple(hydrate(Step, about(step)) for step in pending))


def about(data: dict[str, Any]) -> dict[str, Any]:
    """A step or blocker of a case: whom it is about is told by a name."""
    return {**data, "subject": {"kind": "spec-nic", "name": data["subject"]}}


def evidence_of(case: dict[str, Any]) -> Evidence:
    evidence = None
    for seen in case["looks"]:
        dump = parse_dump("\n".join(seen["flows"]))
        assert not dump.unparsed, f"the case has a broken flow: {dump.unparsed[0]}"
        hits = {name: hydrate(CpuHits, value) for name, value in seen.get("hits", {}).items()}
        evidence = look(dump, float(seen["at"]), hits, evidence)
    assert evidence
    return evidence


def report_of(case: dict[str, Any]) -> Report:
    return judge(
        None if case["spec"] is None else hydrate(DesiredState, case["spec"]),
        observed_from(patched(HOST, case["host"])),
        plan_of(case),
        evidence_of(case),
        hydrate(Running, case["running"]),
    )


def test_there_are_cases() -> None:
    assert len(CASES) >= 25


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = json.loads(path.read_text())
    report = report_of(case)
    verdicts = {layer.value: report.verdict(layer).value for layer in Layer}
    for wanted in case["checks"]:
        found = [
            check
            for check in report.checks
            if check.layer == wanted["layer"]
            and check.question == wanted["question"]
            and str(check.subject).split(" (")[0] == wanted["subject"].split(" (")[0]
        ]
        assert len(found) == 1, f"{wanted['subject']}: {wanted['question']}"
        assert found[0].verdict == wanted["verdict"], found[0].evidence
        for text in wanted["evidence"]:
            assert text in found[0].evidence
        if "reason_kind" in wanted:
            assert found[0].reason_kind == wanted["reason_kind"]
    assert verdicts | {"all": report.verdict().value} == case["verdicts"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_failures_say_what_to_do(path: Path) -> None:
    for check in report_of(json.loads(path.read_text())).checks:
        assert check.evidence
        if check.verdict == "failed":
            assert check.hint
