"""`eswitch plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eswitch.cli.program import output, verb, verbose
from eswitch.cli.session import Session

if TYPE_CHECKING:
    from eswitch.model.plan import Plan

NOTHING, PENDING, BLOCKED = 0, 2, 4


@verb("plan", examples=("eswitch plan my.yaml", "eswitch plan --commands | less"))
@click.argument("spec", required=False)
@click.option("--commands", is_flag=True, help="Print what a person would type instead.")
@verbose("Every step with its commands.")
@output
@click.pass_obj
def command(session: Session, spec: str | None, *, commands: bool) -> int:
    """Show what apply would do, in order, with reasons. Touches nothing.

    SPEC is a file, - is standard input; by default /etc/eswitch/eswitch.yaml. Exit code: 0 nothing
    to do, 2 changes pending, 4 something stands in the way.
    """
    return show_plan(session, spec, commands=commands)


def show_plan(
    session: Session, spec: str | None, *, commands: bool = False, reboot: bool = False
) -> int:
    """Read the spec and the host, print the plan, and return the exit code. With `reboot` also say
    why `apply --reboot` would not do it."""
    from eswitch.cli.pages.steps import commands_page, plan_page  # noqa: PLC0415
    from eswitch.cli.specfile import load  # noqa: PLC0415
    from eswitch.engine.look import look  # noqa: PLC0415
    from eswitch.model.plain import plan_to_plain  # noqa: PLC0415
    from eswitch.stages import make_plan  # noqa: PLC0415

    session.hint_root()
    desired, name = load(session, spec)
    plan = make_plan(desired, look(session.host, desired))
    if commands and session.as_text:
        session.out.show(commands_page(plan, name))
    else:
        page = plan_page(plan, name, verbose=session.options.verbose)
        session.answer(page, {**plan_to_plain(plan), "spec": name})
    if reboot and _refused(session, spec, name, plan):
        return BLOCKED
    return exit_code(plan)


def _refused(session: Session, spec: str | None, name: str, plan: Plan) -> bool:
    from eswitch.cli.apply_over_reboot import refusals  # noqa: PLC0415 (only before a reboot)
    from eswitch.cli.complaint import complain  # noqa: PLC0415

    found = refusals(session, spec, name, plan)
    for error in found:
        session.err.show(complain(error))
    return bool(found)


def exit_code(plan: Plan) -> int:
    """What a plan means to a script."""
    if plan.blockers:
        return BLOCKED
    return NOTHING if plan.done else PENDING
