"""`eswitch verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from eswitch.cli.program import Seconds, output, verb, verbose
from eswitch.cli.session import Session

if TYPE_CHECKING:
    from eswitch.host import Host
    from eswitch.model.observed import ObservedState
    from eswitch.model.plain import Plain
    from eswitch.model.report import Check, Report

SCHEMA = "eswitch.verify/v1"
NOT_AS_WANTED = 2


@verb("verify", examples=("eswitch verify", "eswitch verify --timeout 60 my.yaml"))
@click.argument("spec", required=False)
@click.option(
    "-t",
    "--timeout",
    type=Seconds(0, 86400),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for traffic; 0 looks once.",
)
@verbose("Every check, not only what is not ok.")
@output
@click.pass_obj
def command(session: Session, spec: str | None, timeout: float) -> int:
    """Prove it: is the host configured, wired, and traffic in hardware?

    Without SPEC and without /etc/eswitch/eswitch.yaml it judges what is here. Send traffic
    meanwhile: without any, the answer is "unknown". Exit code: 0 only if all is ok, else 2.
    """
    from eswitch.cli.layout import count  # noqa: PLC0415
    from eswitch.cli.pages.report import report_page  # noqa: PLC0415
    from eswitch.cli.specfile import is_there, load  # noqa: PLC0415
    from eswitch.cli.status_line import StatusLine  # noqa: PLC0415
    from eswitch.engine.look import answered  # noqa: PLC0415
    from eswitch.model.report import Verdict  # noqa: PLC0415
    from eswitch.observe import observe  # noqa: PLC0415
    from eswitch.offload.verify import verify  # noqa: PLC0415
    from eswitch.stages import make_plan  # noqa: PLC0415

    session.hint_root()
    desired, name = load(session, spec) if spec or is_there(session) else (None, "")
    now = StatusLine(session.err)

    def look_at(host: Host) -> ObservedState:
        observed = observe(host)
        return observed if desired is None else answered(host, desired, observed)

    def look(report: Report, left: float) -> None:
        missing = sum(check.verdict is not Verdict.OK for check in report.checks)
        now.show(f"waiting for traffic: {count(missing, 'check')} open, {left:.0f} s left")

    now.show("looking at this host")
    try:
        report = verify(session.host, desired, timeout, look_at, make_plan, on_progress=look)
    finally:
        now.erase()
    page = report_page(report, name, session.out.marks, verbose=session.options.verbose)
    session.answer(page, _document(report, name))
    return 0 if report.verdict() is Verdict.OK else NOT_AS_WANTED


def _document(report: Report, name: str) -> dict[str, Plain]:
    from eswitch.model.report import Layer  # noqa: PLC0415

    here = {check.layer for check in report.checks}
    return {
        "schema": SCHEMA,
        "spec": name or None,
        "verdict": report.verdict().value,
        "layers": {layer.value: report.verdict(layer).value for layer in Layer if layer in here},
        "checks": [_check(check) for check in report.checks],
    }


def _check(check: Check) -> Plain:
    """As programs know it: whom it is about is the text that people read."""
    from eswitch.model.plain import to_plain  # noqa: PLC0415

    plain = cast("dict[str, Plain]", to_plain(check))
    return {**plain, "subject": str(check.subject)}
