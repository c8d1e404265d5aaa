"""apply and rollback as a person, a pipe and a script see them, with the real engine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest
from cli.cli_run import Command, Full, expect, plan_case
from fake_host import FakeHost, failed

from eswitch.errors import HostError
from eswitch.model.observed import ObservedState

SPEC = "eswitch.yaml"


def repaired(observed: ObservedState) -> ObservedState:
    """The same host with every link up."""
    links = tuple(replace(link, up=True) for link in observed.links)
    return replace(observed, links=links)


@pytest.fixture
def host() -> FakeHost:
    """A representor is down: one step, that nobody notices."""
    spec, observed = plan_case("representor-down")
    return FakeHost([observed, repaired(observed)], {SPEC: spec.encode()})


@pytest.fixture
def noticed() -> FakeHost:
    """The uplink carries an address: somebody will notice."""
    spec, observed = plan_case("uplink-with-address")
    return FakeHost([observed], {SPEC: spec.encode()})


def test_apply(command: Command, host: FakeHost) -> None:
    answer = command("apply", SPEC, host=host)
    expect(answer, "apply")
    assert answer.code == 0
    assert any(text.startswith("ip link set") for text in host.log)


def test_apply_verbose(command: Command, host: FakeHost) -> None:
    expect(command("apply", "-v", SPEC, host=host), "apply-verbose")


def test_apply_for_machines(command: Command, host: FakeHost) -> None:
    document = json.loads(command("apply", "-o", "json", SPEC, host=host).out)
    assert document["schema"] == "eswitch.apply/v1"
    assert document["result"] == "applied"
    assert document["changed"] == len(document["steps"]) == 1
    assert document["journal"].endswith("000001.jsonl")


def test_nothing_to_change(command: Command) -> None:
    spec, observed = plan_case("nothing-to-do")
    host = FakeHost([observed], {SPEC: spec.encode()})
    answer = command("apply", SPEC, host=host)
    expect(answer, "apply-nothing")
    assert host.log == []


def test_dry_run_is_the_plan(command: Command, noticed: FakeHost) -> None:
    dry = command("apply", "--dry-run", SPEC, host=noticed)
    assert (dry.code, dry.out) == (2, command("plan", SPEC, host=noticed).out)
    assert noticed.log == []


def test_blockers(command: Command) -> None:
    spec, observed = plan_case("legacy-vf-used-by-a-vm")
    host = FakeHost([observed], {SPEC: spec.encode()})
    answer = command("apply", "--yes", SPEC, host=host)
    expect(answer, "apply-blocked")
    assert answer.code == 4
    assert host.log == []


def test_nobody_to_ask(command: Command, noticed: FakeHost) -> None:
    answer = command("apply", SPEC, host=noticed)
    expect(answer, "apply-nobody-to-ask")
    assert answer.code == 2
    assert noticed.log == []


def test_a_person_says_no(command: Command, noticed: FakeHost) -> None:
    noticed.variables["TERM"] = "xterm"
    for said in ("n\n", "\n", ""):
        answer = command("apply", SPEC, host=noticed, stdin=said, terminal=True)
        assert answer.code == 2
        assert "Go on? [y/N]" in answer.err
        assert noticed.log == []


def test_a_person_says_yes(command: Command, noticed: FakeHost) -> None:
    noticed.answers["devlink"] = failed("devlink", "Error: mlx5_core: no.\nkernel answers: -22")
    answer = command("apply", SPEC, host=noticed, stdin="y\n", terminal=True)
    assert "Go on? [y/N]" in answer.err
    assert noticed.log, "it went on, and failed at the first command"
    assert answer.code == 1


def test_a_step_fails(command: Command, host: FakeHost) -> None:
    host.answers["ip link"] = failed("ip", "RTNETLINK answers: Device or resource busy")
    answer = command("apply", SPEC, host=host)
    expect(answer, "apply-failed")
    assert answer.code == 1


def test_a_failure_for_machines(command: Command, host: FakeHost) -> None:
    host.answers["ip link"] = failed("ip", "RTNETLINK answers: Device or resource busy")
    answer = command("apply", "-o", "json", SPEC, host=host)
    document = json.loads(answer.out)
    assert document["result"] == "failed"
    assert "resource busy" in document["error"]["message"]
    assert "resource busy" in answer.err


def test_interrupted(command: Command, host: FakeHost) -> None:
    host.answers["ip link"] = KeyboardInterrupt()
    answer = command("apply", SPEC, host=host)
    expect(answer, "apply-interrupted")
    assert answer.code == 130


def test_interrupted_on_a_full_disk(
    command: Command, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = host.append_lines

    def full(path: str, lines: Sequence[str]) -> None:
        if lines[0].startswith('{"end"'):
            raise HostError(f"cannot write {path}: No space left on device")
        append(path, lines)

    monkeypatch.setattr(host, "append_lines", full)
    host.answers["ip link"] = KeyboardInterrupt()
    answer = command("apply", SPEC, host=host)
    assert answer.code == 130
    assert "interrupted: 1 step had begun" in answer.err
    assert "\nthe journal could not be written: " in answer.err
    answer = command("rollback", "--yes", host=host)
    assert answer.code == 130
    assert "interrupted in the middle of undoing" in answer.err
    assert "\nthe journal could not be written: " in answer.err


def test_the_terminal_goes_away(command: Command, host: FakeHost) -> None:
    before = signal.getsignal(signal.SIGHUP)
    host.signals["ip link"] = signal.SIGHUP
    assert command("apply", SPEC, host=host).code == 0
    assert any(text.startswith("ip link set") for text in host.log)
    assert signal.getsignal(signal.SIGHUP) is before


def test_terminated(command: Command, host: FakeHost) -> None:
    before = signal.getsignal(signal.SIGTERM)
    host.signals["ip link"] = signal.SIGTERM
    answer = command("apply", SPEC, host=host)
    expect(answer, "apply-interrupted")
    assert answer.code == 130
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_sigint_that_is_ignored_stays_ignored(command: Command, host: FakeHost) -> None:
    """As under cron, or in the background of a script; SIGTERM counts there too."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        host.signals["ip link"] = signal.SIGTERM
        assert command("apply", SPEC, host=host).code == 130
        host.signals["ip link"] = signal.SIGINT
        assert command("apply", SPEC, host=host).code == 0
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


