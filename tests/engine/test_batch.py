"""Joining commands never changes what is done, nor its order."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from eswitch.engine.batch import operations, undo_operations
from eswitch.engine.execute import invocation
from eswitch.model.action import Action, Command, Settle, Tool, Write
from eswitch.model.identifiers import PciAddress
from eswitch.model.step import Step
from eswitch.model.subject import Part

words = st.lists(st.text("abc0:/=", min_size=1, max_size=4), min_size=1, max_size=3).map(tuple)
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(Write, path=st.just("/sys/x"), value=st.text("01", min_size=1, max_size=2)),
    st.builds(Command, tool=st.sampled_from(Tool), args=words),
    st.builds(
        Settle,
        urgent=st.booleans(),
        pf=st.sampled_from([None, PciAddress("0000:01:00.0"), PciAddress("0000:02:00.0")]),
    ),
)
steps = st.lists(
    st.lists(actions, min_size=1, max_size=4).map(
        lambda given: Step(Part.HOST, "attribute", "a", "b", "why", tuple(given))
    ),
    max_size=8,
)


def effects(flat: list[Action]) -> list[Action]:
    return [action for action in flat if not isinstance(action, Settle)]


@given(steps)
def test_order_and_content_are_kept(given: list[Step]) -> None:
    joined = [action for op in operations(given) for action in op.actions]
    assert effects(joined) == effects([action for step in given for action in step.actions])


@given(steps)
def test_every_action_keeps_its_step(given: list[Step]) -> None:
    for op in operations(given):
        assert len(op.actions) == len(op.steps)
        for action, index in zip(op.actions, op.steps, strict=True):
            assert action in given[index].actions


def waits(flat: list[Action]) -> list[tuple[int, Settle]]:
    """Each wait with the number of effects before it."""
    found, place = [], 0
    for action in flat:
        if isinstance(action, Settle):
            found.append((place, action))
        else:
            place += 1
    return found


@given(steps)
def test_udev_is_waited_for_before_the_next_command_and_at_the_end(given: list[Step]) -> None:
    flat = [action for step in given for action in step.actions]
    done = waits([action for op in operations(given) for action in op.actions])
    order = effects(flat)
    commands = [place for place, action in enumerate(order) if isinstance(action, Command)]
    for place, asked in waits(flat):
        due = next((at for at in commands if at >= place), len(order))
        last = place if asked.urgent else due
        covering = (at for at, wait in done if wait.pf in (None, asked.pf))
        assert any(place <= at <= last for at in covering), asked


@given(steps)
def test_nobody_waits_for_udev_more_often_than_asked(given: list[Step]) -> None:
    flat = [action for step in given for action in step.actions]
    done = waits([action for op in operations(given) for action in op.actions])
    assert len(done) <= len(waits(flat))
    everything = [at for at, wait in done if wait.pf is None and not wait.urgent]
    assert not [wait for at, wait in done if at in everything and wait.pf and not wait.urgent]


def test_two_nics_are_both_waited_for() -> None:
    settles = tuple(Settle(pf=PciAddress(f"0000:0{n}:00.0")) for n in (1, 2, 1))
    command = Command(Tool.IP, ("link", "set", "a", "up"))
    given = [Step(Part.HOST, "mode", "a", "b", "why", (*settles, command))]
    joined = [action for op in operations(given) for action in op.actions]
    assert set(joined[:-1]) == set(settles)
    assert joined[-1] == command
    assert len(joined) == 3


@given(st.lists(st.lists(actions, max_size=3), max_size=5))
def test_undo_runs_last_step_first(inverses: list[list[Action]]) -> None:
    joined = [action for op in undo_operations(inverses) for action in op.actions]
    assert effects(joined) == effects([a for inverse in reversed(inverses) for a in inverse])


def test_how_each_tool_is_called() -> None:
    ip = [Command(Tool.IP, ("link", "set", name, "up")) for name in ("a", "b")]
    assert invocation(ip) == (["ip", "-b", "-"], "link set a up\nlink set b up\n")
    assert invocation(ip[:1]) == (["ip", "link", "set", "a", "up"], None)
    devlink = [Command(Tool.DEVLINK, ("port", "show"))] * 2
    assert invocation(devlink, force=True)[0] == ["devlink", "--force", "-b", "-"]
    ovs = [Command(Tool.OVS, ("add-br", "x")), Command(Tool.OVS, ("add-port", "x", "y"))]
    argv, text = invocation(ovs)
    assert text is None
    assert argv[2:] == ["--", "add-br", "x", "--", "add-port", "x", "y"]


def test_ethtool_takes_one_command_at_a_time() -> None:
    step = Step(Part.HOST, "hw-tc-offload", "off", "on", "why", (), ())
    words = (("-K", name, "hw-tc-offload", "on") for name in ("r0", "r1"))
    steps = [replace(step, actions=(Command(Tool.ETHTOOL, each),)) for each in words]
    assert [len(operation.actions) for operation in operations(steps)] == [1, 1]
