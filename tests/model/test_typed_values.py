"""Values become plain data and back; what is no such value is told where it stands."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import Annotated

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eswitch.model.action import Action
from eswitch.model.desired import DesiredState
from eswitch.model.disturbance import Disturbance
from eswitch.model.identifiers import PciAddress, VfId
from eswitch.model.observed import NicState, ObservedState
from eswitch.model.plain import to_plain
from eswitch.model.subject import Bridge, Interface, Nic, Part, Subject
from eswitch.model.typed import Unfit, build, from_plain

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
st.register_type_strategy(str, TEXT)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
_SLOW = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)


def over_json(value: object) -> object:
    return json.loads(json.dumps(to_plain(value)))


@given(st.from_type(Subject))  # type: ignore[arg-type]
@_SLOW
def test_every_subject_comes_back(subject: Subject) -> None:
    assert build(Subject, over_json(subject)) == subject


@given(st.from_type(Action))  # type: ignore[arg-type]
@_SLOW
def test_every_action_comes_back(action: Action) -> None:
    assert build(Action, over_json(action)) == action


@given(st.from_type(Disturbance))
@_SLOW
def test_every_disturbance_comes_back(disturbance: Disturbance) -> None:
    assert from_plain(Disturbance, over_json(disturbance)) == disturbance


@given(st.from_type(NicState))
@_SLOW
def test_every_nic_comes_back(nic: NicState) -> None:
    assert from_plain(NicState, over_json(nic)) == nic


@given(st.sampled_from([ObservedState, DesiredState, Disturbance, Subject, Action]), JSON)
@settings(max_examples=300, deadline=None)
def test_nonsense_is_told_as_such(kind: object, data: object) -> None:
    with contextlib.suppress(Unfit):
        build(kind, data)


@dataclass(frozen=True)
class Two:
    both: tuple[int, str]
    many: dict[int, list[float]]
    address: IPv4Interface
    who: Subject | None = None


def test_what_else_there_is() -> None:
    value = Two((1, "a"), {7: [0.5]}, IPv4Interface("192.168.1.101/24"), Bridge("vmbr2"))
    assert from_plain(Two, over_json(value)) == value
    data = {"both": [1, "a"], "many": {}, "address": "192.168.1.101/24"}
    assert from_plain(Two, data).who is None


@pytest.mark.parametrize(
    ("kind", "data", "path", "why"),
    [
        (Two, {"both": [1], "many": {}, "address": "::"}, ["both"], "has 1 items, not 2"),
        (Two, {"both": [1, 2]}, [], "it lacks `many`"),
        (Two, {"both": [1, 2], "many": {}, "address": "1"}, ["both", 1], "2 is not a text"),
        (Two, {"both": [1, "a"], "many": {"x": []}, "address": "1"}, ["many"], "'x' is not a"),
        (
            Two,
            {"both": [1, "a"], "many": {}, "address": "x"},
            ["address"],
            "Expected 4 octets in 'x'",
        ),
        (Two, {"colour": 1}, ["colour"], "there is no key `colour`"),
        (Two, None, [], "there is nothing"),
        (Subject, "the moon", [], "'the moon' is none of this host"),
        (Subject, {"kind": "moon"}, ["kind"], "'moon' is none of spec-nic"),
        (Subject, {"name": "vmbr2"}, [], "is each of SpecNic, Bridge"),
        (Subject, {"light": 1}, [], "is none of SpecNic"),
        (Nic, {"kind": "bridge", "pci": "x"}, ["kind"], "'bridge' is not nic"),
        (tuple[Subject, ...], [{"kind": "bridge", "name": 1}], [0, "name"], "1 is not a text"),
    ],
)
def test_where_it_does_not_fit(kind: object, data: object, path: list[object], why: str) -> None:
    with pytest.raises(Unfit) as told:
        build(kind, data)
    assert told.value.path == path
    assert why in str(told.value)


def test_a_class_may_be_told_by_its_kind_alone_and_without_it() -> None:
    assert from_plain(VfId, {"kind": "vf", "pf": "0000:07:00.0", "index": 3}).index == 3
    assert from_plain(VfId, {"pf": "0000:07:00.0", "index": 3}) == VfId(
        PciAddress("0000:07:00.0"), 3
    )
    assert build(Subject, {"pf": "0000:07:00.0", "index": 3}).index == 3


def test_kinds_are_written_down() -> None:
    assert to_plain(Interface("eno1")) == {"kind": "interface", "name": "eno1"}
    assert to_plain(Part.REBOOT) == "the reboot"


def _even(number: int) -> None:
    if number % 2:
        raise Unfit(f"{number} is odd", hint="add one")


def _small(text: str) -> None:
    if text != text.lower():
        raise Unfit(f"{text} is large")


@dataclass(frozen=True)
class Checked:
    pairs: dict[Annotated[str, _small], Annotated[int, _even]]
    maybe: Annotated[int, _even] | None = None

    def __post_init__(self) -> None:
        if not self.pairs:
            raise Unfit("there is no pair", path=["pairs"])


@pytest.mark.parametrize(
    ("data", "path", "why", "hint"),
    [
        ({"pairs": {"a": 3}}, ["pairs", "a"], "3 is odd", "add one"),
        ({"pairs": {"A": 2}}, ["pairs", "A"], "A is large", ""),
        ({"pairs": {"a": "x"}}, ["pairs", "a"], "'x' is not a whole number", ""),
        ({"pairs": {"a": 2}, "maybe": 1}, ["maybe"], "1 is odd", "add one"),
        ({"pairs": {}}, ["pairs"], "there is no pair", ""),
    ],
)
def test_a_type_may_check_its_values(data: object, path: list[str], why: str, hint: str) -> None:
    with pytest.raises(Unfit, match=why) as unfit:
        from_plain(Checked, data)
    assert (unfit.value.path, unfit.value.hint) == (path, hint)
    assert from_plain(Checked, {"pairs": {"a": 2}, "maybe": None}) == Checked({"a": 2})
