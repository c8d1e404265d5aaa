"""Errors as the user sees them: what, where, the host's own words, and a way out.

error: WHERE: WHAT
  the kernel's or the tool's own words
hint: WHAT TO TYPE
"""

from __future__ import annotations

from collections.abc import Iterable

from eswitch.errors import CommandFailed, EswitchError
from eswitch.model.plan import Blocker

from .layout import paragraph
from .screen import Line, bad, line, strong


def complain(error: EswitchError) -> list[Line]:
    """The lines for one error."""
    told = getattr(error, "problems", None)
    if told is not None:  # SpecInvalid prints its own, with the lines of the file
        return [line(text) for text in str(error).split("\n")]
    lines = _said(error.message, error.where)
    action = getattr(error, "action", None)
    if action is not None:
        lines.append(line(f"  it was running: {action}"))
    lines += [line(f"  {text}") for text in _own_words(error)]
    if error.hint:
        lines += _hint(error.hint)
    return lines


def obstacles(blockers: Iterable[Blocker]) -> list[Line]:
    """Everything that stands in the way of a plan, each with its own way out."""
    lines: list[Line] = []
    for blocker in blockers:
        where = f"{blocker.source}: {blocker.subject}" if blocker.source else str(blocker.subject)
        mark = "by hand: " if blocker.kind.by_hand else "error: "
        lines += _said(blocker.message, where, mark)
        if blocker.hint:
            lines += _hint(blocker.hint)
    return lines


def _said(message: str, where: str | None, mark: str = "error: ") -> list[Line]:
    place = f"{where}: " if where else ""
    first, *others = message.split("\n")
    lines = paragraph(place + first, first=bad(mark))
    return lines + [line(text, hang=len(text) - len(text.lstrip())) for text in others]


def _hint(hint: str) -> list[Line]:
    return paragraph(hint, first=strong("hint: "))


def _own_words(error: EswitchError) -> list[str]:
    """What a failed program said, where the message has only its last line."""
    cause = getattr(error, "cause", error)
    if not isinstance(cause, CommandFailed):
        return []
    said = [text.rstrip() for text in cause.stderr.splitlines() if text.strip()]
    return said if len(said) > 1 else []


def defect(problem: BaseException) -> list[Line]:
    """For an exception that nobody foresaw."""
    said = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
    return [
        *_said(f"this is a defect of eswitch: {said}", None),
        *_hint("`--debug` (or ESWITCH_DEBUG=1) shows where; please report it with that"),
    ]
