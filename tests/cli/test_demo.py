"""`eswitch demo`: the story as people see it, and what it does when something is not as told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli.cli_run import Answer, Stream, expect
from self_contained import assert_self_contained

from eswitch.cli import main
from eswitch.demo.story import CHAPTERS, COMPARISON
from eswitch.host.local import LocalHost
from eswitch.twin import Twin


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


def run(
    *argv: str,
    here: Here | None = None,
    terminal: bool = False,
    encoding: str = "utf-8",
    **variables: str,
) -> Answer:
    out, err = Stream(terminal=terminal, encoding=encoding), Stream()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        code = main(["demo", *argv], host=here or Here(variables))
    return Answer(("demo", *argv), code, out.text, err.text)


@pytest.fixture(scope="module")
def story() -> Answer:
    """The story as it is told without a terminal."""
    return run()


def test_the_story(story: Answer) -> None:
    expect(story, "demo")
    assert story.code == 0
    assert story.err == ""
    for title in (*(chapter.title for chapter in CHAPTERS), COMPARISON):
        assert title in story.out


def test_it_is_the_same_each_time(story: Answer) -> None:
    assert run("--fast").out == story.out


def test_all_that_is_typed_is_shown(story: Answer) -> None:
    shown = [text[2:] for text in story.out.splitlines() if text.startswith("$ ")]
    typed = [act.typed for chapter in CHAPTERS for act in chapter.acts]
    assert shown[: len(typed)] == typed


def test_it_says_what_it_is(story: Answer) -> None:
    words = " ".join(story.out.split())
    for said in ("The server is simulated", "These numbers are simulated", "assumed", "fitted"):
        assert said in words


def test_the_page(tmp_path: Path) -> None:
    file = tmp_path / "demo.html"
    answer = run("--html", str(file))
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
    run("--html", str(file))
    assert file.read_text() == text


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for wrong in (tmp_path / "file" / "demo.html", tmp_path):
        answer = run("--html", str(wrong))
        assert answer.code == 1
        assert answer.err.startswith(f"error: cannot write {wrong}")
        assert "hint: name a file" in answer.err
        assert answer.out == "", "it is told before the story"
    missing = tmp_path / "missing" / "demo.html"
    answer = run("--html", str(missing))
    assert (answer.code, answer.out) == (1, "")
    assert f"hint: make it first: mkdir -p {missing.parent}" in answer.err
    assert not missing.parent.exists()


def test_a_page_replaces_what_is_there_and_the_help_says_so(tmp_path: Path) -> None:
    assert "FILE is replaced" in " ".join(run("--help").out.split())
    (tmp_path / "demo.html").write_text("mine")
    assert run("--html", str(tmp_path / "demo.html")).code == 0
    assert "<svg" in (tmp_path / "demo.html").read_text()


@pytest.mark.parametrize(
    ("argv", "variables", "coloured"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--no-color",), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colours(argv: tuple[str, ...], variables: dict[str, str], coloured: bool) -> None:
    assert ("\x1b[" in run(*argv, here=Here(variables)).out) is coloured


def test_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eswitch.cli.screen._columns", lambda stream: 40)
    text = run("--fast", terminal=True, TERM="xterm", NO_COLOR="1").out
    foreword = text[: text.index("\n$ ")]
    chart = text[text.index("busy cores of") : text.index("What now")]
    for each in (foreword + chart).splitlines():
        assert len(each) <= 40 or "doi:" in each
    assert "00h   06h   12h   18h" in chart


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_unicode(encoding: str) -> None:
    answer = run(encoding=encoding)
    assert answer.code == 0
    chart = answer.out[answer.out.index("busy cores") : answer.out.index("The model")]
    assert "#" in chart
    assert ":" in chart
    assert "?" not in chart


def test_pauses_are_for_spectators() -> None:
    watched = Here({"TERM": "xterm"})
    assert run(here=watched, terminal=True).code == 0
    assert 3 < watched.slept < 10
    for argv, terminal in ((("--fast",), True), ((), False)):
        hasty = Here({"TERM": "xterm"})
        run(*argv, here=hasty, terminal=terminal)
        assert hasty.slept == 0


def test_progress_is_seen_but_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "demo.html"
    answer = run("--fast", "--html", str(file), terminal=True, TERM="xterm")
    assert "\r\x1b[K" in answer.out
    assert "\ufffd" not in file.read_text()


def test_it_stops_where_verify_does_not_prove_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("eswitch.twin.traffic.placement", lambda *ends: "tc")
    file = tmp_path / "demo.html"
    answer = run("--html", str(file))
    assert answer.code == 1
    assert "`eswitch verify` ended with exit code 2, and not with 0" in answer.err
    assert not file.exists()


def test_it_stops_where_a_boot_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eswitch.twin.boot.reboot", lambda state: None)
    answer = run()
    assert answer.code == 1
    assert "`eswitch apply --reboot --yes` ended with exit code 8, and not with 0" in answer.err


def test_it_stops_where_a_reboot_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Twin, "reboot", lambda twin: None)
    answer = run()
    assert answer.code == 1
    assert "did not show what the story says" in answer.err
    assert "has kept its mode or its VFs" in answer.err


def test_ctrl_c_in_the_middle_of_an_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Twin.write_attribute

    def interrupted(twin: Twin, path: str, value: str, timeout: float) -> None:
        if path.endswith("/sriov_numvfs"):
            raise KeyboardInterrupt
        write(twin, path, value, timeout)

    monkeypatch.setattr(Twin, "write_attribute", interrupted)
    answer = run()
    assert answer.code == 130
    assert answer.err == "interrupted; only a simulated machine was touched\n"


def test_ctrl_c_in_a_pause() -> None:
    class Stopped(Here):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    answer = run(here=Stopped({"TERM": "xterm"}), terminal=True)
    assert answer.code == 130
    assert answer.err.strip() == "interrupted; only a simulated machine was touched"


@pytest.mark.parametrize("name", ["", "-"])
def test_a_page_needs_a_name(name: str) -> None:
    answer = run("--html", name)
    assert answer.code == 64
    assert answer.out == ""


@pytest.mark.parametrize("option", ["--twin=lab", "--twin-state=box.json"])
def test_it_brings_its_own_machine(option: str) -> None:
    answer = run(option)
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
