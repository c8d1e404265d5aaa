"""One reading of the kernel's command line, and what is added to it."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eswitch.files.kernel_cmdline import (
    join,
    lines,
    mentioned,
    parameters,
    split,
    split_grub,
    values,
    with_grub_words,
    with_words,
)

BLANKS = " \t\n\v\f\r"
WORD = st.text(
    st.characters(exclude_characters='"', exclude_categories=[])
    | st.sampled_from(BLANKS + "=-\u00a0"),
    min_size=1,
    max_size=8,
)
TEXT = st.text(st.sampled_from([*BLANKS, *"ab=-\"\\'", "\udce9", "\u2003"]), max_size=20)
OURS = ("intel_iommu=on", "iommu=pt")


def kernels_own(text: str) -> list[str]:
    """As the kernel takes them (next_arg in its lib/cmdline.c), without the quotes inside."""
    found = []
    word, quoted = "", False
    for char in f"{text} ":
        if char == '"':
            quoted = not quoted
        if char in BLANKS and not quoted:
            found += [word] if word else []
            word = ""
        elif char != '"':
            word += char
    rest = word.removesuffix(" ")  # a quote that nothing closes
    return [*found, rest] if rest else found


@given(st.lists(WORD, max_size=5))
@example(["a b", "dyndbg=file x +p; file y +p", "a b=c", "=", "= ", "--"])
def test_splitting_and_joining_are_inverse(words: list[str]) -> None:
    assert split(join(words)) == tuple(words)


@given(TEXT)
def test_words_are_what_the_kernel_takes_them_for(text: str) -> None:
    assert split(text) == tuple(kernels_own(text))
    assert split(join(split(text))) == split(text)


@given(st.lists(st.text("ab=/-.,", min_size=1, max_size=6), max_size=5))
def test_grub_gives_the_kernel_its_words(words: list[str]) -> None:
    assert split_grub(shlex.join(words)) == split_grub(join(words)) == tuple(words)


def test_what_grub_does_not_read_is_an_error() -> None:
    assert split_grub("root=ZFS=\"rpool/ROOT/pve-1\" 'a b' c\\ d") == (
        *("root=ZFS=rpool/ROOT/pve-1", "a b", "c d"),
    )
    with pytest.raises(ValueError, match="quot"):
        split_grub('root="x')


def test_what_is_for_init_is_no_parameter() -> None:
    words = split("ro intel-iommu=off intel_iommu=on,sm_on -- intel_iommu=off --")
    assert parameters(words) == ("ro", "intel-iommu=off", "intel_iommu=on,sm_on")
    assert values(words, "intel_iommu") == ("off", "on,sm_on")
    assert values(words, "ro") == ("",)
    assert values(words, "iommu") == ()
    assert parameters(()) == ()


@given(
    st.lists(WORD, min_size=1, max_size=5).map(join), st.sampled_from(["", "\n", "\r\n", " \n\n"])
)
def test_added_words_are_parameters(line: str, end: str) -> None:
    if len(lines(line)) != 1 or "\n" in line:
        return
    text = with_words(line + end, OURS)
    before, after = split(line), split(text)
    there = len(parameters(before))
    assert after == (*before[:there], *OURS, *before[there:])
    assert parameters(after) == (*parameters(before), *OURS)
    assert (text.endswith("\n"), text.count("\r\n") >= end.count("\r\n")) == ("\n" in end, True)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("root=x quiet\n", "root=x quiet intel_iommu=on iommu=pt\n"),
        ("root=x quiet  ", "root=x quiet intel_iommu=on iommu=pt"),
        ("\n root=x\r\n\n", "\n root=x intel_iommu=on iommu=pt\r\n\n"),
        ("root=x -- single\n", "root=x intel_iommu=on iommu=pt -- single\n"),
        ("root=x --\n", "root=x intel_iommu=on iommu=pt --\n"),
        ('root=x "a -- b"\n', 'root=x "a -- b" intel_iommu=on iommu=pt\n'),
    ],
)
def test_where_words_are_added(content: str, wanted: str) -> None:
    assert with_words(content, OURS) == wanted


def test_a_drop_in_of_grubs() -> None:
    line = 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT intel_iommu=on iommu=pt"\n'
    new = with_grub_words(None, OURS, "why")
    assert new == with_grub_words("", OURS, "why") == f"# Written by eswitch: why\n{line}"
    assert with_grub_words(new, OURS, "another") == new
    assert with_grub_words("theirs", OURS, "why") == f"theirs\n{line}"
    assert with_grub_words(f"# {line}", OURS, "why") == f"# {line}{line}"
    assert {*OURS} <= mentioned(new)
    assert not {*OURS} & mentioned("theirs=intel_iommu=on iommu=pt,strict")


def test_lines_that_count() -> None:
    assert lines("\n \t\r\n a\r\n\x0b\nb c\x0cd\n") == (" a", "b c\x0cd")
