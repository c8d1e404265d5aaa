"""Every field of an observation is compared, or stands in the list of exceptions with a reason."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from typing import Any

import pytest

from eswitch.engine.comparison import RULES, How, differences
from eswitch.model.identifiers import OWNER
from eswitch.model.machine import BootState, Loader
from eswitch.model.observed import KernelState, ObservedState
from eswitch.model.unknown import Unknown
from eswitch.stages.passthrough import WORDS

Place = tuple[type, str]
Key = str | int


@dataclass(frozen=True)
class Leaf:
    """A value somewhere in a state: the way there, and the fields on it."""

    way: tuple[Key, ...]
    fields: tuple[Place, ...]

    def __str__(self) -> str:
        return ".".join(map(str, self.way))


def example(kind: Any) -> Any:
    """A value of that type with something in every field and every list of it."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return example(next(arg for arg in args if arg not in (types.NoneType, Unknown)))
    if origin is tuple:
        return (example(args[0]),)
    if origin is dict:
        return {"key": example(args[1])}
    if isinstance(kind, typing.NewType):
        return example(kind.__supertype__)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{field.name: example(hints[field.name]) for field in fields(kind)})
    if issubclass(kind, Enum):
        return next(iter(kind))
    return {bool: False, int: 1, str: "text"}[kind]


def leaves(value: Any, way: tuple[Key, ...] = (), on: tuple[Place, ...] = ()) -> Iterator[Leaf]:
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            place = (type(value), field.name)
            yield from leaves(getattr(value, field.name), (*way, field.name), (*on, place))
    elif isinstance(value, dict):
        yield from leaves(value["key"], (*way, "key"), on)
    elif isinstance(value, tuple):
        yield from leaves(value[0], (*way, 0), on)
    else:
        yield Leaf(way, on)


def other(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, Enum):
        return next(each for each in type(value) if each is not value)
    if isinstance(value, bool):
        return not value
    return value + (7 if isinstance(value, int) else " and more")


def changed(value: Any, way: tuple[Key, ...], new: Any = other) -> Any:
    """The same with what stands there changed."""
    if not way:
        return new(value)
    key, *rest = way
    if isinstance(value, tuple):
        return (changed(value[0], tuple(rest), new),)
    if isinstance(value, dict):
        return {key: changed(value[key], tuple(rest), new)}
    return replace(value, **{str(key): changed(getattr(value, str(key)), tuple(rest), new)})


FULL: ObservedState = example(ObservedState)
LEAVES = list(leaves(FULL))
ROWS = pytest.mark.parametrize(
    "row", RULES, ids=lambda row: f"{row[0].__name__}.{row[1]}" if isinstance(row, tuple) else ""
)


def hows(leaf: Leaf) -> set[How]:
    return {RULES[place].how for place in leaf.fields if place in RULES}


def test_the_example_has_all_that_an_observation_is_made_of() -> None:
    kinds = {kind.__name__ for leaf in LEAVES for kind, _ in leaf.fields}
    assert kinds >= {"EswitchState", "SriovState", "LegacyVf", "Parameter", "OvsPort", "BootState"}
    assert len(LEAVES) > 90


@pytest.mark.parametrize("leaf", LEAVES, ids=str)
def test_every_field_is_compared_or_has_its_reason(leaf: Leaf) -> None:
    found = differences(FULL, changed(FULL, leaf.way))
    assert bool(found) == (not hows(leaf) & {How.NOT, How.OUR_WORDS}), found


@pytest.mark.parametrize("leaf", LEAVES, ids=str)
def test_what_waits_for_a_reboot(leaf: Leaf) -> None:
    found = differences(FULL, changed(FULL, leaf.way), reboots=True)
    assert bool(found) == (not hows(leaf) & {How.NOT, How.OUR_WORDS, How.AFTER_REBOOT}), found


@pytest.mark.parametrize(
    "leaf", [leaf for leaf in LEAVES if not hows(leaf) & {How.NOT, How.OUR_WORDS}], ids=str
)
def test_the_place_is_named(leaf: Leaf) -> None:
    """At least the first name on the way: further down an item may be gone as a whole."""
    (found, *_) = differences(FULL, changed(FULL, leaf.way))
    assert found.startswith(str(leaf.way[0]))


@ROWS
def test_an_exception_is_of_a_field_that_there_is_and_says_why(row: Place) -> None:
    kind, name = row
    assert name in {field.name for field in fields(kind)}
    assert len(RULES[row].why.split()) > 3
    assert any(row in leaf.fields for leaf in LEAVES), "it is of no observation"


