"""An edit of ours is taken out of what others made of the file, exactly, or not at all."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from eswitch.files.edit import undone

EVERY_TOKEN = re.compile(r"\r?\n|[ \t]|[^ \t\r\n]+")
FEW = st.sampled_from(["a\n", "b\n", "a b\n", " a\n", "\n", "# a\n", "b\r\n", "\udce9 a\n", "a"])
COMMON = [f"{name} {value}\n" for name in ("iface", "\tmtu", "\udce9") for value in range(8)]
THEIRS = [f"{name} theirs {value}\n" for name in ("auto", "\t") for value in range(4)]
ADDED = [f"ours {value}\n" for value in range(8)]


@dataclass(frozen=True)
class Part:
    """Lines that are not ours, and what somebody makes of them; then what we put in their place."""

    common: tuple[str, ...]
    foreign: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


@st.composite
def files(draw: st.DrawFn, *, common: list[str], theirs: list[str]) -> list[Part]:
    """Any number of our hunks, with lines of others between them, and what others did to those."""
    lines = draw(st.permutations(common))
    added = draw(st.permutations(ADDED))
    given = []
    for number in range(draw(st.integers(0, 4))):
        kept = tuple(lines.pop() for _ in range(draw(st.integers(int(number > 0), 3))))
        before = tuple(lines.pop() for _ in range(draw(st.integers(0, 2))))
        after = tuple(added.pop() for _ in range(draw(st.integers(0, 2))))
        into_a_line = draw(st.booleans())
        if before and into_a_line:
            after = (before[0].replace(" ", " ours ", 1), *after, *before[1:])
        foreign: list[str] = []
        for line in (*kept, ""):
            foreign += draw(st.lists(st.sampled_from(theirs), max_size=2))
            foreign += [line] if draw(st.booleans()) else []
        edited = draw(st.booleans())
        given.append(Part(kept, tuple(foreign) if edited else kept, before, after))
    return given


def texts(given: list[Part]) -> tuple[str, str, str, str]:
    """Before, after, what somebody made of it, and what should be left of that."""
    before, after, found, wanted = (
        "".join(line for part in given for one in names for line in getattr(part, one))
        for names in (
            ("common", "before"),
            ("common", "after"),
            ("foreign", "after"),
            ("foreign", "before"),
        )
    )
    return before, after, found, wanted


@settings(max_examples=150)
@given(files(common=COMMON, theirs=THEIRS), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_exactly_our_hunks_or_nothing(given: list[Part], end: str, whole: bool) -> None:
    given = [Part(("first\n",), ("first\n",), (), ()), *given]
    before, after, found, wanted = (text.replace("\n", end) for text in texts(given))
    if not whole:  # the last line has no end
        before, after, found, wanted = (t.removesuffix(end) for t in (before, after, found, wanted))
    assert undone(before, after, found) in (wanted, None)


@settings(max_examples=150)
@given(files(common=COMMON, theirs=[*COMMON, *THEIRS]))
def test_lines_that_only_we_have_are_taken_out_for_certain(given: list[Part]) -> None:
    """Whatever is beside them, any number of times."""
    given = [
        Part(part.common, part.foreign, (), tuple(line for line in part.after if line in ADDED))
        for part in given
    ]
    before, after, found, wanted = texts(given)
    assert undone(before, after, found) == wanted


WORDS = st.lists(
    st.sampled_from(
        ["quiet", "ro", "root=/dev/sda", "a=b", '"x'],
    ),
    max_size=3,
)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), st.booleans())
def test_words_in_a_line_of_others(given: list[tuple[list[str], list[str]]], blank: bool) -> None:
    ours = [f"ours={number}" for number in range(len(given))]
    before, after, found, wanted = [], [], [], []
    for (common, foreign), mine in zip(given, ours, strict=True):
        before += common
        after += [*common, mine]
        found += [*foreign, mine]
        wanted += foreign
    end = " \n" if blank else "\n"
    left = undone(*(" ".join(words) + end for words in (before, after, found)))
    assert left is None or left.split() == wanted


@given(WORDS, WORDS)
def test_words_at_the_end_of_a_line_are_taken_out_for_certain(
    one: list[str], two: list[str]
) -> None:
    """Whoever has put words before or behind them."""
    found = " ".join(["root=/dev/sda", *one, "ours=1", "ours=2", *two])
    left = undone("root=/dev/sda\n", "root=/dev/sda ours=1 ours=2\n", f"{found}\n")
    assert left == " ".join(["root=/dev/sda", *one, *two]) + "\n"


@settings(max_examples=300)
@given(TEXT := st.lists(FEW, max_size=6).map("".join), TEXT, TEXT)
def test_no_byte_of_others_is_lost_whatever_they_did(before: str, after: str, found: str) -> None:
    """Also where they were at our own lines: what goes is what we put in, as often as we did."""
    left = undone(before, after, found)
    if left is not None:
        gone, back = tokens(after) - tokens(before), tokens(before) - tokens(after)
        have, due = tokens(left) + gone, tokens(found) + back
        assert due - have == Counter()
        ends = [Counter(), tokens("\n"), tokens("\r\n")]  # of the last line, if it had none before
        assert have - due in ends[: 1 if before.endswith("\n") else 3]


def tokens(text: str) -> Counter[str]:
    return Counter(EVERY_TOKEN.findall(text))


SMALL = st.text("ab \n\r\t\udce9", max_size=20)


@given(SMALL, SMALL)
def test_what_nobody_touched_is_what_it_was(before: str, after: str) -> None:
    assert undone(before, after, after) in (before, None)
    if "\r" not in before + after:
        assert undone(before, after, after) == before
