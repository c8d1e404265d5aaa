"""What every apply did, so that it can be shown and undone.

On disk, `/var/lib/eswitch/journal/NNNNNN.jsonl`, one file for each apply, one JSON object a line:

    {"schema": "eswitch.journal/v2", "started": TIME, "spec": FILE, "before": OBSERVED STATE}
    {"step": N, "title": TEXT, "subject": SUBJECT, "touches": [SUBJECT], "disturbs": [DISTURBANCE],
     "commands": [TEXT], "inverse": [ACTION], "reboot": BOOL}             before step N runs
    {"end": "applied" | "failed" | "interrupted", "time": TIME, "message": TEXT}
    {"rollback": "begun", "time": TIME}                                   before it is undone
    {"end": "rolled back" | "rollback failed", "time": TIME, "message": TEXT}

Lines are only ever appended, each with an fsync before the host is touched, so after a crash or a
power cut the file tells what may have happened. A line that was cut off is ignored: its step had
not begun. An apply that changes nothing writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from eswitch.errors import EswitchError, HostError, NotFound
from eswitch.files import paths
from eswitch.host import Host
from eswitch.model.action import Action, by_hand
from eswitch.model.disturbance import Disturbance
from eswitch.model.observed import ObservedState
from eswitch.model.plain import Plain, to_plain
from eswitch.model.step import Step
from eswitch.model.subject import Subject
from eswitch.model.typed import Unfit, from_plain

DIRECTORY = paths.JOURNAL
SCHEMA = "eswitch.journal/v2"
_LATER = ('{"rollback"', '{"end"')


@dataclass(frozen=True, slots=True)
class Executed:
    """A step that was begun; after a crash nobody knows whether it ended."""

    title: str
    subject: Subject
    commands: tuple[str, ...]
    inverse: tuple[Action, ...]
    touches: tuple[Subject, ...] = ()
    disturbs: tuple[Disturbance, ...] = ()
    reboot: bool = False

    @classmethod
    def of(cls, step: Step) -> Executed:
        """What is kept of a step."""
        return cls(
            title=str(step),
            subject=step.subject,
            commands=tuple(str(action) for action in by_hand(step.actions)),
            inverse=step.inverse,
            touches=step.touches,
            disturbs=step.disturbs,
            reboot=step.reboot,
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One apply as the journal tells it. `end` is None after a crash."""

    path: str
    started: str
    spec: str
    before: ObservedState
    steps: tuple[Executed, ...]
    end: str | None

    @property
    def undoable(self) -> bool:
        """It changed something, and nobody has rolled it back."""
        return bool(self.steps) and self.end != "rolled back"


class JournalFailed(HostError):
    """The journal could not be written, so the host must not be changed."""


class Journal:
    """Writes one entry while an apply runs."""

    def __init__(self, host: Host, path: str) -> None:
        self._host = host
        self.path = path
        self._count = 0
        self._announced = False

    @classmethod
    def begin(cls, host: Host, spec: str, before: ObservedState) -> Journal:
        """Start a new entry with what was there before."""
        numbers = [int(name.partition(".")[0]) for name in _names(host)]
        journal = cls(host, f"{DIRECTORY}/{max(numbers, default=0) + 1:06d}.jsonl")
        head = {"schema": SCHEMA, "started": host.now(), "spec": spec, "before": to_plain(before)}
        journal._append(cast("Plain", head))
        return journal

    def intend(self, steps: Sequence[Step]) -> None:
        """Record steps that are about to run, in one write."""
        lines: list[Plain] = []
        for step in steps:
            plain = cast("dict[str, Plain]", to_plain(Executed.of(step)))
            lines.append({"step": self._count, **plain})
            self._count += 1
        self._append(*lines)
        self._announced |= bool(lines)

    def undoing(self) -> None:
        """Record that a rollback of this entry begins: before it touches anything."""
        self._append({"rollback": "begun", "time": self._host.now()})
        self._announced = True

    def end(self, how: str, message: str = "") -> None:
        """Close the entry."""
        self._append({"end": how, "time": self._host.now(), "message": message})

    def stop(self, how: str, why: EswitchError | KeyboardInterrupt) -> None:
        """Close the entry because of `why`, which stays the error to tell if that fails."""
        try:
            self.end(how, str(why))
        except JournalFailed as trouble:
            if isinstance(why, KeyboardInterrupt):
                why.args = (trouble.message,)
            elif not isinstance(why, JournalFailed):
                why.message += f"\n{trouble.message} (`{trouble.hint}`)"

    def _append(self, *lines: Plain) -> None:
        if not lines:
            return
        texts = [json.dumps(line, separators=(",", ":")) for line in lines]
        try:
            self._host.append_lines(self.path, texts)
        except HostError as error:
            message = f"the journal could not be written: {error.message}"
            if not self._announced:
                message += "; nothing was touched"
            raise JournalFailed(message, hint=f"df -h {paths.STATE}", errno=error.errno) from error


def _names(host: Host) -> list[str]:
    try:
        names = host.list(DIRECTORY)
    except NotFound:
        return []
    return [name for name in names if name.endswith(".jsonl") and name[:-6].isdigit()]


def last(host: Host) -> Entry | None:
    """The newest entry that can still be undone, or None. Raises HostError if it is unreadable."""
    for name in sorted(_names(host), reverse=True):
        entry = read(host, f"{DIRECTORY}/{name}")
        if entry and entry.undoable:
            return entry
    return None


def read(host: Host, path: str) -> Entry | None:
    """One entry; None if not even its first line is whole."""
    lines = _parse(host.read(path), path)
    if not lines:
        return None
    head, *rest = lines
    if head.get("schema") != SCHEMA:
        raise HostError(f"unknown schema {head.get('schema')!r}", where=path)
    what = "what was there before"
    try:
        before = from_plain(ObservedState, head.get("before"))
        what = "a step"
        steps = tuple(_executed(line) for line in rest if "step" in line)
    except Unfit as wrong:
        place = ".".join(map(str, wrong.path))
        message = f"{what} cannot be understood: {place}: {wrong}"
        raise HostError(message, where=path, hint="undo by hand; it lists commands") from None
    ends = [str(line["end"]) for line in rest if "end" in line]
    return Entry(
        path=path,
        started=str(head.get("started")),
        spec=str(head.get("spec")),
        before=before,
        steps=steps,
        end=ends[-1] if ends else None,
    )


def _executed(line: dict[str, Plain]) -> Executed:
    return from_plain(Executed, {key: item for key, item in line.items() if key != "step"})


def _parse(text: str, path: str) -> list[dict[str, Plain]]:
    lines: list[dict[str, Plain]] = []
    raw = text.splitlines()
    for number, line in enumerate(raw, 1):
        try:
            lines.append(json.loads(line))
        except ValueError:
            if all(rest.startswith(_LATER) for rest in raw[number:]):
                continue  # cut off by a crash; a rollback may have added its lines
            message = f"line {number} is damaged"
            raise HostError(message, where=path, hint="undo by hand; it lists commands") from None
    return lines