WAITS = """
import sys, time
from eswitch.cli.signals import during_change
with during_change():
    print("ready", flush=True)
    try:
        sys.stdin.readline()
        print("still here", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.mark.parametrize("start", ["", "trap '' INT; ", "trap '' INT HUP; "])
def test_started_as_cron_and_nohup_do(start: str) -> None:
    """A real process: what it has inherited counts."""
    script = f'{start}exec "$0" -c "$1"'
    argv = ["sh", "-c", script, sys.executable, WAITS]
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
        start_new_session=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        if start:
            process.send_signal(signal.SIGINT)
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == "still here\n"
        process.send_signal(signal.SIGTERM if start else signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert process.wait(60) == 0


def test_the_help_says_what_stops_it(command: Command) -> None:
    said = " ".join(command("apply", "--help").out.split())
    assert (
        "where SIGINT is ignored from the start (cron, CI, a script's &) only SIGTERM does" in said
    )


def test_the_terminal_goes_away_while_undoing(command: Command, host: FakeHost) -> None:
    before = host.states[0]
    command("apply", SPEC, host=host)
    host.states = [host.states[0], before]
    host.signals["ip link"] = signal.SIGHUP
    assert command("rollback", "--yes", host=host).code == 0
    assert host.log[-1].endswith("down")


def test_locked(command: Command, host: FakeHost) -> None:
    host.locked = True
    answer = command("apply", SPEC, host=host)
    assert answer.code == 7
    assert "process 812" in answer.err


def test_a_terminal_sees_what_runs(command: Command, host: FakeHost) -> None:
    host.variables["TERM"] = "xterm"
    answer = command("apply", SPEC, host=host, terminal=True)
    assert "…" in answer.err
    assert "\r\x1b[K" in answer.err
    assert answer.err.index("…") < answer.err.index("•")


def test_rollback(command: Command, host: FakeHost) -> None:
    before = host.states[0]
    assert command("apply", SPEC, host=host).code == 0
    host.states = [host.states[0], before]
    expect(command("rollback", "--dry-run", host=host), "rollback-dry-run")
    host.states = [host.states[0], before]
    asked = command("rollback", host=host)
    assert (asked.code, "--yes" in asked.err) == (2, True)
    expect(command("rollback", "--yes", host=host), "rollback")
    assert host.log[-1].endswith("down")
    nothing = command("rollback", "--yes", host=host)
    assert (nothing.code, nothing.out) == (0, "nothing to roll back\n")


def test_rollback_for_machines(command: Command, host: FakeHost) -> None:
    before = host.states[0]
    command("apply", SPEC, host=host)
    host.states = [host.states[0], before]
    document = json.loads(command("rollback", "--yes", "-o", "json", host=host).out)
    assert document["schema"] == "eswitch.rollback/v1"
    assert document["result"] == "rolled back"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_report_that_cannot_be_written_leaves_no_doubt(
    command: Command, host: FakeHost, form: str
) -> None:
    def said(*argv: str) -> str:
        answer = command(*argv, "-o", form, host=host, out=Full())
        assert answer.code == 1
        return answer.err

    lost = "error: cannot write the output: No space left on device; "
    before, after = host.states
    assert lost + "the change was made, only its report could not be written" in said("apply", SPEC)
    host.states = [after]
    assert lost + "there was nothing to change" in said("apply", SPEC)
    assert lost + "nothing was touched" in said("rollback", "--dry-run")
    host.states = [after, before]
    assert lost + "the last apply was undone, only the report" in said("rollback", "--yes")
    assert lost + "there is nothing to roll back" in said("rollback", "--yes")


def test_a_failure_is_told_though_its_document_cannot_be_written(
    command: Command, host: FakeHost
) -> None:
    host.answers["ip link"] = HostError("the kernel said no")
    failed_apply = command("apply", "-o", "json", SPEC, host=host, out=Full())
    assert "No space left on device; stopped: 1 step had begun" in failed_apply.err
    del host.answers["ip link"]
    command("apply", SPEC, host=host)
    host.answers["ip link set"] = HostError("the kernel said no")
    failed_rollback = command("rollback", "--yes", "-o", "json", host=host, out=Full())
    assert "No space left on device; the rollback had failed: " in failed_rollback.err
    assert "the kernel said no" in failed_rollback.err


def test_rollback_that_the_host_refuses(command: Command, host: FakeHost) -> None:
    command("apply", SPEC, host=host)
    host.answers["ip link set"] = HostError("the kernel said no")
    answer = command("rollback", "--yes", host=host)
    assert answer.code == 1
    assert "error:" in answer.err


def test_a_defect_in_the_middle(command: Command, host: FakeHost) -> None:
    host.answers["ip link"] = RuntimeError("what nobody foresaw")
    answer = command("apply", SPEC, host=host)
    assert answer.code == 1
    assert "stopped: 1 step had begun" in answer.err
    assert "this is a defect of eswitch: RuntimeError" in answer.err
