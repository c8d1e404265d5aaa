"""Every fact that somebody cites stands in docs/facts.md with its source, and no other does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "facts.md"
FOLDERS = ("src", "lab", "tests", "docs", "tools")
TEXTS = {"", ".py", ".c", ".h", ".md", ".json", ".yaml", ".yml", ".toml", ".txt", ".sh", ".service"}

# This project was begun on notes that are not in it.
NOTES = re.compile(r"\b(?:domain|peers|style|design|lab-notes)\.md\b")
NUMBER = r"\d+(?:\.\d+)?"
CITATION = re.compile(rf"\b[Ff]acts ({NUMBER}(?:(?:, (?:and )?| and | to ){NUMBER})*)")
# A line's end within a citation, with what comments begin the next line with.
WRAP = re.compile(r"\s*\n[ \t]*(?:#+|//+|\*(?!/))?[ \t]*")


@dataclass(frozen=True, slots=True)
class Citation:
    """`numbers` are cited one by one, `ranges` by their ends."""

    place: str
    numbers: tuple[str, ...]
    ranges: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.place}: {', '.join(self.numbers)}"


def citations(text: str, place: str) -> Iterator[Citation]:
    """All citations of a text, also those that go on in the next line."""
    for match in CITATION.finditer(WRAP.sub(" ", text)):
        parts = re.split(r"(, (?:and )?| and | to )", match[1])
        numbers, joints = parts[::2], parts[1::2]
        yield Citation(
            place,
            tuple(numbers),
            tuple(
                (first, last)
                for first, joint, last in zip(numbers, joints, numbers[1:], strict=False)
                if joint == " to "
            ),
        )


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of everything that may cite a fact, but for this file."""
    inside = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")))
    for path in (*sorted(ROOT.iterdir()), *inside):
        if path.suffix not in TEXTS or path == Path(__file__) or not path.is_file():
            continue
        name = path.relative_to(ROOT)
        if path.name == ".git" or any(part.endswith(("cache__", "_cache")) for part in name.parts):
            continue
        yield str(name), path.read_text("utf-8", "replace")


def order(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in number.split("."))


def sections(page: str) -> dict[str, str]:
    """What stands under each numbered heading."""
    found: dict[str, str] = {}
    for part in re.split(r"^#{2,3} ", page, flags=re.MULTILINE)[1:]:
        heading, _, rest = part.partition("\n")
        number = re.match(rf"{NUMBER}(?= )", heading)
        if number:
            assert number[0] not in found, f"two sections {number[0]}"
            found[number[0]] = rest
    return found


def facts(section: str) -> list[str]:
    """The facts of a section: its list's points, and the sentence that leads to a table."""
    blocks = re.split(r"\n\n|\n(?=- )", section.strip())
    blocks = [block for block in blocks if block and not block.startswith(("|", "["))]
    return [" ".join(block.split()) for block in blocks]


def sources(fact: str) -> list[str]:
    """The labels in brackets, but for what is quoted."""
    return re.findall(r"\[([^\]]+)\](?!\()", re.sub(r"`[^`]*`", "", fact))


TEXT = dict(texts())
FOUND = [each for name, text in TEXT.items() for each in citations(text, name)]
SECTIONS = sections(PAGE.read_text())
TARGETS = re.findall(r"^\[([^\]]+)\]: (\S+)$", PAGE.read_text(), re.MULTILINE)
USED = [label for text in SECTIONS.values() for fact in facts(text) for label in sources(fact)]


def test_citations_are_found() -> None:
    """Else the tests below would pass for want of something to test."""
    assert len(FOUND) > 100
    assert {each.place.partition("/")[0] for each in FOUND} >= {"src", "lab", "tests", "docs"}
    assert any(each.ranges for each in FOUND)


@pytest.mark.parametrize(
    ("text", "numbers", "ranges"),
    [
        ("(facts 1.3)", ("1.3",), ()),
        ("Facts 0: it is", ("0",), ()),
        ("facts 1.1, 2.5 and 3.10.", ("1.1", "2.5", "3.10"), ()),
        ("facts 1.2 to 1.7 (mlx5), facts 7", ("1.2", "1.7"), (("1.2", "1.7"),)),
        ("facts\n    # 1.10, and\n    # 2.1", ("1.10", "2.1"), ()),
        (" * facts 1.3,\n * 1.4 */", ("1.3", "1.4"), ()),
    ],
)
def test_a_citation_is_read(
    text: str, numbers: tuple[str, ...], ranges: tuple[tuple[str, str], ...]
) -> None:
    assert next(citations(text, "here")) == Citation("here", numbers, ranges)


@pytest.mark.parametrize("text", ["three facts", "the facts (1.3)", "artifacts 1.3", "facts.md"])
def test_other_words_are_no_citation(text: str) -> None:
    assert not list(citations(text, "here"))


@pytest.mark.parametrize("citation", FOUND, ids=str)
def test_what_is_cited_is_there(citation: Citation) -> None:
    assert set(citation.numbers) <= set(SECTIONS)
    for first, last in citation.ranges:
        assert order(first) < order(last)


def test_nobody_cites_what_is_not_here() -> None:
    assert NOTES.findall("(domain.md 1.3; lab-notes.md)") == ["domain.md", "lab-notes.md"]
    assert not {name: NOTES.findall(text) for name, text in TEXT.items() if NOTES.search(text)}


@pytest.mark.parametrize("number", SECTIONS)
def test_every_section_is_cited(number: str) -> None:
    others = [each for each in FOUND if each.place != str(PAGE.relative_to(ROOT))]
    ranges = [ends for each in others for ends in each.ranges]
    assert any(number in each.numbers for each in others) or any(
        order(first) <= order(number) <= order(last) for first, last in ranges
    )


@pytest.mark.parametrize("number", SECTIONS)
def test_every_fact_has_a_source(number: str) -> None:
    told = facts(SECTIONS[number])
    if number.startswith("10."):  # how it was measured comes before what was
        told = told[1:]
    assert told
    for fact in told:
        assert sources(fact), fact


def test_sources_are_where_they_are_said_to_be() -> None:
    labels = [label for label, _ in TARGETS]
    assert len(labels) == len(set(labels))
    assert set(labels) == set(USED)
    for label, target in TARGETS:
        assert target.startswith("https://") or (PAGE.parent / target).exists(), label


def test_sections_are_in_order() -> None:
    assert list(SECTIONS) == sorted(SECTIONS, key=order)
