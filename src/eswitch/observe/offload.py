"""The feature `hw-tc-offload` of interfaces: without it no flow through them reaches hardware."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from eswitch.errors import HostError
from eswitch.host import Host
from eswitch.model.observed import ObservedState, Unknown

_FEATURE = re.compile(
    r"^(?:Features for (?P<name>\S+):|hw-tc-offload: (?P<state>on|off)\b)", re.MULTILINE
)


def read_tc_offload(host: Host, names: Iterable[str]) -> dict[str, bool | Unknown]:
    """Whether the feature is on for each of `names`; one process whatever their number.

    An interface that ethtool says nothing about, and all of them where it fails, are Unknown.
    """
    try:
        # The wildcard needs ethtool's netlink interface (kernel 5.7, ethtool 5.8).
        found = parse_features(host.run(["ethtool", "-k", "*"]).stdout)
    except HostError as refusal:
        return dict.fromkeys(names, Unknown(refusal.message))
    silent = Unknown("ethtool shows no hw-tc-offload for it")
    return {name: found.get(name, silent) for name in names}


def add_tc_offload(host: Host, state: ObservedState) -> ObservedState:
    """The same state with the feature of its uplinks and representors."""
    uplinks = [nic.netdev for nic in state.nics]
    names = {*uplinks, *(vf.representor for nic in state.nics for vf in nic.vfs)}
    asked = [link.name for link in state.links if link.name in names]
    if not asked:
        return state
    found = read_tc_offload(host, asked)
    links = [
        replace(link, hw_tc_offload=found[link.name]) if link.name in found else link
        for link in state.links
    ]
    return replace(state, links=tuple(links))


def parse_features(printed: str) -> dict[str, bool]:
    """The lines `hw-tc-offload: on` or `off` (either may end in `[fixed]`), by interface name."""
    found = {}
    name = None
    for match in _FEATURE.finditer(printed):
        if match["name"]:
            name = match["name"]
        elif name:
            found[name] = match["state"] == "on"
    return found
