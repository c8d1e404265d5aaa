"""What a plan prints can be typed: a shell that runs it writes the bytes that eswitch would."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eswitch.cli.screen import plain
from eswitch.model.action import Program, Replace

TEXTS = (
    *("", "\n", "\n\n", "one", "one\n", "one\ntwo", "one\n\ntwo\n", "-n\n-e", "%s %d\n", "a  b  "),
    *(
        'it\'s "$HOME" `id` \\n \\0101 \\\n',
        "tab\there\r\n",
        "caf\udce9 \x1b[2J\\x\n",
        "é\u00a0\u2028\n",
    ),
)


def shell(command: str, directory: Path) -> bytes:
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=directory, check=True, capture_output=True
    )
    return done.stdout


@pytest.mark.parametrize("text", TEXTS)
def test_a_file(text: str, tmp_path: Path) -> None:
    typed = str(Replace(f"{tmp_path}/a file", None, text))
    assert plain(typed) == typed, "a terminal would not show it as it is"
    shell(typed, tmp_path)
    assert (tmp_path / "a file").read_bytes() == text.encode("utf-8", "surrogateescape")


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
@example("\\\n")
def test_what_a_program_reads(text: str) -> None:
    typed = str(Program(("cat",), input=text))
    assert plain(typed) == typed
    assert shell(typed, Path("/")) == text.encode()


def test_a_file_that_goes(tmp_path: Path) -> None:
    (tmp_path / "it").write_text("x")
    shell(str(Replace(f"{tmp_path}/it", "x", None)), tmp_path)
    assert list(tmp_path.iterdir()) == []