EXCEPTED = """\
BootState.cmdline BootState.content BootState.next BootState.next_release BootState.passphrase
LinkState.carrier LinkState.hw_tc_fixed LinkState.hw_tc_offload LinkState.index LinkState.link_local
LinkState.mac ModuleState.loaded ModuleState.version NicState.driver NicState.eswitch
NicState.ingress NicState.iommu_group NicState.sriov ObservedState.guests ObservedState.iommu
ObservedState.kit ObservedState.session_addresses ObservedState.vfio_loaded OvsPort.ofport
OvsState.reason OvsState.version Parameter.current Parameter.default VfState.driver
VfState.group_peers VfState.users
"""


def test_an_exception_more_is_one_that_somebody_has_thought_about_twice() -> None:
    assert sorted(f"{kind.__name__}.{name}" for kind, name in RULES) == EXCEPTED.split()


def test_an_untouched_host_differs_in_nothing() -> None:
    assert differences(FULL, FULL) == ()


EMPTY = ObservedState(KernelState("6.14"))


def test_the_feature_counts_only_if_it_was_asked_for_before() -> None:
    before = changed(FULL, ("links", 0, "hw_tc_offload"), lambda _: None)
    after = changed(FULL, ("links", 0, "hw_tc_fixed"))
    assert differences(before, after) == ()
    assert differences(FULL, after) == ("links[text].hw_tc_fixed: was False, now True",)


@pytest.mark.parametrize("leaf", LEAVES, ids=str)
def test_what_was_unknown_before_has_nothing_to_compare_with(leaf: Leaf) -> None:
    """And a whole that is unknown now, or gone, is a difference."""
    whole = leaf.way[:1]
    before = changed(FULL, whole, lambda _: Unknown("no answer"))
    assert not [each for each in differences(before, FULL) if each.startswith(str(whole[0]))]
    found = differences(FULL, before)
    how = {RULES[leaf.fields[0]].how} if leaf.fields[0] in RULES else set()
    assert bool(found) == (not how)


def boot(**changes: Any) -> ObservedState:
    return replace(
        EMPTY, boot=replace(BootState(("quiet",), Loader.GRUB, next=("quiet",)), **changes)
    )


def test_what_is_unknown_afterwards_is_not_as_before() -> None:
    mine = boot(next=("quiet", "mine"), content="mine")
    assert differences(boot(), mine) == ()
    lost = boot(next=Unknown("grub.cfg is unreadable"))
    assert differences(boot(), lost) == ("boot.next: unknown now: grub.cfg is unreadable",)


def test_our_words_on_the_command_line_are_seen() -> None:
    ours = boot(next=("quiet", *WORDS), content=f'GRUB_CMDLINE_LINUX="{" ".join(WORDS)}"\n')
    assert differences(boot(), ours) == (
        *(f"boot.content: {word} is new" for word in WORDS),
        *(f"boot.next: {word} is new" for word in WORDS),
    )
    assert differences(ours, boot()) == (), "others may take them away"


def test_a_key_of_others_that_is_called_as_an_exception_is_compared() -> None:
    """Names say nothing without the type that they are of."""
    name = ("ovs", "other_config")
    before = changed(FULL, name, lambda _: {"version": "1", "reason": "mine", "loaded": "a"})
    after = changed(FULL, name, lambda _: {"version": "2", "reason": "mine", "loaded": "a"})
    assert differences(before, after) == ("ovs.other_config.version: was 1, now 2",)
    only = changed(FULL, name, lambda _: {"reason": "mine"})
    assert differences(only, after)


def test_what_others_made_is_no_difference() -> None:
    def ports(*ids: dict[str, str]) -> ObservedState:
        port = FULL.ovs.bridges[0].ports[0]
        more = tuple(
            replace(port, name=f"p{number}", external_ids=each) for number, each in enumerate(ids)
        )
        found: ObservedState = changed(
            FULL, ("ovs", "bridges", 0, "ports"), lambda old: (*old, *more)
        )
        return found

    assert differences(ports(), ports({})) == ()
    assert differences(ports(), ports({}, {OWNER: "x"})) == ("ovs.bridges[text].ports: p1 is new",)
    assert differences(ports({}), ports()) == ("ovs.bridges[text].ports: p0 is gone",)
