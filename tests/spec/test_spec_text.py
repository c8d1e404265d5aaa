"""Files that are no specs: too large, wrongly encoded, made to hurt."""

from __future__ import annotations

import time

import pytest

from eswitch.spec import MAX_SPEC_BYTES, SpecInvalid, load


def _refused(data: bytes) -> str:
    with pytest.raises(SpecInvalid) as caught:
        load(data, "s.yaml")
    return str(caught.value)


def test_a_file_over_the_limit_is_refused_without_reading_it() -> None:
    data = b"#" * 100_000_000
    start = time.monotonic()
    text = _refused(data)
    assert time.monotonic() - start < 1  # parsing as much takes half a minute
    assert "s.yaml:1:1: the file is larger than 1024 KiB" in text


def test_a_file_of_just_the_limit_is_read() -> None:
    spec = b"version: 1\n"
    state = load(spec + b"#" * (MAX_SPEC_BYTES - len(spec)), "s.yaml")
    assert state.nics == ()


@pytest.mark.parametrize(
    "data",
    [
        b"[" * MAX_SPEC_BYTES,
        b"{a: " * (MAX_SPEC_BYTES // 4),
        b"- " * (MAX_SPEC_BYTES // 2),
        b"? " * (MAX_SPEC_BYTES // 2),
        b"a: [" + b"b," * 500_000 + b"]",
        b"version: 1\n" + b"".join(b"k%d: 1\n" % number for number in range(50_000)),
        b"a: '" + b"x\n\n" * 300_000,
        b"a: &a [x]\n" + b"".join(b"b%d: [*a]\n" % number for number in range(50_000)),
    ],
    ids=["brackets", "braces", "dashes", "questions", "commas", "keys", "quote", "aliases"],
)
def test_a_file_made_to_hurt_is_refused_in_seconds(data: bytes) -> None:
    start = time.monotonic()
    _refused(data)
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_other_encodings_are_refused(encoding: str) -> None:
    assert "s.yaml:1:" in _refused("version: 1 # é\n".encode(encoding))


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"a\r\nb\rc\n\xff", "4:1"),
        ("日本".encode() + b"\xff", "1:3"),
        (b"version: 1\n# \x00", "2:3"),
    ],
)
def test_places_count_characters_and_every_kind_of_line_end(data: bytes, place: str) -> None:
    assert _refused(data).startswith(f"s.yaml:{place}: ")


def test_a_file_name_cannot_steer_the_terminal() -> None:
    with pytest.raises(SpecInvalid) as caught:
        load(b"", "\x1b[2Jx.yaml")
    assert "\x1b" not in str(caught.value)
