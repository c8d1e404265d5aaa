"""Whose refusal it is decides which hint it gets."""

from __future__ import annotations

import pytest

from eswitch.engine.explain import KNOWN, Known, Speaker, explain_program, explain_tool
from eswitch.errors import CommandFailed
from eswitch.model.action import Tool

OTHERS = [tool for tool in Tool if tool is not Tool.DEVLINK]
ROOT = "run it as root"


def said(tool: Tool, words: str) -> str | None:
    return explain_tool(tool, CommandFailed((tool.value,), 1, "", words)).hint


@pytest.mark.parametrize("tool", OTHERS)
@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.text or str(known.errno))
def test_a_tool_has_only_hints_of_its_own(tool: Tool, known: Known) -> None:
    mine = {row.text: row.hint for row in KNOWN if tool in row.whose}
    hint = said(tool, f"Error: {known.text}.")
    assert hint == next((hint for text, hint in mine.items() if text in known.text), None)


@pytest.mark.parametrize("tool", [Tool.IP, Tool.TC, Tool.ETHTOOL])
def test_devlinks_hints_are_devlinks(tool: Tool) -> None:
    words = "RTNETLINK answers: Operation not supported"
    assert said(tool, words) is None
    assert said(Tool.DEVLINK, words) == "this driver or kernel has no e-switch modes"
    assert said(tool, "RTNETLINK answers: Operation not permitted") == ROOT


def test_devlink_and_open_vswitch_have_theirs() -> None:
    assert "tc qdisc" in str(said(Tool.DEVLINK, "Error: mlx5_core: E-Switch is busy."))
    assert said(Tool.OVS, "ovs-vsctl: unix:db.sock: database connection failed") == (
        "systemctl start openvswitch-switch"
    )


def test_a_program_has_its_own() -> None:
    error = CommandFailed(("x",), 1, "", "No space left on device")
    assert "df -h /boot/efi" in str(explain_program(error, error.stderr, "").hint)
    error = CommandFailed(("x",), 1, "", "Operation not supported")
    assert explain_program(error, error.stderr, "").hint is None


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.text or str(known.errno))
def test_each_row_says_whose_it_is_and_how_it_is_known(known: Known) -> None:
    assert known.whose
    assert known.text or known.errno is not None
    by_number = known.errno is not None
    assert not by_number or known.whose == (Speaker.SRIOV,)
