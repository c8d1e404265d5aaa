"""What lab/vm says to a person, and with which exit status."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from machine import cli, host
from machine.errors import MissingToolError

VM = Path(__file__).resolve().parents[2] / "lab" / "vm"


def vm(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(VM), *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "required"),
        (("run",), "no command was given"),
        (("run", "--"), "no command was given"),
        (("run", "true"), "unrecognized arguments: true"),
        (("run", "--vfs-max", "x", "--", "true"), "invalid int value: 'x'"),
        (("run", "--vfs-max", "128", "--", "true"), "--vfs-max is 128"),
        (("run", "--deadline", "0", "--", "true"), "number of seconds above 0"),
        (("run", "--deadline", "nan", "--", "true"), "number of seconds above 0"),
        (("run", "--out", "/nonexistent", "--", "true"), "/nonexistent is not a directory"),
        (("build", "--debian", "11"), "invalid choice"),
        (("build", "--", "true"), "build takes no command"),
        (("shell",), "shell needs a terminal"),
        (("walk",), "invalid choice"),
    ],
)
def test_wrong_usage_is_64_and_one_sentence(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    result = vm(*arguments, ESWITCH_LAB_CACHE=str(tmp_path / "cache"))
    assert result.returncode == 64
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "cache").exists()


def test_help_names_the_exit_statuses() -> None:
    result = vm("run", "--help")
    assert result.returncode == 0
    for word in ("64", "124", "125", "--vfs-max", "--keep"):
        assert word in result.stdout


@pytest.mark.parametrize(
    ("arguments", "tool"),
    [(("run", "--", "true"), "qemu-system-x86_64"), (("build",), "mmdebstrap")],
)
def test_a_missing_tool_is_one_sentence_with_the_remedy(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    tool: str,
) -> None:
    monkeypatch.setattr(host, "find_tool", lambda name: None if name == tool else f"/bin/{name}")
    monkeypatch.setenv("ESWITCH_LAB_CACHE", str(tmp_path / "cache"))
    assert cli.main(list(arguments)) == 125
    said = capsys.readouterr().err
    assert f"lab: error: {tool} is not installed on this machine." in said
    assert "make lab-deps" in said


def test_several_missing_tools_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "find_tool", lambda _name: None)
    with pytest.raises(MissingToolError, match="ssh and qemu-img are not installed"):
        host.tools("ssh", "qemu-img")


@pytest.mark.parametrize(
    ("environment", "directory"),
    [
        ({"ESWITCH_LAB_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/c"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/eswitch-lab"),
        ({"HOME": "/h"}, "/h/.cache/eswitch-lab"),
    ],
)
def test_where_the_cache_is(environment: dict[str, str], directory: str) -> None:
    assert host.cache_directory(environment) == Path(directory)


def test_the_first_dashes_divide_our_arguments_from_the_command() -> None:
    assert cli.split_command(["run", "-v", "--", "sh", "--", "x"]) == (
        ["run", "-v"],
        ["sh", "--", "x"],
    )
