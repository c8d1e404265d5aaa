"""Each verb's exit codes, its answers for machines, and what it does about a bad spec file."""

from __future__ import annotations

import errno
import json

import pytest
from cli.cli_run import Command, Full, plan_case
from fake_host import FakeHost
from ruamel.yaml import YAML

from eswitch.errors import HostError

SPEC = "/etc/eswitch/eswitch.yaml"

VERBS = (
    *("show", "init", "validate", "plan", "apply", "verify", "flows", "rollback", "schema"),
    "twin",
)


def host_of(name: str) -> FakeHost:
    spec, observed = plan_case(name)
    return FakeHost([observed], {SPEC: spec.encode()})


@pytest.mark.parametrize(
    ("name", "code"),
    [("nothing-to-do", 0), ("recipe-from-nothing", 2), ("foreign-port", 4), ("no-such-nic", 4)],
)
def test_plan_tells_scripts(command: Command, name: str, code: int) -> None:
    assert command("plan", host=host_of(name)).code == code
    answer = command("plan", "-o", "json", host=host_of(name))
    assert answer.code == code
    document = json.loads(answer.out)
    assert document["schema"] == "eswitch.plan/v1"
    assert document["spec"] == SPEC
    assert bool(document["blockers"]) == (code == 4)


@pytest.mark.parametrize("verb", ["plan", "apply", "validate"])
def test_no_spec(command: Command, verb: str) -> None:
    host = FakeHost()
    answer = command(verb, host=host)
    assert answer.code == 3
    assert answer.out == ""
    assert "there is no such file" in answer.err
    assert "hint:" in answer.err
    assert "eswitch init" in answer.err
    assert host.log == []


def test_a_spec_that_cannot_be_read(command: Command) -> None:
    host = FakeHost(files={"/etc/eswitch/other": b"", "/root/x.yaml": denied()})
    directory = command("plan", "/etc/eswitch", host=host)
    assert (directory.code, "it is a directory" in directory.err) == (3, True)
    refused = command("plan", "/root/x.yaml", host=host)
    assert (refused.code, "may not read" in refused.err) == (3, True)


@pytest.mark.parametrize("verb", ["plan", "apply", "verify"])
def test_no_answer_for_machines_says_why(command: Command, verb: str) -> None:
    absent = command(verb, "/nope", "-o", "json")
    document = json.loads(absent.out)
    assert document["schema"] == "eswitch.error/v1"
    assert document["error"]["message"] == "there is no such file"
    assert document["error"]["exit_code"] == absent.code == 3
    wrong = command(verb, "-", "-o", "yaml", stdin="version: 1\nnisc: {}\n")
    (problem,) = YAML(typ="safe").load(wrong.out)["problems"]
    assert problem["line"] == 2
    assert command(verb, "/nope").out == ""


def test_no_answer_for_machines_on_a_full_disk_keeps_the_error(command: Command) -> None:
    answer = command("plan", "/nope", "-o", "json", out=Full())
    assert (answer.code, "there is no such file" in answer.err) == (3, True)


def denied() -> HostError:
    return HostError("cannot read /root/x.yaml: Permission denied", errno=errno.EACCES)


def test_a_spec_of_any_size_is_refused_without_being_read(command: Command) -> None:
    answer = command("validate", "-", stdin=b"#" * (5 << 20))
    assert answer.code == 3
    assert "larger than" in answer.err


def test_standard_input(command: Command) -> None:
    spec, observed = plan_case("nothing-to-do")
    answer = command("plan", "-", host=FakeHost([observed]), stdin=spec)
    assert answer.code == 0, answer.err
    wrong = command("plan", "-", stdin="version: 7\n")
    assert wrong.code == 3
    assert "<stdin>:1:10" in wrong.err


def test_validate_for_machines(command: Command) -> None:
    answer = command("validate", "-o", "json", host=host_of("recipe-from-nothing"))
    document = json.loads(answer.out)
    assert (document["schema"], document["valid"]) == ("eswitch.validate/v1", True)
    wrong = command("validate", "-o", "json", "-", stdin="version: 1\nnisc: {}\n")
    assert wrong.code == 3
    problem = json.loads(wrong.out)["problems"][0]
    assert (problem["line"], problem["column"]) == (2, 1)


def test_yaml_says_the_same_as_json(command: Command) -> None:
    as_json = json.loads(command("show", "-o", "json", host=host_of("foreign-port")).out)
    printed = command("show", "-o", "yaml", host=host_of("foreign-port")).out
    assert YAML(typ="safe").load(printed) == as_json
    old = YAML(typ="safe", pure=True)
    old.version = (1, 1)
    assert old.load(printed) == as_json, "a MAC must not become a number for YAML 1.1 readers"
    assert as_json["schema"] == "eswitch.show/v1"


@pytest.mark.parametrize(
    ("name", "able"),
    [
        ("recipe-from-nothing", True),
        ("eswitch-unreadable", None),
        ("i40e", False),
        ("sriov-off", False),
        ("stock-debian-13", False),
    ],
)
def test_show_says_what_could_be_an_e_switch(
    command: Command, name: str, able: bool | None
) -> None:
    nic = json.loads(command("show", "-o", "json", host=host_of(name)).out)["nics"][0]
    assert nic["able"] is able
    assert bool(nic["why"]) == (able is not True)


def test_verify_for_machines(command: Command) -> None:
    answer = command("verify", "-o", "json", "-t", "0", host=host_of("recipe-from-nothing"))
    document = json.loads(answer.out)
    assert answer.code == 2
    assert document["schema"] == "eswitch.verify/v1"
    assert document["layers"]["configured"] == "failed"


def test_no_traffic_is_unknown_and_not_success(command: Command) -> None:
    host = host_of("nothing-to-do")
    answer = command("verify", "-t", "3", host=host)
    assert answer.code == 2
    assert "UNKNOWN" in answer.out
    assert 3.0 <= host.time < 10.0


@pytest.mark.parametrize("verb", ["apply", "rollback"])
def test_only_root_changes_the_network(command: Command, verb: str) -> None:
    host = host_of("recipe-from-nothing")
    host.root = False
    answer = command(verb, "--yes", host=host)
    assert answer.code == 4
    assert "only root" in answer.err
    assert f"hint: as root: eswitch {verb}" in answer.err
    assert host.log == []


@pytest.mark.parametrize("verb", VERBS)
def test_help_fits_a_screen_and_ends_with_two_examples(command: Command, verb: str) -> None:
    for flag in ("--help", "-h"):
        answer = command(verb, flag)
        lines = answer.out.splitlines()
        assert answer.code == 0
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 80
        assert lines[-3] == "Examples:"
        assert all(text.startswith("  eswitch") for text in lines[-2:])


def test_the_programs_own_help_fits_too(command: Command) -> None:
    lines = command("--help").out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert all(any(text.startswith(f"  {verb} ") for text in lines) for verb in VERBS)
