"""Observes what a plan needs: first what is cheap, then what the stages ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from eswitch.host import Host
from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.plan import Plan
from eswitch.model.question import Question
from eswitch.observe import answer, observe
from eswitch.stages import make_plan, questions


def look(host: Host, desired: DesiredState) -> ObservedState:
    """The host as `make_plan` wants to know it. Raises HostError where nothing can be said."""
    return answered(host, desired, observe(host))


def answered(host: Host, desired: DesiredState, observed: ObservedState) -> ObservedState:
    """The same with every question of the stages answered; an answer may be Unknown.

    A question leads to the next (a module, then the archive of another), but none is asked twice.
    """
    asked: set[Question] = set()
    while wanted := questions(desired, observed) - asked:
        observed = answer(host, observed, sorted(wanted, key=str))
        asked |= wanted
    return observed


@dataclass(frozen=True, slots=True)
class Planner:
    """How an apply sees the host, and what it then wants: handed in, so that both can be others."""

    look: Callable[[Host, DesiredState], ObservedState] = look
    plan: Callable[[DesiredState, ObservedState], Plan] = make_plan

    def expecting(self, sessions: tuple[str, ...]) -> Planner:
        """The same, for which somebody who is not there now may come back by these addresses: who
        began something before a reboot."""

        def with_sessions(host: Host, desired: DesiredState) -> ObservedState:
            seen = self.look(host, desired)
            return replace(seen, session_addresses=(*seen.session_addresses, *sessions))

        return replace(self, look=with_sessions)
