"""What holds for all inputs."""

from __future__ import annotations

from typing import Any

import jsonschema
from hypothesis import example, given, settings
from hypothesis import strategies as st
from spec.spec_cases import cases
from spec.spec_strategies import states

from eswitch.model.desired import DesiredState
from eswitch.spec import SpecInvalid, load
from eswitch.spec.schema import schema
from eswitch.spec.text import decode
from eswitch.spec.tree import parse, resolve
from eswitch.spec.writing import dump, scalar

# No deadline: machines that run tests do other things too.
_MANY = settings(max_examples=80, deadline=None)

_GOOD = [path.read_bytes() for path in cases("good")]
_WORDS = st.sampled_from(
    [
        "version",
        "nics",
        "bridges",
        "ovs",
        "match",
        "mac",
        "pci",
        "vfs",
        "vlan",
        "mode",
        "ports",
        "address",
        "1",
        "-1",
        "2.5",
        "true",
        "~",
        "on",
        "cx6",
        "a/0",
        "10.0.0.1/24",
        "ba:dd:ad:de:ad:30",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "-",
        "?",
        "|",
        ">",
        "&",
        "*",
        "!",
        "%",
        "@",
        "`",
        "'",
        '"',
        "#",
        "\\",
        "---",
        "...",
    ]
)
_YAMLISH = st.lists(
    st.one_of(_WORDS, st.sampled_from([" ", "\n", "\n  ", ": ", "- ", "\t", "\r"]), st.text()),
    max_size=60,
).map("".join)

_PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | _WORDS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(_WORDS, below, max_size=6),
    max_leaves=25,
)


def _loads_or_explains(data: bytes) -> None:
    try:
        state = load(data, "s.yaml")
    except SpecInvalid as error:
        problems = error.problems
        str(error).encode()
    else:
        assert isinstance(state, DesiredState)
        return
    assert problems
    for problem in problems:
        assert problem.message
        assert problem.hint
        assert problem.line >= 1
        assert problem.column >= 1


@given(st.binary())
@_MANY
def test_any_bytes_load_or_are_explained(data: bytes) -> None:
    _loads_or_explains(data)


@given(_YAMLISH)
@_MANY
@example('"\\U00110000": 1')
@example('"\\ud800": 1')
@example("? [a]\n: 1")
@example("%TAG ! x\n--- !a b")
@example("- - - :\n")
@example("version: 1\nnics: {<list>: {vfs: {}}}")
def test_anything_like_yaml_loads_or_is_explained(text: str) -> None:
    _loads_or_explains(text.encode("utf-8", "surrogatepass"))


@given(st.sampled_from(_GOOD), st.data())
@_MANY
def test_a_damaged_spec_loads_or_is_explained(spec: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(spec)))
    end = data.draw(st.integers(start, min(len(spec), start + 12)))
    _loads_or_explains(spec[:start] + data.draw(st.binary(max_size=6)) + spec[end:])


@given(_PLAIN)
@_MANY
def test_any_values_load_or_are_explained(value: Any) -> None:
    def flow(entry: Any) -> str:
        if isinstance(entry, dict):
            return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in entry.items()) + "}"
        if isinstance(entry, list):
            return "[" + ", ".join(map(flow, entry)) + "]"
        return scalar(entry) if isinstance(entry, str) else str(entry).lower()

    _loads_or_explains(f"version: 1\nnics: {flow(value)}\n".encode())
    _loads_or_explains(f"version: 1\nbridges: {flow(value)}\n".encode())
    nic = f"version: 1\nnics: {{cx6: {{match: {flow(value)}, vfs: {flow(value)}}}}}\n"
    _loads_or_explains(nic.encode())


@given(states())
@_MANY
def test_every_state_survives_being_written(state: DesiredState) -> None:
    assert load(dump(state).encode(), "s.yaml") == state


_SCHEMA = jsonschema.Draft202012Validator(schema())


@given(states())
@_MANY
def test_what_is_written_fits_the_schema(state: DesiredState) -> None:
    tree, problems = parse(decode(dump(state).encode(), "s.yaml"))
    assert not problems
    _SCHEMA.validate(tree.root.plain())


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), max_codepoint=0x2000)))
@_MANY
def test_a_scalar_reads_back_as_its_text(text: str) -> None:
    tree, _ = parse(decode(f"a: {scalar(text)}\n".encode(), "s.yaml"))
    assert tree.root.plain() == {"a": text}


@given(st.integers(-(10**17), 10**17))
@_MANY
def test_decimal_numbers_are_numbers(number: int) -> None:
    assert resolve(str(number)) == number
    if number > 0:
        assert resolve(f"0{number}") == f"0{number}"
        assert resolve(hex(number)) == hex(number)
