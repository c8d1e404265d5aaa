"""What systemd starts is what was meant, whatever is in the words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eswitch.files.systemd import can_start, command_line

ESCAPES = dict(zip("abfnrtvs\\\"'", "\a\b\f\n\r\t\v \\\"'", strict=True))


def words_of(line: str) -> Iterator[bytes]:
    """The words of a command line in a unit, after systemd.service(5) and systemd.syntax(7), before
    specifiers and variables. An assertion fails where systemd would warn or end the command."""
    assert "\n" not in line
    assert "\r" not in line
    assert "\0" not in line
    line.encode()  # a line that is no UTF-8 is ignored
    assert not line.endswith("\\")  # the next line would go on with it
    rest = line.strip(" \t")
    while rest:
        quote = rest[0] if rest[0] in "\"'" else ""
        word, rest = word_of(rest[len(quote) :], quote)
        assert quote or word != b";"
        assert not rest or rest[0] in " \t"  # a quote ends only before a blank
        rest = rest.lstrip(" \t")
        yield word


def word_of(rest: str, quote: str) -> tuple[bytes, str]:
    word = b""
    place = 0
    while place < len(rest):
        char = rest[place]
        if char == quote:
            return word, rest[place + 1 :]
        if not quote and char in " \t":
            return word, rest[place:]
        assert quote or char not in "\"'"
        place += 1
        if char != "\\":
            word += char.encode()
            continue
        escape = rest[place]
        if escape == "x":
            word += bytes([int(rest[place + 1 : place + 3], 16)])
            place += 3
        else:
            word += ESCAPES[escape].encode()
            place += 1
    assert not quote, "it is not closed"
    return word, ""


def started(line: str) -> list[bytes]:
    """Specifiers are resolved everywhere, variables in arguments."""
    program, *arguments = words_of(line)
    assert program.startswith(b"/")  # `-`, `@`, `+`, `!` and `:` have a meaning there
    return [
        resolved(program, b"%"),
        *(resolved(resolved(word, b"%"), b"$") for word in arguments),
    ]


def resolved(word: bytes, sign: bytes) -> bytes:
    """Only doubled signs stand for themselves; any other one would be expanded."""
    assert sign not in word.replace(sign * 2, b"")
    return word.replace(sign * 2, sign)


ANY = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    | st.sampled_from(" \t\n\r\"'\\$%;{}@-\udc80\udcff\x7f"),
    max_size=12,
)


@given(ANY, st.lists(ANY, max_size=4))
def test_what_goes_in_comes_out(name: str, arguments: list[str]) -> None:
    program = f"/{name}"
    if can_start(program):
        words = [program, *arguments]
        meant = [word.encode("utf-8", "surrogateescape") for word in words]
        assert started(command_line(words)) == meant


@given(ANY, ANY)
def test_what_systemd_cannot_start_is_known(start: str, end: str) -> None:
    for char in "\"'\\\n\x1f\x7f\udcff":
        assert not can_start(f"/{start}{char}{end}")
    assert not can_start(f"{start.lstrip('/')}eswitch")


@pytest.mark.parametrize("program", ["/opt/a b/é/eswitch", "/100%/eswitch", "/$HOME/x;y"])
def test_paths_may_have_what_people_put_there(program: str) -> None:
    assert can_start(program)
    assert started(command_line([program])) == [program.encode()]


def test_plain_words_stay_as_they_are() -> None:
    line = "/usr/bin/python3 -m eswitch apply --resume"
    assert command_line(line.split()) == line


def test_a_semicolon_is_an_argument() -> None:
    assert command_line(["/bin/echo", ";", ""]) == '/bin/echo ";" ""'
