"""Each pair in tests/cases/kernel-log is a refused write to sriov_numvfs: the kernel's log (.txt),
and what eswitch must say about it (.json). domain.md 1.2 has the rows."""

import json
from pathlib import Path

import pytest

from eswitch.engine.explain import explain_vf_count
from eswitch.errors import HostError
from eswitch.host.recorded import RecordedHost
from eswitch.model.action import SetVfCount

CASES = sorted((Path(__file__).parent.parent / "cases" / "kernel-log").glob("*.json"))


def test_there_are_cases() -> None:
    assert len(CASES) > 10


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = json.loads(path.read_text())
    host = RecordedHost(
        {"commands": {"dmesg --notime": {"stdout": path.with_suffix(".txt").read_text()}}}
    )
    refusal = HostError(case["said"], errno=case["errno"])
    found = explain_vf_count(SetVfCount(case["pci"], 4, timeout=10.0), refusal, host)
    assert case["expect"]["hint"] in (found.hint or "")
    assert case["said"] in found.message
    assert ("kernel log" in found.message) == bool(case["expect"]["quoted"])
    assert case["expect"]["quoted"] in found.message
    assert found.where == case["pci"]
