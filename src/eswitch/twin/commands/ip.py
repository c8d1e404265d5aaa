"""`ip` of iproute2, as far as eswitch and its tests use it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from eswitch.host import Result
from eswitch.twin.refusal import Refusal
from eswitch.twin.state import Link, State

from . import ip_set, ip_show
from .iproute2 import Iproute2
from .tool import Failed, NotSimulated, Words, rtnetlink

_OBJECTS = {"link": "link", "l": "link", "address": "addr", "addr": "addr", "a": "addr"}
_OBJECTS |= {"route": "route", "r": "route", "stats": "stats"}
# What `ip` has besides (ip(8)); it takes any beginning of these words.
_OTHER_OBJECTS = (
    *("addrlabel", "fou", "help", "ila", "ioam", "l2tp", "macsec", "maddress", "monitor", "mptcp"),
    *("mroute", "mrule", "neighbor", "neighbour", "netconf", "netns", "nexthop", "ntable", "rule"),
    *("sr", "tcp_metrics", "token", "tunnel", "tuntap", "vrf", "xfrm"),
)


class Ip(Iproute2):
    """One process of `ip`."""

    name = "ip"
    flags: ClassVar[dict[str, str | None]] = {
        "details": "details",
        "d": "details",
        "4": None,
        "6": None,
    }

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.details = False
        self.links_shown = False

    def run(self, words: Sequence[str]) -> str:
        """One command."""
        left = Words(words)
        name = left.take()
        kind = _OBJECTS.get(name)
        if kind is None:
            if any(known.startswith(name) for known in _OTHER_OBJECTS):
                raise NotSimulated(f"`ip {name}`")
            raise Failed(f'Object "{name}" is unknown, try "ip help".', 1)
        verb = left.take() if left else "show"
        try:
            return self._do(kind, verb, left)
        except Refusal as refusal:
            raise rtnetlink(refusal) from None

    def _do(self, kind: str, verb: str, words: Words) -> str:
        verb = {"list": "show", "ls": "show", "delete": "del"}.get(verb, verb)
        if verb == "show":
            return self._show(kind, words)
        state = self.state
        match (kind, verb):
            case ("link", "set"):
                ip_set.set_link(state, words)
            case ("link", "add"):
                ip_set.add(state, words)
            case ("link", "del"):
                ip_set.delete(state, words)
            case ("addr", "add" | "replace"):
                ip_set.add_address(state, words)
            case ("addr", "del"):
                ip_set.delete_address(state, words)
            case ("addr", "flush"):
                ip_set.flush_addresses(state, words)
            case ("route", "add" | "replace"):
                ip_set.put_route(state, words, replace=verb == "replace")
            case ("route", "del"):
                ip_set.delete_route(state, words)
            case _:
                raise NotSimulated(f"`ip {kind} {verb}`")
        return ""

    def _show(self, kind: str, words: Words) -> str:
        if not self.json:
            raise NotSimulated(f"`ip {kind} show` without -json")
        records = self._records(kind, words)
        if words:
            raise words.unknown()
        return json.dumps(records, separators=(",", ":")) + "\n"

    def _records(self, kind: str, words: Words) -> list[ip_show.Record]:
        if kind == "route":
            words.skip("table") and words.skip("all")
            words.skip("default")
            return ip_show.route_records(self.state, details=self.details)
        if kind == "stats":
            for word in ("group", "offload", "subgroup", "cpu_hit"):
                words.skip(word)
            return [ip_show.hit_record(link) for link in self._links(words)]
        found = self._links(words)
        full = kind == "link" or self.links_shown
        self.links_shown |= kind == "link"
        details = self.details
        records = [ip_show.link_record(self.state, x, details=details, full=full) for x in found]
        if kind == "addr":
            for record, link in zip(records, found, strict=True):
                record["addr_info"] = ip_show.address_records(self.state, link)
        return records

    def _links(self, words: Words) -> list[Link]:
        words.skip("dev")
        if words and words.peek() not in ("group", "up", "type", "master"):
            return [ip_set.find(self.state, words.take())]
        return [link for link in self.state.links if not link.namespace]


def run(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`ip`."""
    return Ip(state).main(argv, input)
