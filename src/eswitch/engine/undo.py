"""What a rollback would undo, and in which order. Pure, apart from reading the journal."""

from __future__ import annotations

from dataclasses import dataclass

from eswitch.host import Host
from eswitch.model.action import by_hand

from . import journal
from .batch import Operation, undo_operations


@dataclass(frozen=True, slots=True)
class Undo:
    """A rollback that could be done: the apply it undoes and the operations in their order."""

    entry: journal.Entry
    operations: tuple[Operation, ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """What a person would type."""
        return tuple(str(action) for op in self.operations for action in by_hand(op.actions))

    @property
    def reboots(self) -> bool:
        """Whether it is in force only after a reboot."""
        return any(step.reboot for step in self.entry.steps)


def prepare(host: Host) -> Undo | None:
    """The last apply that can be undone, or None when there is none."""
    entry = journal.last(host)
    if entry is None:
        return None
    # A step that was begun and not seen to end may have happened: its inverse tolerates both.
    return Undo(entry, undo_operations([step.inverse for step in entry.steps]))
