"""What several stages have typed: ports put back, qdiscs removed, hw-tc-offload switched."""

from __future__ import annotations

import json
import re

from eswitch.model.action import Command, Tool, Word
from eswitch.model.identifiers import OWNER
from eswitch.model.observed import NicState, OvsPort

_WORD = re.compile(r"[A-Za-z0-9_.-]+")


def without_rules(pf: NicState) -> tuple[Command, ...]:
    """Removes the qdisc that Open vSwitch leaves on an uplink: it forbids a change of mode."""
    if pf.ingress is None or pf.netdev is None:
        return ()
    return (Command(Tool.TC, ("qdisc", "del", "dev", pf.netdev, pf.ingress)),)


def tc_offload(name: Word, *, on: bool) -> Command:
    """Lets the NIC take TC rules of that interface, or not."""
    return Command(Tool.ETHTOOL, ("-K", name, "hw-tc-offload", "on" if on else "off"))


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
