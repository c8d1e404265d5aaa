"""What people see, compared with tests/cli/screens/NAME.txt."""

from __future__ import annotations

import json

import pytest
from cli.cli_run import CASES, Command, expect, plan_case
from cli.cli_scale import spec as spec_of
from cli.cli_scale import with_vfs
from fake_host import FakeHost, failed
from hydrate import hydrate

from eswitch.model.observed import ObservedState

SPEC = "eswitch.yaml"

PLANS = (
    "recipe-from-nothing",
    "uplink-with-address",
    "legacy-vfs-exist",
    "foreign-port",
    "legacy-vf-used-by-a-vm",
    "stock-debian-13",
    "no-such-nic",
    "nothing-to-do",
    "e810",
)
SHOWS = (
    "recipe-from-nothing",
    "foreign-port",
    "legacy-vf-used-by-a-vm",
    "eswitch-unreadable",
    "sriov-off",
    "i40e",
    "unknown-driver",
    "kernel-options-unreadable",
    "ovs-absent",
    "ovs-stopped",
    "tools-missing",
    "port-with-error",
)


def host_of(name: str) -> FakeHost:
    spec, observed = plan_case(name)
    return FakeHost([observed], {SPEC: spec.encode()})


def talking(name: str) -> FakeHost:
    """The host of the verify cases, with the flows of one of them."""
    case = json.loads((CASES / "verify" / f"{name}.json").read_text())
    assert not case["host"], "this case patches its host; choose another one"
    observed = hydrate(ObservedState, json.loads((CASES / "verify" / "host.json").read_text()))
    assert isinstance(observed, ObservedState)
    answers: dict[str, str] = {
        "ovs-appctl dpctl/dump-flows": "\n".join(case["looks"][-1]["flows"]),
        "ovs-appctl upcall/show": "  offloaded flows : 4\n",
    }
    return FakeHost([observed], answers=dict(answers))


@pytest.mark.parametrize("name", PLANS)
def test_plan(command: Command, name: str) -> None:
    expect(command("plan", SPEC, host=host_of(name)), f"plan-{name}")


def test_plan_commands(command: Command) -> None:
    answer = command("plan", "--commands", SPEC, host=host_of("recipe-from-nothing"))
    expect(answer, "plan-commands")
    for text in answer.out.splitlines():
        assert text.startswith("#") or "<" not in text, "a paste would make a file of it"


def test_plan_verbose(command: Command) -> None:
    expect(command("plan", "-v", SPEC, host=host_of("uplink-with-address")), "plan-verbose")


def test_plan_of_127_vfs(command: Command) -> None:
    host = host_of("recipe-from-nothing")
    before = hydrate_limit(host.states[0])
    host = FakeHost([before], {SPEC: spec_of(127).encode()})
    answer = command("plan", SPEC, host=host)
    expect(answer, "plan-127-vfs")
    assert len(answer.out.splitlines()) < 50
    assert len(command("plan", "-v", SPEC, host=host).out.splitlines()) > 127 * 3


def hydrate_limit(observed: ObservedState) -> ObservedState:
    """The same host with a NIC that can have 127 VFs."""
    full = with_vfs(observed, 0)
    from dataclasses import replace

    nic = replace(observed.nics[0], sriov=full.nics[0].sriov)
    return replace(observed, nics=(nic,))


@pytest.mark.parametrize("name", SHOWS)
def test_show(command: Command, name: str) -> None:
    expect(command("show", host=host_of(name)), f"show-{name}")


def test_show_of_127_vfs(command: Command) -> None:
    _, start = plan_case("recipe-from-nothing")
    host = FakeHost([with_vfs(start, 127)])
    answer = command("show", host=host)
    expect(answer, "show-127-vfs")
    assert len(answer.out.splitlines()) < 24
    everything = command("show", "--all", host=host)
    assert len(everything.out.splitlines()) > 2 * 127


def test_show_counts_flows(command: Command) -> None:
    expect(command("show", host=talking("all-in-hardware")), "show-flows")


def test_show_as_nobody(command: Command) -> None:
    host = host_of("eswitch-unreadable")
    host.root = False
    expect(command("show", host=host), "show-not-root")


@pytest.mark.parametrize(
    "name", ["all-in-hardware", "refused-by-the-nic", "kernel-datapath", "conntrack-chain"]
)
def test_flows(command: Command, name: str) -> None:
    expect(command("flows", host=talking(name)), f"flows-{name}")


def test_flows_of_one_kind(command: Command) -> None:
    answer = command("flows", "--type", "kernel", host=talking("all-in-hardware"))
    expect(answer, "flows-none-of-these")
    answer = command("flows", "--port", "enp7s0f0r1", host=talking("all-in-hardware"))
    expect(answer, "flows-of-one-port")


def test_flows_without_ovs(command: Command) -> None:
    host = host_of("ovs-stopped")
    host.answers["ovs-appctl"] = failed("ovs-appctl", "ovs-appctl: cannot read pidfile")
    expect(command("flows", host=host), "flows-ovs-stopped")


@pytest.mark.parametrize(
    "name", ["all-in-hardware", "refused-by-the-nic", "no-traffic", "by-nature-software"]
)
def test_verify_without_a_spec(command: Command, name: str) -> None:
    expect(command("verify", "-t", "0", host=talking(name)), f"verify-{name}")


def test_verify_what_was_never_applied(command: Command) -> None:
    answer = command("verify", SPEC, host=host_of("recipe-from-nothing"))
    expect(answer, "verify-not-applied")


def test_validate(command: Command) -> None:
    expect(command("validate", SPEC, host=host_of("foreign-port")), "validate")
    wrong = FakeHost(files={SPEC: b"version: 1\nnics:\n  cx6:\n    vsf: 2\n"})
    expect(command("validate", SPEC, host=wrong), "validate-wrong")


def test_init(command: Command) -> None:
    answer = command("init", host=host_of("foreign-port"))
    assert answer.code == 0
    assert answer.err == ""
    checked = command("validate", "-", stdin=answer.out)
    assert checked.code == 0, checked.err


def test_schema(command: Command) -> None:
    answer = command("schema")
    assert answer.code == 0
    assert json.loads(answer.out)["properties"]["version"]


def test_help(command: Command) -> None:
    expect(command("--help"), "help")
    expect(command(), "no-arguments")
