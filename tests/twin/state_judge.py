"""What a machine is, for the question whether all is as it was: read from the twin's own state.

These rules are the tests' own. They share nothing with `engine/comparison.py`, nor with what
`observe` can see, so that neither can hide its own mistake.
"""

from __future__ import annotations

from dataclasses import asdict

from eswitch.twin.state import Bridge, Function, Link, State

Value = object
OURS = ("/var/lib/eswitch/", "/var/log/eswitch", "/run/")
"""Where eswitch keeps what it remembers."""


def settled(state: State) -> dict[str, Value]:
    """All that an undo answers for. Left out: numbers and MACs that the kernel gives anew, what
    the last packet left, and modules, which stay loaded."""
    return {
        "firmware": {name: dict(card.pending) for name, card in state.cards.items()},
        "functions": {pci: _function(each) for pci, each in state.functions.items()},
        "links": {link.name: _link(link, state) for link in state.links if _counts(link)},
        "routes": sorted(
            (route.family, route.device, route.gateway or "", route.metric)
            for route in state.routes
        ),
        "ovs": dict(state.ovs.database.other_config),
        "bridges": {bridge.name: _bridge(bridge) for bridge in state.ovs.database.bridges},
        "files": {path: text for path, text in state.files.items() if not path.startswith(OURS)},
        "units": {name: asdict(unit) for name, unit in state.units.items()},
    }


def _function(function: Function) -> Value:
    pf = function.pf
    switch: Value = None
    if pf is not None:
        vfs = [asdict(vport) for vport in pf.vports]
        switch = (pf.mode, pf.inline_mode, pf.encap_mode, pf.autoprobe, vfs)
    return function.physfn, function.index, function.driver, switch


def _counts(link: Link) -> bool:
    return link.kind != "ovs-system" and not link.namespace


def _link(link: Link, state: State) -> Value:
    addresses = sorted(each.address for each in link.addresses if not each.dynamic)
    global_ones = [each for each in addresses if not each.startswith("fe80:")]
    under = link.master if link.master and state.link(link.master) else None
    return link.kind, link.up, link.mtu, under, global_ones, link.tc_offload


def _bridge(bridge: Bridge) -> Value:
    ports = {
        port.name: (port.tag, sorted(port.trunks), dict(port.external_ids)) for port in bridge.ports
    }
    return dict(bridge.external_ids), bridge.datapath_type, ports
