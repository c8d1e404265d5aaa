"""What `flows -o json` says of a flow, key by key: others' programs read it."""

from __future__ import annotations

import json
from pathlib import Path

from offload.merge_patch import observed_from

from eswitch.offload.datapath import datapath
from eswitch.offload.document import flows_document
from eswitch.offload.flow import parse_dump
from eswitch.offload.place import places

HOST = json.loads((Path(__file__).parent.parent / "cases" / "verify" / "host.json").read_text())
DUMP = """\
ufid:1, recirc_id(0x2),in_port(enp7s0f0r0),eth(), packets:3, bytes:180, zone:4, used:1.5s, \
offloaded:yes, dp:tc, actions:set(eth(src=1,dst=2)), enp7s0f0r1
in_port(tap101i0),eth_type(0x0800), packets:5, bytes:50, used:never, dp:ovs, actions:vmbr2
"""


def test_the_whole_document() -> None:
    observed = observed_from(HOST)
    found = places(parse_dump(DUMP).flows, datapath(observed), observed)
    nothing = {"flows": 0, "packets": 0, "bytes": 0}
    assert flows_document(found, iter(["a warning"])) == {
        "schema": "eswitch.flows/v1",
        "summary": {
            "hardware": nothing,
            "tc software": nothing,
            "kernel datapath": {"flows": 1, "packets": 5, "bytes": 50},
            "userspace datapath": nothing,
            "unknown": {"flows": 1, "packets": 3, "bytes": 180},
        },
        "flows": [
            {
                "ufid": "1",
                "input": "enp7s0f0r0",
                "outputs": ["enp7s0f0r1"],
                "recirc_id": 2,
                "packets": 3,
                "bytes": 180,
                "used_seconds": 1.5,
                "placement": "unknown",
                "in_hardware": True,
                "nature": "between ports of one e-switch",
                "belongs_in_hardware": True,
                "reason": "the flow that leads to recirc_id(0x2) is not in the dump",
                "reason_kind": "stage_missing",
                "remedy": None,
                "match": {"recirc_id": "0x2", "in_port": "enp7s0f0r0", "eth": ""},
                "actions": ["set(eth(src=1,dst=2))", "enp7s0f0r1"],
                "other": {"zone": "4"},
            },
            {
                "ufid": None,
                "input": "tap101i0",
                "outputs": ["vmbr2"],
                "recirc_id": 0,
                "packets": 5,
                "bytes": 50,
                "used_seconds": None,
                "placement": "kernel datapath",
                "in_hardware": False,
                "nature": "with a port of the host itself",
                "belongs_in_hardware": False,
                "reason": "vmbr2 is this host itself: such traffic always ends in the CPU",
                "reason_kind": "host",
                "remedy": None,
                "match": {"in_port": "tap101i0", "eth_type": "0x0800"},
                "actions": ["vmbr2"],
                "other": {},
            },
        ],
        "unparsed": ["a warning"],
    }
