"""Pictures and page: well-formed whatever the names are, and drawn from what was observed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hydrate import hydrate
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from self_contained import assert_self_contained

from eswitch.demo import chart, topology
from eswitch.demo.load import ASSUMPTIONS, Comparison, Load
from eswitch.demo.page import Figure, Row, Scene, Typed, model, numbers, page
from eswitch.demo.svg import box, element, path, picture, words
from eswitch.model.observed import ObservedState

CASES = Path(__file__).parent.parent / "cases" / "plan"
SVG = "{http://www.w3.org/2000/svg}"
LOADS = st.builds(Load, st.floats(0, 64), st.floats(0, 64))


def observed(name: str) -> ObservedState:
    state = hydrate(ObservedState, YAML(typ="safe").load(CASES / f"{name}.yaml")["observed"])
    assert isinstance(state, ObservedState)
    return state


def texts(drawn: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(drawn).iter(f"{SVG}text")]


@given(st.text(), st.text())
def test_whatever_is_said_is_escaped(text: str, attribute: str) -> None:
    parsed = ET.fromstring(element("p", text, title=attribute))
    assert not list(parsed)
    clean = "".join(char if char.isprintable() else "\ufffd" for char in text)
    assert (parsed.text or "") == clean
    assert "\x00" not in parsed.attrib["title"]


def test_attributes_of_svg() -> None:
    drawn = box(1, 2.25, 3, 4, "chip") + words(1, 2, "a<b", "code")
    assert 'y="2.2"' in drawn
    assert 'class="t code"' in drawn
    assert "a&lt;b" in drawn
    assert element("a", title=None) == "<a></a>"


def test_a_line_has_round_corners() -> None:
    drawn = path([(0, 0), (0, 10), (20, 10)], "line")
    assert drawn.startswith('<path d="M0 0L0 5Q0 10 5 10L20 10"')


@pytest.mark.parametrize("name", sorted(each.stem for each in CASES.glob("*.yaml")))
def test_every_machine_can_be_drawn(name: str) -> None:
    state = observed(name)
    for nic in state.nics:
        drawn = topology.draw(state, (), nic, {}, f"the NIC of {name}")
        found = texts(drawn)
        assert sum(text == "uplink" for text in found) == 1
        for vf in nic.vfs[: topology.MANY - 1]:
            assert f"VF {vf.index}" in found


def test_what_is_not_there_is_not_drawn() -> None:
    state = observed("nothing-to-do")
    nic = next(nic for nic in state.nics if nic.vfs)
    drawn = texts(topology.draw(state, (), nic, {}, "with VFs"))
    assert any(text.startswith("bridge ") for text in drawn)
    bare = replace(nic, vfs=())
    gone = replace(state, nics=(bare,), ovs=replace(state.ovs, bridges=()))
    drawn = texts(topology.draw(gone, (), bare, {}, "without"))
    assert "no bridge" in drawn
    assert not any(text.startswith("VF ") for text in drawn)


def test_guests_are_behind_their_ports() -> None:
    state = observed("nothing-to-do")
    nic = next(nic for nic in state.nics if nic.vfs)
    name = nic.vfs[0].representor
    assert name
    assert "vm/<7>" in texts(topology.draw(state, (), nic, {name: "vm/<7>"}, "guests"))


def test_many_vfs_are_counted_not_drawn() -> None:
    state = observed("nothing-to-do")
    nic = next(nic for nic in state.nics if nic.vfs)
    vfs = tuple(replace(nic.vfs[0], index=index, representor=None) for index in range(64))
    alone = replace(state, ovs=replace(state.ovs, bridges=()))
    drawn = texts(topology.draw(alone, (), replace(nic, vfs=vfs), {}, "many"))
    assert "and 59 more ports" in drawn
    assert "uplink" in drawn


@given(st.lists(st.tuples(LOADS, LOADS), max_size=24))
def test_the_chart_is_inside_its_frame(hours: list[tuple[Load, Load]]) -> None:
    compared = Comparison(tuple(a for a, _ in hours), tuple(b for _, b in hours))
    parsed = ET.fromstring(chart.draw(compared, "load"))
    _, _, wide, high = (float(number) for number in parsed.attrib["viewBox"].split())
    for bar in parsed.iter(f"{SVG}rect"):
        x, y, width, height = (float(bar.attrib[key]) for key in ("x", "y", "width", "height"))
        assert x >= 0
        assert x + width <= wide
        assert y >= -0.1
        assert y + height <= high
        assert height >= 0


@given(st.floats(0, 1e4))
def test_the_axis_reaches_the_peak(peak: float) -> None:
    step, ticks = chart.axis(peak)
    assert 1 <= ticks <= 4
    assert step * ticks >= peak * (1 - 1e-6)


def test_the_page_needs_nothing_and_runs_nothing() -> None:
    evil = "<script>alert('1')</script> & \x1b[31m \"quoted\""
    rows = (Row(((evil, "bad"), ("", "")), hang=2), Row(((evil, ""),)))
    drawn = picture(10, 10, evil, words(1, 1, evil))
    scene = Scene(evil, f"{evil}\n\n`{evil}`", (Typed(evil, rows, 2), Figure(drawn, evil)))
    compared = Comparison((Load(1, 1),), (Load(0, 1),))
    last = Scene("load", "", (), (numbers(compared), model(ASSUMPTIONS)))
    text = page((scene, last), evil, evil)
    assert_self_contained(text)
    assert "(exit code 2)" in text
