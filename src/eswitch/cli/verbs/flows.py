"""`eswitch flows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from eswitch.cli.program import output, verb
from eswitch.cli.session import Session

if TYPE_CHECKING:
    from eswitch.model.plain import Plain
    from eswitch.offload.place import Place

TYPES = ("hardware", "tc", "kernel", "userspace", "unknown")


@verb("flows", examples=("eswitch flows --type kernel", "eswitch flows --port enp7s0f0r0 -o json"))
@click.option("-t", "--type", "kind", type=click.Choice(TYPES), help="Only flows that run there.")
@click.option("-p", "--port", metavar="NAME", help="Only flows from or to this interface.")
@output
@click.pass_obj
def command(session: Session, kind: str | None, port: str | None) -> int:
    """List the flows of Open vSwitch's datapath: from, to, and where each runs.

    hardware: in the NIC. tc: a rule that the NIC refused, so the CPU. kernel, userspace: Open
    vSwitch on the CPU. Whatever is not in hardware has its reason below it. Busiest first.
    """
    from eswitch.cli.pages.flows import flows_page  # noqa: PLC0415
    from eswitch.observe import observe  # noqa: PLC0415
    from eswitch.offload.datapath import datapath  # noqa: PLC0415
    from eswitch.offload.document import flows_document  # noqa: PLC0415
    from eswitch.offload.place import places  # noqa: PLC0415
    from eswitch.offload.sources.openvswitch import read_flows  # noqa: PLC0415

    session.hint_root()
    observed = observe(session.host)
    dump = read_flows(session.host)
    found = places(dump.flows, datapath(observed), observed)
    chosen = [place for place in found if _wanted(place, kind, port)]
    if session.as_text:
        session.out.show(flows_page(chosen, len(found), dump.unparsed))
    else:
        document = flows_document(chosen, dump.unparsed)
        session.answer((), cast("dict[str, Plain]", document))
    return 0


def _wanted(place: Place, kind: str | None, port: str | None) -> bool:
    if kind and not place.placement.value.startswith(kind):
        return False
    ends = (place.source.name, *(target.name for target in place.targets))
    return port is None or port in ends
