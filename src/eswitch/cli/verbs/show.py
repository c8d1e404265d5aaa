"""`eswitch show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from eswitch.cli.program import output, verb
from eswitch.cli.session import Session

if TYPE_CHECKING:
    from eswitch.model.observed import ObservedState
    from eswitch.model.plain import Plain
    from eswitch.model.unknown import Unknown
    from eswitch.offload.place import Place

SCHEMA = "eswitch.show/v1"


@verb("show", examples=("eswitch show", "eswitch show -o json | jq '.nics[].able'"))
@click.option(
    "-a", "--all", "-v", "--verbose", "everything", is_flag=True, help="Every VF and port."
)
@output
@click.pass_obj
def command(session: Session, *, everything: bool) -> int:
    """Show what is here: NICs, VFs, representors, bridges, flows.

    NICs that cannot be an e-switch come with the reason. Long runs of alike VFs and ports are cut.
    """
    from eswitch.cli.pages.flows import placements  # noqa: PLC0415
    from eswitch.cli.pages.host import host_page  # noqa: PLC0415
    from eswitch.model.unknown import Unknown  # noqa: PLC0415
    from eswitch.observe import answer, observe  # noqa: PLC0415
    from eswitch.topology.suitability import questions  # noqa: PLC0415

    session.hint_root()
    observed = observe(session.host)
    observed = answer(session.host, observed, questions(observed))
    found = _flows(session, observed)
    if session.as_text:
        words = found if isinstance(found, Unknown) else placements(found)
        session.out.show(host_page(observed, words, everything=everything))
    else:
        session.answer((), _document(observed, found))
    return 0


def _flows(session: Session, observed: ObservedState) -> tuple[Place, ...] | Unknown:
    """All flows with their places, or why they are not known."""
    from eswitch.errors import HostError  # noqa: PLC0415
    from eswitch.model.observed import OvsStatus  # noqa: PLC0415
    from eswitch.model.unknown import Unknown  # noqa: PLC0415
    from eswitch.offload.datapath import datapath  # noqa: PLC0415
    from eswitch.offload.place import places  # noqa: PLC0415
    from eswitch.offload.sources.openvswitch import read_flows  # noqa: PLC0415

    if observed.ovs.status is not OvsStatus.RUNNING:
        return Unknown(observed.ovs.reason or f"Open vSwitch is {observed.ovs.status.value}")
    try:
        dump = read_flows(session.host)
    except HostError as refusal:
        return Unknown(refusal.message)
    return places(dump.flows, datapath(observed), observed)


def _document(observed: ObservedState, found: tuple[Place, ...] | Unknown) -> dict[str, Plain]:
    """The observed state with, for each NIC, whether it is able to be an e-switch."""
    from eswitch.model.plain import to_plain  # noqa: PLC0415
    from eswitch.model.unknown import Unknown  # noqa: PLC0415
    from eswitch.offload.document import summary  # noqa: PLC0415
    from eswitch.topology.suitability import suitability  # noqa: PLC0415

    document = cast("dict[str, Plain]", to_plain(observed))
    for nic, plain in zip(
        observed.nics, cast("list[dict[str, Plain]]", document["nics"]), strict=True
    ):
        fit = suitability(nic, observed)
        plain["able"], plain["why"] = fit.able, fit.why or None
    flows = to_plain(found) if isinstance(found, Unknown) else cast("Plain", summary(found))
    return {"schema": SCHEMA, **document, "flows": flows}
