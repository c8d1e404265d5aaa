"""`eswitch rollback`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from eswitch.cli.program import output, verb, verbose
from eswitch.cli.session import Session
from eswitch.errors import REBOOT_NEEDED, EswitchError, NotConfirmed

if TYPE_CHECKING:
    from eswitch.engine import Undo
    from eswitch.engine.batch import Operation
    from eswitch.model.plain import Plain

SCHEMA = "eswitch.rollback/v1"


@verb("rollback", examples=("eswitch rollback --dry-run", "eswitch rollback --yes"))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("-n", "--dry-run", is_flag=True, help="Only show what would be undone.")
@verbose("The commands too.")
@output
@click.pass_obj
def command(session: Session, *, yes: bool, dry_run: bool) -> int:
    """Undo the last apply, and check that the host is what it was.

    Once more undoes the apply before it. VFs that a guest holds are not pulled: stop it first.
    """
    session.need_root("rollback")
    from eswitch.cli.pages.undo import undo_page  # noqa: PLC0415
    from eswitch.cli.screen import line  # noqa: PLC0415
    from eswitch.engine import prepare, resume  # noqa: PLC0415

    undo = prepare(session.host)
    if undo is None:
        page = [line("nothing to roll back")]
        session.answer(page, _document("nothing", None), anyhow="there is nothing to roll back")
        return 0
    armed = resume.is_armed(session.host)
    page = undo_page(undo, commands=dry_run or session.options.verbose, armed=armed)
    if dry_run:
        session.answer(page, _document("dry run", undo), anyhow="nothing was touched")
        return 0
    session.err.show(page)
    if not yes and not session.confirm("Undo it?"):
        raise NotConfirmed("not agreed to; nothing was touched", hint="add --yes to agree")
    return _run(session, undo)


def _run(session: Session, undo: Undo) -> int:
    from eswitch.cli.layout import count, seconds  # noqa: PLC0415
    from eswitch.cli.screen import good, line  # noqa: PLC0415
    from eswitch.cli.signals import during_change  # noqa: PLC0415
    from eswitch.cli.status_line import StatusLine  # noqa: PLC0415
    from eswitch.engine import rollback  # noqa: PLC0415
    from eswitch.engine.explain import says_gone  # noqa: PLC0415

    start = session.host.monotonic()
    now = StatusLine(session.err)

    def started(operation: Operation) -> None:
        more = len(operation.actions) - 1
        now.show(f"{operation.actions[0]}{f' and {more} more' if more else ''}")

    try:
        with during_change():
            gone = rollback(session.host, undo, started=started)
    except EswitchError as error:
        if not session.as_text:
            document = _document("failed", undo, error=error)
            session.answer((), document, anyhow=f"the rollback had failed: {error}")
        raise
    except KeyboardInterrupt as stop:
        said = f"interrupted in the middle of undoing; `eswitch rollback` goes on from here\n{stop}"
        raise KeyboardInterrupt(said.rstrip()) from None
    finally:
        now.erase()
    for text in gone:
        session.err.say(f"note: {'was gone already' if says_gone(text) else 'refused'}: {text}")
    took = seconds(session.host.monotonic() - start)
    steps = count(len(undo.entry.steps), "step")
    mark = good(f"{session.out.marks.good} ")
    page = [line(mark, f"undid {steps} in {took}: the host is what it was")]
    if undo.reboots:
        page = [line(mark, f"undid {steps} in {took}; it is in force after a reboot")]
    document = _document("rolled back", undo, gone=gone)
    done = "the last apply was undone, only the report of it could not be written"
    session.answer(page, document, anyhow=done)
    return REBOOT_NEEDED if undo.reboots else 0


def _document(
    result: str,
    undo: Undo | None,
    *,
    gone: tuple[str, ...] = (),
    error: EswitchError | None = None,
) -> dict[str, Plain]:
    from eswitch.cli.document import failure  # noqa: PLC0415

    return {
        "schema": SCHEMA,
        "result": result,
        "applied": undo.entry.started if undo else None,
        "spec": undo.entry.spec if undo else None,
        "journal": undo.entry.path if undo else None,
        "steps": [step.title for step in undo.entry.steps] if undo else [],
        "commands": cast("Plain", list(undo.commands)) if undo else [],
        "gone": cast("Plain", list(gone)),
        "error": failure(error) if error else None,
    }
