"""Whose the bridges, ports and addresses in Open vSwitch are.

eswitch marks what it makes in OVSDB with `external_ids:eswitch=IDENTITY`, an identity that survives
renames. It removes nothing without that mark: taps of VMs and hand-made ports are their owners'.
"""

from __future__ import annotations

from eswitch.model.identifiers import OWNER
from eswitch.model.observed import OvsBridge, OvsPort

ADDRESSES = "eswitch-addresses"
"""Key in `external_ids` of a bridge: the addresses that eswitch gave it, joined by spaces."""


def owned(bridge: OvsBridge) -> tuple[OvsPort, ...]:
    """The ports that eswitch made."""
    return tuple(port for port in bridge.ports if OWNER in port.external_ids)
