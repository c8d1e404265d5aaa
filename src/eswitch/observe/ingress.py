"""Ingress qdiscs, as `tc` of iproute2 prints them: one process for all interfaces.

Open vSwitch hangs its flower rules there. While the uplink has one, its e-switch refuses another
mode (facts 1.3), and Open vSwitch leaves it behind when the port goes.
"""

from __future__ import annotations

from collections.abc import Mapping

from eswitch.errors import HostError
from eswitch.host import Host

from .records import documents, records, text


def read_ingress(host: Host) -> Mapping[str, str]:
    """`ingress` or `clsact` by interface name; empty where `tc` cannot tell."""
    try:
        return parse_ingress(host.run(["tc", "-json", "qdisc", "show", "ingress"]).stdout)
    except HostError:
        return {}


def parse_ingress(printed: str) -> Mapping[str, str]:
    """The same from what tc printed; raises HostError if that is no JSON."""
    found = {}
    for document in documents(printed, "tc"):
        for qdisc in records(document):
            kind, device = text(qdisc, "kind"), text(qdisc, "dev")
            if device and kind in ("ingress", "clsact"):
                found[device] = kind
    return found
