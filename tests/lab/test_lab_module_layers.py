"""The module's sources stand in layers: each file uses only what files before it define."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[2] / "lab" / "eswitchsim"

# Comments and texts: what stands in them is no use of a name.
NO_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
# At the left margin, as all definitions are: what it is, its name, and "(" or "=".
DEFINITION = re.compile(
    r"^(?!static\b|typedef\b)[a-z][\w \t*]*?\b(\w+)\s*(\([^;{}=]*\)\s*\{|=)", re.MULTILINE
)
CONDITION = re.compile(r"^[ \t]*#[ \t]*(?:el)?if[^\n]*", re.MULTILINE)
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Source:
    """A C file: what it offers to others, and all names that stand in it."""

    defines: frozenset[str]
    names: frozenset[str]


def read_source(text: str) -> Source:
    code = DIRECTIVE.sub("", NO_CODE.sub(" ", text))
    names = frozenset(re.findall(r"\w+", code))
    return Source(frozenset(name for name, _ in DEFINITION.findall(code)), names)


def users(sources: dict[str, Source]) -> dict[str, dict[str, set[str]]]:
    """File -> file that it uses -> the names that it uses of it."""
    return {
        user: {
            owner: names
            for owner, offer in sources.items()
            if owner != user and (names := set(offer.defines & source.names))
        }
        for user, source in sources.items()
    }


def circle(edges: dict[str, set[str]]) -> list[str]:
    """One circle, as the way from a file back to itself; empty if there is none."""
    done: set[str] = set()

    def walk(node: str, way: tuple[str, ...]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node not in done:
            for other in sorted(edges.get(node, ())):
                if found := walk(other, (*way, node)):
                    return found
            done.add(node)
        return []

    return next((found for node in sorted(edges) if (found := walk(node, ()))), [])


def texts(suffix: str) -> dict[str, str]:
    found = {path.name: path.read_text() for path in sorted(MODULE.glob(f"*{suffix}"))}
    return {name: text for name, text in found.items() if not name.endswith(".mod.c")}


def includes(text: str) -> set[str]:
    return set(INCLUDE.findall(text))


def all_includes(name: str, files: dict[str, str]) -> set[str]:
    """The module's headers that a file sees, directly or through others."""
    seen: set[str] = set()
    rest = includes(files[name])
    while rest:
        header = rest.pop()
        seen.add(header)
        rest |= includes(files[header]) - seen
    return seen


def link_order() -> list[str]:
    """The C files in the order of the Makefile."""
    lines = re.findall(
        r"^eswitchsim-y [:+]= (.*)$", (MODULE / "Makefile").read_text(), re.MULTILINE
    )
    return [name.removesuffix(".o") + ".c" for line in lines for name in line.split()]


@pytest.fixture(scope="module")
def uses() -> dict[str, dict[str, set[str]]]:
    return users({name: read_source(text) for name, text in texts(".c").items()})


def test_no_two_files_use_each_other_on_whatever_way(uses: dict[str, dict[str, set[str]]]) -> None:
    assert circle({user: set(owners) for user, owners in uses.items()}) == []


def test_a_file_uses_only_those_before_it_in_the_makefile(
    uses: dict[str, dict[str, set[str]]],
) -> None:
    order = link_order()
    assert sorted(order) == sorted(uses), "the Makefile lists all files"
    upwards = [
        f"{user} uses {', '.join(sorted(names))} of {owner}"
        for user, owners in uses.items()
        for owner, names in owners.items()
        if order.index(owner) > order.index(user)
    ]
    assert upwards == []


def test_headers_include_each_other_in_one_direction() -> None:
    assert circle({name: includes(text) for name, text in texts(".h").items()}) == []


def test_a_file_sees_the_macros_that_its_conditions_ask_for() -> None:
    """Without the header `#ifdef` is silently false."""
    files = texts(".c") | texts(".h")
    for name, text in files.items():
        seen = {name, *all_includes(name, files)}
        asked = set(re.findall(r"\bESIM_\w+", " ".join(CONDITION.findall(text))))
        known = {macro for header in seen for macro in MACRO.findall(files[header])}
        own_guard = f"ESIM_{name.removesuffix('.h').upper()}_H"
        assert asked - {own_guard} <= known, name


def test_what_offers_something_says_so_in_a_header(uses: dict[str, dict[str, set[str]]]) -> None:
    """Nothing is declared in a C file: then no header shows who uses it."""
    for name, text in texts(".c").items():
        assert not re.search(r"^extern\b", text, re.MULTILINE), name
    assert sum(len(owners) for owners in uses.values()) > len(uses), "uses were found at all"


# The reader itself, on sources as people write them.
GROUND = """
/* ground_count() counts. */
static int ground_helper(void)
{
    return 0;
}

int ground_count(const struct thing *thing,
                 int least)
{
    return ground_helper();
}

const struct ops ground_ops = {
    .count = ground_count,
};

struct kind;
extern int elsewhere;
unsigned int ground_declared(void);
"""


def test_the_reader_knows_definitions_from_everything_else() -> None:
    assert read_source(GROUND).defines == {"ground_count", "ground_ops"}


def test_the_reader_knows_uses_from_comments_and_texts() -> None:
    used = read_source('// ground_count\nint f(void)\n{\n    return say("ground_ops") + g();\n}\n')
    assert used.defines == {"f"}
    assert "g" in used.names
    assert not used.names & {"ground_count", "ground_ops"}


BY_CALL = """
int top(void)
{
    return ground_count(0, 1);
}
"""
BY_ADDRESS = """
static int top(void)
{
    return 0;
}

int other_top(int (*how)(int))
{
    return how(ground_ops.count);
}
"""


@pytest.mark.parametrize("upper", [BY_CALL, BY_ADDRESS], ids=["by a call", "by an address"])
def test_a_circle_is_found(upper: str) -> None:
    """The file below calls back, however it got there."""
    back = "int ground_back(void)\n{\n    return top() + other_top();\n}\n"
    found = users({"a.c": read_source(GROUND + back), "b.c": read_source(upper)})
    assert circle({user: set(owners) for user, owners in found.items()}) == ["a.c", "b.c", "a.c"]


def test_a_circle_over_three_files_is_found_and_a_diamond_is_none() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert circle({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}) == []
