"""Joining commands never changes what is done, nor its order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eswitch.engine.batch import operations, undo_operations
from eswitch.engine.run import invocation
from eswitch.model.step import Action, Command, Settle, Step, Tool, Write

words = st.lists(st.text("abc0:/=", min_size=1, max_size=4), min_size=1, max_size=3).map(tuple)
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(Write, path=st.just("/sys/x"), value=st.text("01", min_size=1, max_size=2)),
    st.builds(Command, tool=st.sampled_from(Tool), args=words),
    st.builds(Settle, urgent=st.booleans()),
)
steps = st.lists(
    st.lists(actions, min_size=1, max_size=4).map(
        lambda given: Step("s", "subject", "attribute", "a", "b", "why", tuple(given))
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


@given(steps)
def test_udev_is_waited_for_before_a_command_and_at_the_end(given: list[Step]) -> None:
    flat = [action for step in given for action in step.actions]
    joined = [action for op in operations(given) for action in op.actions]
    pending = False
    expected: list[Action] = []
    for action in flat:
        if isinstance(action, Settle):
            pending = not action.urgent
            expected += [action] if action.urgent else []
            continue
        if pending and isinstance(action, Command):
            expected.append(Settle())
            pending = False
        expected.append(action)
    if pending:
        expected.append(Settle())
    assert joined == expected


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
