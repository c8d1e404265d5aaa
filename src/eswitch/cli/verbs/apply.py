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

    Ctrl-C or SIGTERM stops it; where SIGINT is ignored from the start (cron, CI, a script's &) only
    SIGTERM does.
    """
    if dry_run:
        return show_plan(session, spec, reboot=reboot)
    session.need_root("apply")
    if resume or reboot:
        from eswitch.cli import apply_over_reboot  # noqa: PLC0415 (only over a reboot)

        if resume:
            return apply_over_reboot.go_on(session)
        return apply_over_reboot.apply_by_hand(session, spec, yes=yes)
    return _apply(session, spec, yes=yes)


def _apply(session: Session, spec: str | None, *, yes: bool) -> int:
    from eswitch.cli.apply_run import ApplyRun  # noqa: PLC0415
    from eswitch.cli.signals import during_change  # noqa: PLC0415
    from eswitch.cli.specfile import load  # noqa: PLC0415
    from eswitch.engine.over_reboot import Event  # noqa: PLC0415
    from eswitch.engine.resume import settle  # noqa: PLC0415

    desired, name = load(session, spec)
    run = ApplyRun(session, name, yes=yes)
    with during_change():
        ended = run.go(desired)
        if ended.outcome is not None:
            with run.interrupts_told():
                settle(session.host, Event.UNAGREED if ended.pending else Event.DONE)
    return ended.code
