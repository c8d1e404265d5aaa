"""Each fault of the NIC gives its own error, and leaves a host that the next apply repairs."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from host import run, wait_until
from nic import Nic
from program import apply, eswitch
from specs import RECIPE, simple

FAULTS = [
    ("fail_sriov", 12, "Cannot allocate memory", "Above-4G"),
    ("fail_sriov", 5, "Input/output error", "ARI"),
    ("max_vfs_created", 3, "set to 8, but reads back as 3", "dmesg"),
    ("fail_mode", 1, "Failed setting eswitch to offloads", "firmware refused"),
]


@pytest.mark.parametrize(("fault", "value", "words", "hint"), FAULTS)
def test_a_fault_says_what_it_is_and_is_repaired(
    nic: Nic, fault: str, value: int, words: str, hint: str
) -> None:
    nic.set_fault(fault, value)
    failed = apply(simple(8), status=1)
    assert words in failed.err
    assert hint in failed.err
    nic.set_fault(fault, 0)
    apply(simple(8))
    assert nic.numvfs == 8
    assert eswitch("plan", "-", input=simple(8)).status == 0


def test_slow_creation_is_waited_for(nic: Nic) -> None:
    nic.set_fault("sriov_delay_ms", 15000)
    apply(simple(2))
    assert nic.numvfs == 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_apply_is_finished_by_the_next(nic: Nic, how: signal.Signals) -> None:
    nic.set_fault("sriov_delay_ms", 4000)
    process = subprocess.Popen(
        ["eswitch", "apply", "--yes", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(RECIPE)
    process.stdin.close()
    wait_until(lambda: nic.mode == "switchdev", "the apply is under way")
    os.kill(process.pid, how)
    status = process.wait(timeout=120)
    assert status == (130 if how == signal.SIGINT else status)
    assert status != 0
    nic.set_fault("sriov_delay_ms", 0)
    # A write that the kernel is still busy with ends by itself.
    wait_until(lambda: nic.numvfs in (0, 2), "the kernel has finished")
    apply(RECIPE)
    assert eswitch("plan", "-", input=RECIPE).status == 0


def test_refused_flows_are_software_not_offloaded(nic: Nic) -> None:
    """A NIC that takes no rule: configured and wired, yet verify must not say offloaded."""
    apply(RECIPE)
    nic.set_fault("refuse_flows", 1)
    for vf, name, address in ((0, "one", "192.168.1.11/24"), (1, "two", "192.168.1.12/24")):
        run("ip", "netns", "add", name)
        netdev = nic.wait_vf_netdev(vf)
        run("ip", "link", "set", netdev, "netns", name)
        run("ip", "-n", name, "addr", "add", address, "dev", netdev)
        run("ip", "-n", name, "link", "set", netdev, "up")
    ping = subprocess.Popen(
        ["ip", "netns", "exec", "one", "ping", "-i", "0.2", "192.168.1.12"],
        stdout=subprocess.DEVNULL,
    )
    try:
        answer = eswitch("verify", "--timeout", "30", "-", input=RECIPE)
        assert answer.status == 2
        flows = eswitch("flows", "-o", "json").json["flows"]
        assert any(flow["placement"] == "tc software" for flow in flows)
        assert not any(flow["placement"] == "hardware" for flow in flows)
    finally:
        ping.kill()
        ping.wait()


def test_two_applies_at_once(nic: Nic) -> None:
    nic.set_fault("sriov_delay_ms", 8000)
    first = subprocess.Popen(["eswitch", "apply", "--yes", "-"], stdin=subprocess.PIPE, text=True)
    assert first.stdin is not None
    first.stdin.write(simple(2))
    first.stdin.close()
    wait_until(lambda: nic.mode == "switchdev", "the first is under way")
    second = apply(simple(2), status=7)
    assert "pid" in second.err or "process" in second.err
    assert first.wait(timeout=120) == 0
    assert nic.numvfs == 2
