"""`eswitch apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from eswitch.cli.program import output, verb, verbose
from eswitch.cli.session import Session
from eswitch.errors import EswitchError

from .plan import show_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eswitch.engine import Outcome
    from eswitch.model.desired import DesiredState
    from eswitch.model.plain import Plain
    from eswitch.model.plan import Plan
    from eswitch.model.step import Step

SCHEMA = "eswitch.apply/v1"


@verb("apply", examples=("eswitch apply", "eswitch apply --yes my.yaml"))
@click.argument("spec", required=False)
@click.option("-y", "--yes", is_flag=True, help="Agree to steps that somebody may notice.")
@click.option("-n", "--dry-run", is_flag=True, help="The same as `eswitch plan`.")
@verbose("The commands of each step too.")
@output
@click.pass_obj
def command(session: Session, spec: str | None, *, yes: bool, dry_run: bool) -> int:
    """Make this host what SPEC says, and read every change back.

    SPEC is a file, - is standard input; by default /etc/eswitch/eswitch.yaml. What is right already
    is not touched, so it can be run at any time, and again after a failure. `eswitch rollback`
    undoes it.
    """
    if dry_run:
        return show_plan(session, spec)
    session.need_root("apply")
    from eswitch.cli.specfile import load  # noqa: PLC0415

    desired, name = load(session, spec)
    return _Apply(session, name, yes=yes).go(desired)


class _Apply:
    """One apply as a person watches it."""

    def __init__(self, session: Session, name: str, *, yes: bool) -> None:
        from eswitch.cli.progress import Progress  # noqa: PLC0415

        self.session = session
        self.name = name
        self.yes = yes
        self.progress = Progress(session.err, commands=session.options.verbose)
        self.plan: Plan | None = None
        self.begun: dict[tuple[str, str], Step] = {}
        self.start = session.host.monotonic()

    def go(self, desired: DesiredState) -> int:
        from eswitch import engine  # noqa: PLC0415
        from eswitch.cli.staying import staying  # noqa: PLC0415
        from eswitch.engine.converge import Events  # noqa: PLC0415

        events = Events(planned=self.planned, started=self.started, finished=self.progress.finished)
        host = self.session.host
        try:
            with staying():
                outcome = engine.apply(
                    host, desired, self.name, consent=self.consent, events=events
                )
        except EswitchError as error:
            return self.failed(error)
        except KeyboardInterrupt as stop:
            self.progress.end(failed=True)
            said = f"{self.so_far('interrupted')}\n{stop}"
            raise KeyboardInterrupt(said.rstrip()) from None
        except Exception:  # a defect: `run` tells it, but only here it is known what had begun
            self.progress.end(failed=True)
            self.session.err.say(self.so_far("stopped"))
            raise
        self.progress.end()
        self.report(outcome)
        return 0

    def planned(self, plan: Plan) -> None:
        from eswitch.cli.pages.steps import notes  # noqa: PLC0415

        self.plan = plan
        self.session.err.show(notes(plan.notes))

    def started(self, steps: Sequence[Step]) -> None:
        self.begun |= {step.key: step for step in steps}
        self.progress.started(steps)

    def consent(self, plan: Plan) -> bool:
        from eswitch.cli.pages.steps import disturbance  # noqa: PLC0415

        self.session.err.show(disturbance(plan))
        if self.yes:
            return True
        return self.session.confirm("Go on?")

    def failed(self, error: EswitchError) -> int:
        """Say what stopped it, and what had happened by then."""
        from eswitch.cli.complaint import complain, obstacles  # noqa: PLC0415

        self.progress.end(failed=True)
        err = self.session.err
        if self.plan and self.plan.blockers and not self.begun:
            err.show(obstacles(self.plan.blockers))
            err.say("nothing was touched")
        else:
            err.show(complain(error))
        if self.begun:
            err.say(self.so_far("stopped"))
        if not self.session.as_text:
            document = self.document("failed", error=error)
            self.session.answer((), document, anyhow=self.so_far("stopped"))
        return error.exit_code

    def so_far(self, how: str) -> str:
        """One sentence about what was done."""
        if not self.begun:
            return f"{how}; nothing was changed"
        from eswitch.cli.layout import count  # noqa: PLC0415

        steps = count(len(self.begun), "step")
        return (
            f"{how}: {steps} had begun; `eswitch apply` goes on from here, "
            "`eswitch rollback` undoes it"
        )

    def report(self, outcome: Outcome) -> None:
        from eswitch.cli.layout import count, seconds  # noqa: PLC0415
        from eswitch.cli.screen import good, line  # noqa: PLC0415

        if outcome.steps:
            took = seconds(self.session.host.monotonic() - self.start)
            mark = good(f"{self.session.out.marks.good} ")
            done = f"changed {count(len(outcome.steps), 'thing')} in {took}; each was read back"
            page = [
                line(mark, done),
                line(f"  journal {outcome.journal} (`eswitch rollback` undoes)"),
            ]
            anyhow = "the change was made, only its report could not be written"
        else:
            page = [line(f"nothing to change: this host is as {self.name} wants it")]
            anyhow = "there was nothing to change"
        self.session.answer(page, self.document("applied", outcome=outcome), anyhow=anyhow)

    def document(
        self, result: str, *, outcome: Outcome | None = None, error: EswitchError | None = None
    ) -> dict[str, Plain]:
        """The outcome for machines."""
        from eswitch.cli.document import failure  # noqa: PLC0415
        from eswitch.model.plain import plan_to_plain, step_to_plain  # noqa: PLC0415

        steps = outcome.steps if outcome else tuple(self.begun.values())
        return {
            "schema": SCHEMA,
            "spec": self.name,
            "result": result,
            "changed": len(steps),
            "seconds": round(self.session.host.monotonic() - self.start, 3),
            "journal": outcome.journal if outcome else None,
            "steps": [cast("Plain", step_to_plain(step)) for step in steps],
            "blockers": plan_to_plain(self.plan)["blockers"] if self.plan else [],
            "error": failure(error) if error else None,
        }
