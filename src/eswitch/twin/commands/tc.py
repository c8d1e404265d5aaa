"""`tc qdisc show ingress`, `tc qdisc add|del dev NAME ingress|clsact`."""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence

from eswitch.host import Result
from eswitch.twin.refusal import Refusal
from eswitch.twin.state import State

from .ip_set import find
from .iproute2 import Iproute2
from .tool import Failed, NotSimulated, Words, rtnetlink


class Tc(Iproute2):
    """One process of `tc`."""

    name = "tc"

    def run(self, words: Sequence[str]) -> str:
        """One command."""
        left = Words(words)
        name = left.take()
        if name != "qdisc":
            if name in ("filter", "class", "chain", "actions", "monitor"):
                raise NotSimulated(f"`tc {name}`")
            raise Failed(f'Object "{name}" is unknown, try "tc help".', 255)
        verb = left.take() if left else "show"
        if verb == "show":
            return self._show(left)
        if verb not in ("add", "del"):
            raise NotSimulated(f"`tc qdisc {verb}`")
        left.skip("dev")
        link = find(self.state, left.take())
        kind = left.take()
        if left or kind not in ("ingress", "clsact"):
            raise NotSimulated(f"`tc {left.whole}`")
        if verb == "add" and link.qdisc:
            raise rtnetlink(Refusal(errno.EEXIST, "Exclusivity flag on, cannot modify"))
        if verb == "del" and (link.qdisc is None or (kind, link.qdisc) == ("clsact", "ingress")):
            raise rtnetlink(Refusal(errno.EINVAL, "Invalid handle"))
        link.qdisc = kind if verb == "add" else None
        if verb == "del":
            gone = link.index
            flows = self.state.ovs.flows
            self.state.ovs.flows = [f for f in flows if f.in_port != gone or f.where == "ovs"]
        return ""

    def _show(self, words: Words) -> str:
        if not self.json or words.rest() != ["ingress"]:
            raise NotSimulated(f"`tc {words.whole}`: only `tc -json qdisc show ingress`")
        found = [
            {
                "kind": link.qdisc,
                "handle": "ffff:",
                "dev": link.name,
                "parent": "ffff:fff1",
                "options": {},
            }
            for link in self.state.links
            if link.qdisc and not link.namespace
        ]
        return json.dumps(found, separators=(",", ":")) + "\n"


def run(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`tc`."""
    return Tc(state).main(argv, input)
