"""The page of `rollback`: which apply is undone, and how."""

from __future__ import annotations

from eswitch.cli.layout import count, paragraph
from eswitch.cli.screen import Line, faint, line, strong
from eswitch.engine import Undo

_SHOWN = 12


def undo_page(undo: Undo, *, commands: bool, armed: bool = False) -> list[Line]:
    """When, which spec, what it had changed; with the commands that undo it if asked for, and
    whether something is `armed` to go on after a reboot."""
    entry = undo.entry
    how = {"applied": "", None: ", which did not end (crash?)"}.get(
        entry.end, f", which {entry.end}"
    )
    lines = [line(strong(f"undoing the apply of {entry.spec}, {entry.started}{how}"))]
    if armed:
        text = "what `apply --reboot` left to go on after a reboot is called off first"
        lines += paragraph(text, first="  - ")
    titles = [step.title for step in reversed(entry.steps)]
    for title in titles[:_SHOWN]:
        lines += paragraph(title, first="  - ")
    if len(titles) > _SHOWN:
        lines.append(line(f"  - and {count(len(titles) - _SHOWN, 'more step')}"))
    if commands:
        lines += [line(), line(faint(f"# what a person would type ({entry.path})"))]
        lines += [line(text) for text in undo.commands]
    return lines
