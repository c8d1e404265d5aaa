"""The feature `hw-tc-offload` of interfaces: without it no flow through them reaches hardware."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from eswitch.errors import HostError
from eswitch.host import Host
from eswitch.model.observed import LinkState, NicState, ObservedState
from eswitch.model.unknown import Unknown

_FEATURE = re.compile(
    r"^(?:Features for (?P<name>\S+):|hw-tc-offload: (?P<state>on|off)\b(?P<fixed> \[fixed\])?)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Feature:
    """`fixed`: the driver lets nobody change it."""

    on: bool
    fixed: bool = False


def read_tc_offload(host: Host, names: Iterable[str]) -> dict[str, Feature | Unknown]:
    """The feature of each of `names`; one process whatever their number.

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
    """The same state with the feature of its uplinks and representors in switchdev mode.

    In other modes nobody needs it, and drivers set it by themselves when the mode changes. Without
    any such interface no process is started.
    """
    names = {name for nic in state.nics if nic.is_switchdev for name in _names(nic)}
    asked = [link.name for link in state.links if link.name in names]
    if not asked:
        return state
    found = read_tc_offload(host, asked)
    links = [_with(link, found[link.name]) if link.name in found else link for link in state.links]
    return replace(state, links=tuple(links))


def _names(nic: NicState) -> Iterator[str]:
    for name in (nic.netdev, *(vf.representor for vf in nic.vfs)):
        if name:
            yield name


def _with(link: LinkState, found: Feature | Unknown) -> LinkState:
    if isinstance(found, Unknown):
        return replace(link, hw_tc_offload=found)
    return replace(link, hw_tc_offload=found.on, hw_tc_fixed=found.fixed)


def parse_features(printed: str) -> dict[str, Feature]:
    """The lines `hw-tc-offload: on` or `off`, either perhaps with `[fixed]`, by interface name."""
    found = {}
    name = None
    for match in _FEATURE.finditer(printed):
        if match["name"]:
            name = match["name"]
        elif name:
            found[name] = Feature(match["state"] == "on", fixed=bool(match["fixed"]))
    return found
