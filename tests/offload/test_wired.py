"""Small facts of the wiring that the case files do not reach."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from offload.merge_patch import observed_from, patched

from eswitch.model.report import Check, Verdict
from eswitch.offload.datapath import datapath
from eswitch.offload.sources.openvswitch import Running
from eswitch.offload.wired import wired

FOLDER = Path(__file__).parent.parent / "cases" / "verify"
HOST = json.loads((FOLDER / "host.json").read_text())
ON = Running(on=True, evidence="offloaded flows : 1")


def checks(name: str, **change: Any) -> dict[str, Check]:
    observed = observed_from(patched(HOST, change))
    wanted = tuple((port.bridge, port) for port in datapath(observed).bridged)
    return {
        check.question: check
        for check in wired(observed, wanted, ON)
        if str(check.subject).startswith(name)
    }


@pytest.mark.parametrize(
    ("port", "verdict"),
    [
        ({"ofport": 2}, Verdict.OK),
        ({"ofport": -1}, Verdict.FAILED),  # without a word why
        ({"ofport": 2, "error": "no such device"}, Verdict.FAILED),
        ({"ofport": None}, Verdict.UNKNOWN),
    ],
)
def test_port_of_a_bridge(port: dict[str, Any] | None, verdict: Verdict) -> None:
    found = checks("enp7s0f0r0", ovs={"bridges": {"vmbr2": {"ports": {"enp7s0f0r0": port}}}})
    assert found["is it a working port of vmbr2?"].verdict is verdict


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(True, Verdict.OK), (False, Verdict.FAILED), (None, Verdict.UNKNOWN)],
)
def test_hw_tc_offload(value: object, verdict: Verdict) -> None:
    found = checks("enp7s0f0r0", links={"enp7s0f0r0": {"hw_tc_offload": value}})
    assert found["is hw-tc-offload on?"].verdict is verdict


def test_a_vf_that_is_down_is_its_owners_business() -> None:
    assert "has it a carrier?" in checks("enp7s0f0v1")
    assert not checks("enp7s0f0v1", links={"enp7s0f0v1": {"up": False, "carrier": None}})


def test_a_port_whose_link_was_not_read_is_unknown() -> None:
    found = checks("enp7s0f0r0", links={"enp7s0f0r0": None})
    assert found["is its link up?"].verdict is Verdict.UNKNOWN
