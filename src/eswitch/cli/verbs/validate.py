"""`eswitch validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eswitch.cli.program import output, verb
from eswitch.cli.session import Session
from eswitch.errors import SpecError

if TYPE_CHECKING:
    from eswitch.model.desired import DesiredState
    from eswitch.model.plain import Plain

SCHEMA = "eswitch.validate/v1"


@verb("validate", examples=("eswitch validate my.yaml", "eswitch init | eswitch validate -"))
@click.argument("spec", required=False)
@output
@click.pass_obj
def command(session: Session, spec: str | None) -> int:
    """Check a spec, and say what it means. Does not look at the host.

    SPEC is a file, - is standard input; by default /etc/eswitch/eswitch.yaml. Exit code: 0 sound,
    3 not; every problem is named at once, with its line and column.
    """
    from eswitch.cli.pages.spec import spec_page  # noqa: PLC0415
    from eswitch.cli.specfile import load  # noqa: PLC0415

    try:
        desired, name = load(session, spec)
    except SpecError as error:
        if not session.as_text:
            session.answer((), _invalid(error))
        raise
    session.answer(spec_page(desired, name), _valid(desired, name))
    return 0


def _valid(desired: DesiredState, name: str) -> dict[str, Plain]:
    from eswitch.model.plain import to_plain  # noqa: PLC0415

    return {
        "schema": SCHEMA,
        "spec": name,
        "valid": True,
        "problems": [],
        "desired": to_plain(desired),
    }


def _invalid(error: SpecError) -> dict[str, Plain]:
    from eswitch.model.plain import to_plain  # noqa: PLC0415

    problems = getattr(error, "problems", None)
    if problems is None:
        problems = ({"message": error.message, "where": error.where, "hint": error.hint},)
    return {"schema": SCHEMA, "valid": False, "problems": to_plain(problems)}
