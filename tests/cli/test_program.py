"""Usage errors, defects, interruptions, and streams that end early or cannot show everything."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cli.cli_run import Command, Stream, plan_case
from fake_host import FakeHost

from eswitch.cli import main
from eswitch.cli.screen import Screen, bad, draw, fold, line

NOBODY = {"PATH": "/usr/bin:/bin"}


@pytest.mark.parametrize(
    "argv",
    [
        ("pln",),
        ("plan", "--nonsense"),
        ("plan", "a", "b"),
        ("plan", "-o", "xml"),
        ("verify", "--timeout", "soon"),
        ("verify", "--timeout", "-1"),
        ("flows", "--type", "magic"),
        ("--nonsense",),
    ],
)
def test_wrong_usage(command: Command, argv: tuple[str, ...]) -> None:
    host = FakeHost()
    answer = command(*argv, host=host)
    assert answer.code == 64
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert "\nhint: eswitch" in answer.err
    assert "--help" in answer.err
    assert host.log == []


def test_a_defect_is_one_sentence(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(host: object) -> None:
        raise LookupError("what nobody foresaw")

    monkeypatch.setattr("eswitch.observe.observe", broken)
    answer = command("show")
    assert answer.code == 1
    assert "error: this is a defect of eswitch: LookupError: what nobody foresaw" in answer.err
    assert "Traceback" not in answer.err
    for argv in (("--debug", "show"), ("show", "--debug")):
        assert "Traceback" in command(*argv).err
    assert "Traceback" in command("show", host=FakeHost(variables={"ESWITCH_DEBUG": "1"})).err


def test_interrupted_before_anything(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def impatient(host: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("eswitch.observe.observe", impatient)
    answer = command("show")
    assert (answer.code, answer.err) == (130, "interrupted; nothing was changed\n")


@pytest.mark.parametrize(
    ("variables", "argv", "coloured"),
    [
        ({"TERM": "xterm"}, (), True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, (), False),
        ({"TERM": "xterm", "NO_COLOR": ""}, (), True),
        ({"TERM": "dumb"}, (), False),
        ({}, (), False),
        ({"TERM": "xterm"}, ("--no-color",), False),
    ],
)
def test_colours(
    command: Command, variables: dict[str, str], argv: tuple[str, ...], coloured: bool
) -> None:
    _, observed = plan_case("foreign-port")
    host = FakeHost([observed], variables=variables)
    assert ("\x1b[" in command("show", *argv, host=host, terminal=True).out) == coloured
    assert "\x1b[" not in command("show", *argv, host=host).out, "a pipe gets plain text"


def test_each_stream_is_asked_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = Stream(), Stream(terminal=True)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    host = FakeHost(variables={"TERM": "xterm"}, root=False)
    main(["plan", "none.yaml"], host=host)
    assert "\x1b[" in err.text
    assert out.text == ""


@pytest.mark.parametrize(
    ("variables", "encoding", "mark"),
    [
        ({"TERM": "xterm"}, "utf-8", "✓"),
        ({"TERM": "linux"}, "utf-8", "+"),
        ({"TERM": "xterm"}, "ascii", "+"),
        ({"TERM": "xterm"}, "iso-8859-1", "+"),
    ],
)
def test_marks_that_the_terminal_can_show(
    variables: dict[str, str], encoding: str, mark: str
) -> None:
    screen = Screen(Stream(encoding=encoding), variables.get)
    assert screen.marks.good == mark


def no_variables(_name: str) -> str | None:
    return None


def test_characters_that_the_stream_lacks() -> None:
    stream = Stream(encoding="ascii")
    Screen(stream, no_variables).say("vmbr-ü")
    assert stream.text == "vmbr-?\n"


def test_nothing_steers_the_terminal() -> None:
    evil = "eth0\x1b]0;owned\x07\x1b[2J\r\n"
    for colour in (False, True):
        shown = draw(line("port ", bad(evil)), colour=colour)
        assert "\x07" not in shown
        assert "\x1b]" not in shown
        assert "\x1b[2J" not in shown


def test_running_text_is_folded_for_terminals_only() -> None:
    text = line("hint: ", "one two three /a/very/long/path/that/must/be/pasted four", hang=6)
    folded = [part.text for part in fold(text, 20)]
    assert folded == [
        "hint: one two three",
        "      /a/very/long/path/that/must/be/pasted",
        "      four",
    ]
    pipe = Stream()
    Screen(pipe, no_variables).show([text])
    assert pipe.text.count("\n") == 1


class Gone(Stream):
    """A reader that has left."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_leaves_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _, observed = plan_case("foreign-port")
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, Gone())
    monkeypatch.setattr("eswitch.observe.observe", lambda host: host.look())
    assert main(["show"], host=FakeHost([observed], root=False)) == 0


def test_a_real_broken_pipe_is_quiet() -> None:
    script = f"{sys.executable} -m eswitch schema | head -c 1; exit ${{PIPESTATUS[0]}}"
    for words in ("schema", "show --help", "--help", "--version"):
        text = script.replace("schema", words)
        done = subprocess.run(
            ["bash", "-c", text], capture_output=True, timeout=60, check=False, env=environment()
        )
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "words",
    [
        "schema",
        "--version",
        "-V --no-color",
        "--help",
        "-h",
        "show --help",
        "twin -h",
        "twin list -h",
    ],
)
def test_a_full_disk_is_an_error(words: str) -> None:
    text = f"{sys.executable} -m eswitch {words} > /dev/full"
    done = subprocess.run(
        ["bash", "-c", text], capture_output=True, timeout=60, check=False, env=environment()
    )
    assert done.returncode == 1
    assert done.stderr == b"error: cannot write the output: No space left on device\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("schema >&-", 0),
        ("schema 2>&-", 0),
        ("--twin pve8-cx6dx-ready show >&- 2>&-", 0),
        ("--twin pve8-cx6dx-ready apply --yes >&-", 0),
        ("demo >&-", 0),
        ("validate /dev/null >&- 2>&-", 3),
        ("validate /nope -o json >&- 2>&-", 3),
        ("pln 2>&-", 64),
        ("2>&-", 64),
        ("--help >&-", 0),
        ("--version >&-", 0),
    ],
)
def test_a_stream_closed_from_the_start_is_nowhere(words: str, code: int) -> None:
    text = f"{sys.executable} -m eswitch {words}"
    done = subprocess.run(
        ["bash", "-c", text], capture_output=True, timeout=60, check=False, env=environment()
    )
    assert done.returncode == code
    for trouble in (b"Traceback", b"defect", b"error"):
        assert trouble not in done.stderr


def test_a_traceback_goes_nowhere_without_a_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(host: object) -> None:
        raise LookupError("what nobody foresaw")

    out = Stream()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr("eswitch.observe.observe", broken)
    assert main(["show", "--debug"], host=FakeHost()) == 1
    assert out.text == ""


def environment() -> dict[str, str]:
    return {**NOBODY, "PYTHONPATH": ":".join(sys.path), "LC_ALL": "C.UTF-8"}
