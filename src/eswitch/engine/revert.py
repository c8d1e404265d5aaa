"""Puts back what was before the last apply, and checks that it is so."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eswitch.errors import EswitchError, HostError, NotEffective
from eswitch.host import Host
from eswitch.model.action import Program, Remember, Replace
from eswitch.model.observed import ObservedState
from eswitch.model.question import Question, Topic
from eswitch.observe import answer, observe

from . import journal, resume
from .batch import Operation
from .comparison import differences
from .converge import LOCK
from .execute import execute_all
from .explain import says_gone
from .over_reboot import Event
from .rollback_guards import refuse, refuse_if_outdated
from .undo import Undo


def rollback(
    host: Host, undo: Undo, *, started: Callable[[Operation], None] = lambda operation: None
) -> tuple[str, ...]:
    """Undo it, compare with what was observed before, and return what the host refused meanwhile
    (what was to be undone was gone, or had never happened).

    What would go on after a reboot is called off first: it would bring all of it back.

    Raises Unsupported if a tool or Open vSwitch is missing that it needs; Refused if it is no
    longer the last apply, a guest holds a VF that would be pulled, or somebody else has a port in a
    bridge that would go; HostError where the host refuses; NotEffective if a file or a program
    could not be undone, or if the host afterwards differs from what it was.
    """
    with host.lock(LOCK):
        refuse_if_outdated(undo, journal.last(host))
        refuse(undo, observe(host))
        resume.settle(host, Event.ROLLED_BACK)
        writer = journal.Journal(host, undo.entry.path)
        refused: list[str] = []
        undone = True
        writer.undoing()
        try:
            for operation in undo.operations:
                started(operation)
                said = execute_all(operation, host)
                refused += said
                # What a machine boots with, nobody sees in time: its own word counts.
                boots = isinstance(operation.actions[0], Program | Replace | Remember)
                undone = undone and (not boots or all(says_gone(text) for text in said))
        except (EswitchError, KeyboardInterrupt) as error:
            writer.stop("rollback failed", error)
            raise
        left = _settled_differences(host, undo)
        if left or not undone:
            # If the rest is gone, all is undone that can be: the next is of the apply before.
            complete = all(says_gone(text) for text in refused)
            lines = [f"  {line}" for line in (*left, *refused)]
            what = "the host is not quite what it was" if left else "not all of it could be undone"
            differs = NotEffective(
                f"{what}:\n" + "\n".join(lines),
                hint=f"the commands are in {undo.entry.path}",
            )
            writer.stop("rolled back" if complete else "rollback failed", differs)
            raise differs
        try:
            writer.end("rolled back")
        except journal.JournalFailed as error:
            error.message = f"the host is what it was, but {error.message}"
            raise
        return tuple(refused)


def _settled_differences(host: Host, undo: Undo) -> tuple[str, ...]:
    """Devices leave asynchronously: look until nothing differs, for ten seconds at most."""
    deadline = host.monotonic() + 10.0
    before = undo.entry.before
    asked = tuple(_asked(before))
    while True:
        try:
            now = answer(host, observe(host), asked)
            left = differences(before, now, reboots=undo.reboots)
        except HostError:
            if host.monotonic() >= deadline:
                raise
            left = ("unreadable",)
        if not left or host.monotonic() >= deadline:
            return left
        host.sleep(0.2)


def _asked(before: ObservedState) -> Iterator[Question]:
    """The questions that were answered before, as far as undoing changes the answers."""
    for nic in before.nics:
        if nic.firmware is not None:
            yield Question(Topic.FIRMWARE, nic.pci)
    for module in before.modules:
        yield Question(Topic.MODULE, module.name)
    if before.boot is not None:
        yield Question(Topic.BOOT)
