"""One apply as it is told: progress, questions, and the report at its end."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from eswitch.errors import REBOOT_NEEDED, EswitchError

from .session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eswitch.engine import Outcome
    from eswitch.engine.outcome import Reboot
    from eswitch.model.desired import DesiredState
    from eswitch.model.plain import Plain
    from eswitch.model.plan import Pending, Plan
    from eswitch.model.step import Key, Step

SCHEMA = "eswitch.apply/v1"


@dataclass(frozen=True, slots=True)
class Ended:
    """How an apply ended, and was told: with an `outcome`, or with an `error`. `plan` is the one
    that was agreed to."""

    code: int
    plan: Plan | None
    outcome: Outcome | None = None
    error: EswitchError | None = None

    @property
    def pending(self) -> tuple[Pending, ...]:
        """What waits for a reboot."""
        return self.outcome.pending if self.outcome else ()


class ApplyRun:
    """One apply. With `reboot` whoever called it goes on over reboots, and it says so."""

    def __init__(
        self, session: Session, name: str, *, yes: bool, reboot: Reboot | None = None
    ) -> None:
        from eswitch.cli.progress import Progress  # noqa: PLC0415

        self.session = session
        self.name = name
        self.yes = yes
        self.reboot = reboot
        self.progress = Progress(session.err, commands=session.options.verbose)
        self.plan: Plan | None = None
        self.begun: dict[Key, Step] = {}
        self.start = session.host.monotonic()

    def go(self, desired: DesiredState) -> Ended:
        """Do it, tell it, and say how it ended."""
        from eswitch import engine  # noqa: PLC0415
        from eswitch.engine.outcome import Events  # noqa: PLC0415

        events = Events(planned=self.planned, started=self.started, finished=self.progress.finished)
        try:
            outcome = engine.apply(
                self.session.host,
                desired,
                self.name,
                consent=self.consent,
                events=events,
                reboot=self.reboot,
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
        with self.interrupts_told():
            self.report(outcome)
        return Ended(REBOOT_NEEDED if outcome.pending else 0, self.plan, outcome)

    @contextmanager
    def interrupts_told(self) -> Iterator[None]:
        """Whoever stops what comes after the steps is told that they were done."""
        try:
            yield
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(str(stop) or self.so_far("interrupted")) from None

    def planned(self, plan: Plan) -> None:
        """The plan is known: what should be known beside it."""
        from eswitch.cli.pages.steps import notes  # noqa: PLC0415

        self.plan = plan
        self.session.err.show(notes(plan.notes))

    def started(self, steps: Sequence[Step]) -> None:
        """Steps begin."""
        self.begun |= {step.key: step for step in steps}
        self.progress.started(steps)

    def consent(self, plan: Plan) -> bool:
        """Ask whether to disturb somebody."""
        from eswitch.cli.pages.steps import disturbance  # noqa: PLC0415

        self.session.err.show(disturbance(plan, reboot=self.reboot is not None))
        if self.yes:
            return True
        return self.session.confirm("Go on?")

    def failed(self, error: EswitchError) -> Ended:
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
        return Ended(error.exit_code, self.plan, error=error)

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
        """Tell what was done, and what is still to come."""
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
        elif outcome.pending:
            page = [line("nothing to change before a reboot")]
            anyhow = "a reboot is needed to go on"
        else:
            page = [line(f"nothing to change: this host is as {self.name} wants it")]
            anyhow = "there was nothing to change"
        if outcome.pending:
            from eswitch.cli.pages.steps import reboot_page  # noqa: PLC0415

            page += reboot_page(outcome.pending, outcome.later, by_itself=self.reboot is not None)
        result = "reboot needed" if outcome.pending else "applied"
        self.session.answer(page, self.document(result, outcome=outcome), anyhow=anyhow)

    def document(
        self, result: str, *, outcome: Outcome | None = None, error: EswitchError | None = None
    ) -> dict[str, Plain]:
        """The outcome for machines."""
        from eswitch.cli.document import failure  # noqa: PLC0415
        from eswitch.model.plain import pending_to_plain, plan_to_plain, step_to_plain  # noqa: PLC0415

        steps = outcome.steps if outcome else tuple(self.begun.values())
        return {
            "schema": SCHEMA,
            "spec": self.name,
            "result": result,
            "changed": len(steps),
            "seconds": round(self.session.host.monotonic() - self.start, 3),
            "journal": outcome.journal if outcome else None,
            "steps": [cast("Plain", step_to_plain(step)) for step in steps],
            "pending": pending_to_plain(outcome.pending) if outcome else [],
            "later": [cast("Plain", step_to_plain(step)) for step in outcome.later]
            if outcome
            else [],
            "blockers": plan_to_plain(self.plan)["blockers"] if self.plan else [],
            "error": failure(error) if error else None,
        }
