"""`eswitch demo`: the story as people see it, and what it does when something is not as told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_run import Answer, Stream, expect
from self_contained import assert_self_contained

from eswitch.cli import main
from eswitch.demo.story import CHAPTERS, COMPARISON
from eswitch.host.local import LocalHost
from eswitch.twin import Twin

Demo = Callable[..., Answer]


class Here(LocalHost):
    """This machine, without its environment and without pauses."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__()
        self.variables = variables
        self.slept = 0.0

    def environment(self, name: str) -> str | None:
        return self.variables.get(name)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Demo:
    def run(
        *argv: str,
        here: Here | None = None,
        terminal: bool = False,
        encoding: str = "utf-8",
        **variables: str,
    ) -> Answer:
        out, err = Stream(terminal=terminal, encoding=encoding), Stream()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code = main(["demo", *argv], host=here or Here(variables))
        return Answer(("demo", *argv), code, out.text, err.text)

    return run


def test_the_story(demo: Demo) -> None:
    answer = demo()
    expect(answer, "demo")
    assert answer.code == 0
    assert answer.err == ""
    for title in (*(chapter.title for chapter in CHAPTERS), COMPARISON):
        assert title in answer.out


def test_it_is_the_same_each_time(demo: Demo) -> None:
    assert demo().out == demo("--fast").out


def test_all_that_is_typed_is_shown(demo: Demo) -> None:
    shown = [text[2:] for text in demo().out.splitlines() if text.startswith("$ ")]
    typed = [act.typed for chapter in CHAPTERS for act in chapter.acts]
    assert shown[: len(typed)] == typed


def test_it_says_what_it_is(demo: Demo) -> None:
    words = " ".join(demo().out.split())
    for said in ("The server is simulated", "These numbers are simulated", "assumed", "fitted"):
        assert said in words


def test_the_page(demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "new" / "demo.html"
    answer = demo("--html", str(file))
    assert answer.code == 0
    assert str(file) in answer.out
    text = file.read_text()
    assert_self_contained(text)
    assert text.count("<svg") == 5
    assert text.count('class="flow hard"') == 3
    assert text.count('class="flow soft"') == 3
    for title in (*(chapter.title for chapter in CHAPTERS), COMPARISON):
        assert title.replace("'", "&#x27;") in text or title in text
    assert [each.name for each in file.parent.iterdir()] == ["demo.html"]
    demo("--html", str(file))
    assert file.read_text() == text


def test_a_page_that_cannot_be_written(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for wrong in (tmp_path / "file" / "demo.html", tmp_path):
        answer = demo("--html", str(wrong))
        assert answer.code == 1
        assert answer.err.startswith(f"error: cannot write {wrong}")
        assert "hint: name a file" in answer.err


@pytest.mark.parametrize(
    ("argv", "variables", "coloured"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--no-color",), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colours(
    demo: Demo, argv: tuple[str, ...], variables: dict[str, str], coloured: bool
) -> None:
    assert ("\x1b[" in demo(*argv, **variables).out) is coloured


def test_a_narrow_terminal(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eswitch.cli.screen._columns", lambda stream: 40)
    text = demo("--fast", terminal=True, TERM="xterm", NO_COLOR="1").out
    foreword = text[: text.index("\n$ ")]
    chart = text[text.index("busy cores of") : text.index("What now")]
    for each in (foreword + chart).splitlines():
        assert len(each) <= 40 or "doi:" in each
    assert "00h   06h   12h   18h" in chart


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_unicode(demo: Demo, encoding: str) -> None:
    answer = demo(encoding=encoding)
    assert answer.code == 0
    chart = answer.out[answer.out.index("busy cores") : answer.out.index("The model")]
    assert "#" in chart
    assert ":" in chart
    assert "?" not in chart


def test_pauses_are_for_spectators(demo: Demo) -> None:
    watched = Here({"TERM": "xterm"})
    assert demo(here=watched, terminal=True).code == 0
    assert 3 < watched.slept < 10
    for argv, terminal in ((("--fast",), True), ((), False)):
        hasty = Here({"TERM": "xterm"})
        demo(*argv, here=hasty, terminal=terminal)
        assert hasty.slept == 0


def test_progress_is_seen_but_not_kept(demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "demo.html"
    answer = demo("--fast", "--html", str(file), terminal=True, TERM="xterm")
    assert "\r\x1b[K" in answer.out
    assert "\ufffd" not in file.read_text()


def test_it_stops_where_verify_does_not_prove_it(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("eswitch.twin.traffic.placement", lambda *ends: "tc")
    file = tmp_path / "demo.html"
    answer = demo("--html", str(file))
    assert answer.code == 1
    assert "`eswitch verify` ended with exit code 2, and not with 0" in answer.err
    assert not file.exists()


def test_it_stops_where_a_boot_changes_nothing(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Twin, "reboot", lambda twin: None)
    answer = demo()
    assert answer.code == 1
    assert "did not show what the story says" in answer.err
    assert "does not offer 4 VFs" in answer.err


def test_ctrl_c_in_the_middle_of_an_apply(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Twin.write_attribute

    def interrupted(twin: Twin, path: str, value: str, timeout: float) -> None:
        if path.endswith("/sriov_numvfs"):
            raise KeyboardInterrupt
        write(twin, path, value, timeout)

    monkeypatch.setattr(Twin, "write_attribute", interrupted)
    answer = demo()
    assert answer.code == 130
    assert answer.err == "interrupted; only a simulated machine was touched\n"


def test_ctrl_c_in_a_pause(demo: Demo) -> None:
    class Stopped(Here):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    answer = demo(here=Stopped({"TERM": "xterm"}), terminal=True)
    assert answer.code == 130
    assert "Traceback" not in answer.out + answer.err


@pytest.mark.parametrize("option", ["--twin=lab", "--twin-state=box.json"])
def test_it_brings_its_own_machine(demo: Demo, option: str) -> None:
    answer = demo(option)
    assert answer.code == 64
    assert "its own machine" in answer.err


@pytest.fixture
def environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "LC_ALL": "C.UTF-8"}


def test_a_reader_that_leaves(environment: dict[str, str]) -> None:
    program = f"{sys.executable} -c 'import sys; from eswitch.cli import main; sys.exit(main())'"
    done = subprocess.run(
        ["bash", "-c", f"{program} demo | head -3; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr == ""
