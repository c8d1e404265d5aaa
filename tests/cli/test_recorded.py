"""`show` and `init` on whole recorded machines, from what their tools print to the screen."""

from __future__ import annotations

import json

import pytest
from cli.cli_run import CASES, SCREENS, Answer, Stream, expect

from eswitch.cli import main
from eswitch.host.recorded import RecordedHost

SHOWN = (
    "cx6dx-switchdev-2vfs",
    "cx6dx-legacy-4vfs",
    "cx5-dual-port-bond",
    "not-root",
    "lab-untouched",
    "i40e-igb",
    "no-devlink",
    "ovs-vswitchd-dead",
)


def recorded(name: str) -> RecordedHost:
    case = json.loads((CASES / "observe" / f"{name}.json").read_text())
    quiet = {"status": 0, "stdout": "", "stderr": ""}
    case["commands"].setdefault("ovs-appctl dpctl/dump-flows -m --names", quiet)
    return RecordedHost(case)


def run(monkeypatch: pytest.MonkeyPatch, name: str, *argv: str) -> Answer:
    out, err = Stream(), Stream()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", out)
        patch.setattr("sys.stderr", err)
        code = main(argv, host=recorded(name))
    return Answer(argv, code, out.text, err.text)


@pytest.mark.parametrize("name", SHOWN)
def test_show(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    expect(run(monkeypatch, name, "show"), f"recorded-{name}")


def test_init_is_nothing_but_a_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = run(monkeypatch, "lab-untouched", "init")
    assert (answer.code, answer.err) == (0, "")
    assert "\nversion: 1\n" in answer.out


def test_every_screen_is_of_a_test() -> None:
    """A file that no test compares is a file that nobody updates."""
    texts = "".join(path.read_text() for path in SCREENS.parent.glob("test_*.py"))
    for path in SCREENS.glob("*.txt"):
        verb, _, name = path.stem.partition("-")
        assert f'"{path.stem}"' in texts or f'"{name}"' in texts, f"{path.name} ({verb})"
