"""`eswitch schema`."""

from __future__ import annotations

import json

import click

from eswitch.cli.program import verb
from eswitch.cli.session import Session


@verb(
    "schema",
    examples=(
        "eswitch schema > /etc/eswitch/eswitch.schema.json",
        "eswitch schema | jq .properties",
    ),
)
@click.pass_obj
def command(session: Session) -> int:
    """Print the JSON schema of the spec.

    Editors that know it complete and check a spec while it is typed. `eswitch validate` checks
    more: what one entry means for another.
    """
    from eswitch.spec.schema import schema  # noqa: PLC0415

    session.out.write(json.dumps(schema(), indent=2) + "\n")
    return 0
