"""`eswitch init`."""

from __future__ import annotations

import click

from eswitch.cli.program import verb
from eswitch.cli.session import Session
from eswitch.files import paths


@verb("init", examples=("eswitch init", f"eswitch init > {paths.SPEC}"))
@click.pass_obj
def command(session: Session) -> int:
    """Print a commented starter spec for this host.

    It names the NICs that can be an e-switch, and keeps what is configured already. Nothing is
    written: look at it, then redirect it into a file.
    """
    from eswitch.observe import answer, observe  # noqa: PLC0415
    from eswitch.spec.starter import starter  # noqa: PLC0415
    from eswitch.topology.suitability import (  # noqa: PLC0415
        none_suitable,
        questions,
        suitability,
    )

    session.hint_root()
    observed = observe(session.host)
    observed = answer(session.host, observed, questions(observed))
    fits = {nic.pci: suitability(nic, observed) for nic in observed.nics}
    session.out.write(starter(observed, fits))
    found = none_suitable(observed)
    if found:
        from eswitch.cli.pages.steps import unusable  # noqa: PLC0415

        session.err.show(unusable(found))
    return 0
