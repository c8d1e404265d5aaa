"""`eswitch apply`."""

from __future__ import annotations

import click

from eswitch.cli.program import output, verb, verbose
from eswitch.cli.session import Session

from .plan import show_plan


@verb("apply", examples=("eswitch apply", "eswitch apply --reboot --yes"))
@click.argument("spec", required=False)
@click.option("-y", "--yes", is_flag=True, help="Agree to steps that somebody may notice.")
@click.option("-n", "--dry-run", is_flag=True, help="The same as `eswitch plan`.")
@click.option("--reboot", is_flag=True, help="Reboot where that is needed, then go on by itself.")
@click.option("--resume", is_flag=True, hidden=True, help="Go on after that reboot (the unit).")
@verbose("The commands of each step too.")
@output
@click.pass_obj
def command(
    session: Session, spec: str | None, *, yes: bool, dry_run: bool, reboot: bool, resume: bool
) -> int:
    """Make this host what SPEC says, and read every change back.

    SPEC is a file, - is standard input; by default /etc/eswitch/eswitch.yaml. What is right already
    is not touched, so it can be run at any time, and again after a failure. `eswitch rollback`
    undoes it. Exit code: 0 done, 8 a reboot is needed to go on.
    """
    if dry_run:
        return show_plan(session, spec, reboot=reboot)
    session.need_root("apply")
    if resume:
        from eswitch.cli.resumption import go_on  # noqa: PLC0415 (only after a reboot)

        return go_on(session)
    from eswitch.cli.specfile import load  # noqa: PLC0415
    from eswitch.cli.watched import WatchedApply  # noqa: PLC0415

    desired, name = load(session, spec)
    if not reboot:
        return WatchedApply(session, name, yes=yes).go(desired)
    from eswitch.cli.resumption import Resumption  # noqa: PLC0415 (only before a reboot)

    resumption = Resumption.before(session, spec, name)
    return WatchedApply(session, name, yes=yes, resumption=resumption).go(desired)
