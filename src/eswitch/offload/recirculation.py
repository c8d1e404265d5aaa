"""Which flows lead to which, and what that means for where a packet really runs."""

from __future__ import annotations

from .flow import Flow, Placement, recirculates_to

_WORST_FIRST = (
    Placement.USERSPACE,
    Placement.KERNEL,
    Placement.TC_SOFTWARE,
    Placement.UNKNOWN,
)


class Chains:
    """The flows of one dump, joined by their recirculation ids."""

    def __init__(self, flows: tuple[Flow, ...]) -> None:
        self._before: dict[int, list[Flow]] = {}
        for flow in flows:
            for target in recirculates_to(flow):
                self._before.setdefault(target, []).append(flow)
        self._known: dict[int, Placement] = {}

    def effective(self, flow: Flow) -> Placement:
        """The flow's own placement, worsened by the stages before it."""
        own = flow.placement
        if own is not Placement.HARDWARE or flow.recirc_id == 0:
            return own
        return self._stage(flow.recirc_id, frozenset())

    def _stage(self, recirc_id: int, seen: frozenset[int]) -> Placement:
        """The worst placement among everything that leads to a recirculation id."""
        if recirc_id in self._known:
            return self._known[recirc_id]
        before = self._before.get(recirc_id, [])
        if not before or recirc_id in seen or len(seen) > 32:
            return Placement.UNKNOWN  # the earlier stage is gone from the dump, or a loop
        found = set()
        for flow in before:
            own = flow.placement
            if own is Placement.HARDWARE and flow.recirc_id:
                own = self._stage(flow.recirc_id, seen | {recirc_id})
            found.add(own)
        worst = next((each for each in _WORST_FIRST if each in found), Placement.HARDWARE)
        self._known[recirc_id] = worst
        return worst
