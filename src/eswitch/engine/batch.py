"""Joins neighbouring commands of one tool: one process or one OVSDB transaction instead of many.

This is where eswitch saves its time: 127 ports as single commands cost tens of seconds more than
in one batch (facts 10.1). Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eswitch.model.action import Action, Command, Settle, Tool
from eswitch.model.identifiers import PciAddress
from eswitch.model.step import Step

# One argument list may be 2 MiB on Linux, environment included (execve(2)); ovs-vsctl takes its
# whole transaction there.
_MAX_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to run: a write, a wait, or the commands of one tool with the steps they serve.

    `steps[i]` is the index (in the planned list) of the step that `actions[i]` belongs to.
    """

    actions: tuple[Action, ...]
    steps: tuple[int, ...]

    @property
    def tool(self) -> Tool | None:
        """The tool of a batch, None for a write or a wait."""
        first = self.actions[0]
        return first.tool if isinstance(first, Command) else None


def _joins(operation: Operation, action: Action) -> bool:
    """Only commands join, and only those of the same tool, if it takes several."""
    last = operation.actions[-1]
    if not isinstance(action, Command) or not isinstance(last, Command):
        return False
    words = sum(len(a.args) for a in operation.actions if isinstance(a, Command))
    several = action.tool is not Tool.ETHTOOL
    return several and last.tool is action.tool and words < _MAX_WORDS


def operations(steps: Sequence[Step]) -> tuple[Operation, ...]:
    """The steps' actions in order, joined where neighbours allow it.

    `devlink` and `ip` steps that alternate stay apart: order is never changed.
    """
    return _join([(action, i) for i, step in enumerate(steps) for action in step.actions])


def undo_operations(inverses: Sequence[Sequence[Action]]) -> tuple[Operation, ...]:
    """The inverse actions of executed steps, last step first."""
    last = len(inverses) - 1
    return _join(
        [(action, last - i) for i, inverse in enumerate(reversed(inverses)) for action in inverse]
    )


def _join(flat: list[tuple[Action, int]]) -> tuple[Operation, ...]:
    joined: list[Operation] = []
    for action, step in _late_settles(flat):
        if joined and _joins(joined[-1], action):
            before = joined[-1]
            joined[-1] = Operation((*before.actions, action), (*before.steps, step))
        else:
            joined.append(Operation((action,), (step,)))
    return tuple(joined)


def _late_settles(flat: list[tuple[Action, int]]) -> Iterator[tuple[Action, int]]:
    """Waits for udev only where it matters: before a command, which may use a name, or at the end.

    127 VFs bound one after the other then cost one wait, not 127. A wait for all of udev is one for
    each PF too.
    """
    pending: dict[PciAddress | None, tuple[Action, int]] = {}
    for action, step in flat:
        if isinstance(action, Settle):
            if action.pf is None:
                pending.clear()
            pending.pop(action.pf, None)
            if not action.urgent:
                if None not in pending:
                    pending[action.pf] = (action, step)
                continue
        elif isinstance(action, Command):
            yield from pending.values()
            pending.clear()
        yield action, step
    yield from pending.values()
