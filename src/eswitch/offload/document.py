"""The JSON form of a dump: schema `eswitch.flows/v1`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .flow import Placement
from .place import Place
from .syntax import split_items

SCHEMA = "eswitch.flows/v1"

Json = dict[str, object]


def flows_document(found: Sequence[Place], unparsed: Iterable[str] = ()) -> Json:
    """All flows of a dump for machines.

    `used_seconds` is the age of the last packet, null for never. `placement` is the effective one
    (a flow behind a software stage is in software), `in_hardware` what Open vSwitch says of the
    single rule. `reason`, its kind and its remedy are null for what is in hardware; a remedy also
    where none is known. `summary` counts flows and packets by placement.
    """
    return {
        "schema": SCHEMA,
        "summary": summary(found),
        "flows": [_flow(place) for place in found],
        "unparsed": list(unparsed),
    }


def summary(found: Iterable[Place]) -> Json:
    """Flows and packets by placement, all placements listed."""
    totals = {placement.value: {"flows": 0, "packets": 0, "bytes": 0} for placement in Placement}
    for place in found:
        total = totals[place.placement.value]
        total["flows"] += 1
        total["packets"] += place.flow.packets
        total["bytes"] += place.flow.bytes
    return dict(totals)


def _flow(place: Place) -> Json:
    flow, reason = place.flow, place.reason
    return {
        "ufid": flow.ufid,
        "input": flow.in_port,
        "outputs": list(flow.outputs),
        "recirc_id": flow.recirc_id,
        "packets": flow.packets,
        "bytes": flow.bytes,
        "used_seconds": flow.used,
        "placement": place.placement.value,
        "in_hardware": flow.placement is Placement.HARDWARE,
        "nature": place.nature.value,
        "belongs_in_hardware": place.nature.belongs_in_hardware,
        "reason": reason.text if reason else None,
        "reason_kind": reason.kind.value if reason else None,
        "remedy": reason.remedy if reason else None,
        "match": flow.match,
        "actions": [item.strip() for item in split_items(flow.actions)],
        "other": dict(flow.other),
    }
