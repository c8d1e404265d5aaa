"""Part of stage `bridge`: which interface each wanted port is, and whose the existing ports are.

eswitch marks what it makes in OVSDB with `external_ids:eswitch=IDENTITY`, an identity that survives
renames. It removes nothing without that mark: taps of VMs and hand-made ports are their owners'.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from eswitch.model.desired import DesiredBridge, DesiredState
from eswitch.model.identifiers import OWNER, VfId
from eswitch.model.observed import NicState, ObservedState, OvsBridge, OvsPort
from eswitch.model.step import Command, Tool, Unnamed, Word

from . import nics

_WORD = re.compile(r"[A-Za-z0-9_.-]+")

ADDRESSES = "eswitch-addresses"
"""Key in `external_ids` of a bridge: the addresses that eswitch gave it, joined by spaces."""


@dataclass(frozen=True, slots=True)
class WantedPort:
    """A port that the spec wants: `identity` is its mark, `name` its interface, once it has one."""

    bridge: str
    identity: str
    name: Word
    tag: int | None
    pf: NicState
    uplink: bool

    @property
    def subject(self) -> str:
        """How plans call it."""
        return self.identity.replace("/", " ", 1).replace("vf", "VF ")


def wanted_ports(
    bridge: DesiredBridge, desired: DesiredState, observed: ObservedState
) -> list[WantedPort]:
    """The ports of one bridge in the spec's order; those of unusable NICs are left out."""
    found = []
    pfs = {nic.name: pf for nic, pf in nics.usable(desired, observed)}
    for port in bridge.ports:
        pf = pfs.get(port.nic)
        if pf is None:
            continue
        name: Word
        if port.vf is None:
            identity = f"{pf.pci}/uplink"
            name = pf.netdev or Unnamed(f"uplink of {pf.pci}")
        else:
            identity = f"{pf.pci}/vf{port.vf}"
            vf = pf.vf(port.vf)
            here = vf.representor if vf else None
            name = here or Unnamed(f"representor of {VfId(pf.pci, port.vf)}")
        found.append(WantedPort(bridge.name, identity, name, port.vlan, pf, port.vf is None))
    return found


def without_rules(pf: NicState) -> tuple[Command, ...]:
    """Removes the qdisc that Open vSwitch leaves on an uplink: it forbids a change of mode."""
    if pf.ingress is None or pf.netdev is None:
        return ()
    return (Command(Tool.TC, ("qdisc", "del", "dev", pf.netdev, pf.ingress)),)


def owned(bridge: OvsBridge) -> tuple[OvsPort, ...]:
    """The ports that eswitch made."""
    return tuple(port for port in bridge.ports if OWNER in port.external_ids)


def put_back(bridge: str, port: OvsPort) -> tuple[str, ...]:
    """The words for ovs-vsctl that add a port again, with its VLANs, everybody's marks, and its
    number, by which somebody's OpenFlow rules may know it."""
    tag = () if port.tag is None else (f"tag={port.tag}",)
    trunks = (f"trunks={','.join(map(str, port.trunks))}",) if port.trunks else ()
    marks = tuple(_external_id(key, value) for key, value in port.external_ids.items())
    words = ("--may-exist", "add-port", bridge, port.name, *tag, *trunks)
    if marks:
        words = (*words, "--", "set", "port", port.name, *marks)
    if port.ofport and port.ofport > 0:
        words = (*words, "--", "set", "interface", port.name, f"ofport_request={port.ofport}")
    return words


def mark(identity: str) -> str:
    """The column assignment for ovs-vsctl."""
    return _external_id(OWNER, identity)


def _external_id(key: str, value: str) -> str:
    """Colons and spaces need quotes of ovs-vsctl's own, which are those of JSON (ovs-vsctl(8))."""
    name = key if _WORD.fullmatch(key) else json.dumps(key)
    return f"external_ids:{name}={json.dumps(value)}"
