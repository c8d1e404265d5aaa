"""Lives of machines: specs change, hosts drift, operations fail, power goes, somebody applies.

What must hold whatever happened before: once nothing fails any more, an apply converges, a plan is
empty then, and another apply writes nothing; a rollback restores what was observed; nobody's VF is
pulled, and no mode changes while there are VFs.
"""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from twin.life_machines import DRIFTS, DRIVERS, delivered, drift, specs
from twin.state_judge import settled

from eswitch.engine import apply, prepare, rollback
from eswitch.errors import EswitchError, HostError, Refused
from eswitch.model.desired import DesiredState
from eswitch.observe import observe
from eswitch.stages import make_plan
from eswitch.twin import Fault, Kind, PowerLoss, Twin
from eswitch.twin.faults import Plan

GUESTS = st.sampled_from(["vm/101", "ct/200"])
TIMES = st.sampled_from([1, 1, 1, 3])
AFTER = st.integers(0, 14)
# A tool that prints nothing and says that all is well is believed: only changes lie here.
FAULTS = st.builds(
    Fault,
    kind=st.sampled_from([kind for kind in Kind if kind is not Kind.LIE]),
    after=AFTER,
    changes=st.booleans(),
    times=TIMES,
) | st.builds(Fault, kind=st.just(Kind.LIE), after=AFTER, times=TIMES)


def agree(plan: object) -> bool:
    return True


class Life(RuleBasedStateMachine):
    """One machine, from its delivery on."""

    twin: Twin

    def __init__(self) -> None:
        super().__init__()
        self.desired = DesiredState()

    @initialize(driver=DRIVERS, desired=specs())
    def deliver(self, driver: str, desired: DesiredState) -> None:
        self.twin = Twin(delivered(driver))
        self.desired = desired

    # ---- what happens

    @rule(desired=specs())
    def edit(self, desired: DesiredState) -> None:
        self.desired = desired

    @rule(kind=DRIFTS)
    def somebody_else(self, kind: str) -> None:
        drift(self.twin, kind)

    @rule(guest=GUESTS)
    def start(self, guest: str) -> None:
        with suppress(HostError):
            self.twin.start_guest(guest)

    @rule(guest=GUESTS)
    def stop(self, guest: str) -> None:
        self.twin.stop_guest(guest)

    @rule()
    def reboot(self) -> None:
        self.twin.reboot()

    @rule(fault=FAULTS)
    def apply_and_fail(self, fault: Fault) -> None:
        """Whatever the error, it is one of ours; a loss of power is followed by a boot."""
        self.twin.faults = Plan([fault])
        try:
            apply(self.twin, self.desired, "spec", consent=agree)
        except EswitchError:
            pass
        except PowerLoss:
            self.twin.reboot()
        self.twin.faults = Plan()

    # ---- what must hold

    @rule()
    def apply_converges(self) -> None:
        if not self._apply():
            return
        assert make_plan(self.desired, observe(self.twin)).steps == ()
        before = len(self.twin.operations)
        outcome = apply(self.twin, self.desired, "spec", consent=agree)
        assert outcome.steps == ()
        written = [text for text in self.twin.operations[before:] if text.startswith(WRITES)]
        assert written == []

    @rule(fault=st.none() | FAULTS.filter(lambda fault: fault.kind is not Kind.POWER))
    def rollback_restores(self, fault: Fault | None) -> None:
        """After an apply that came to its end, and after one that was stopped half way."""
        self.twin.run(["udevadm", "settle"])
        start = settled(self.twin.state)
        last = prepare(self.twin)
        if fault is None:
            if not self._apply():
                return
        else:
            self.twin.faults = Plan([fault])
            with suppress(EswitchError):
                apply(self.twin, self.desired, "spec", consent=agree)
            self.twin.faults = Plan()
        undo = prepare(self.twin)
        if undo is None or (last is not None and undo.entry.path == last.entry.path):
            return
        rollback(self.twin, undo)
        self.twin.run(["udevadm", "settle"])
        assert settled(self.twin.state) == start

    def _apply(self) -> bool:
        """True if it came to its end; it may only be refused for the sake of a guest."""
        try:
            apply(self.twin, self.desired, "spec", consent=agree)
        except Refused as refusal:
            why = refusal
        else:
            return True
        if "would compete with it" in why.message:  # eswitch does not know whose route that is
            return False
        assert "in use" in why.message, why
        assert any(guest.pid is not None for guest in self.twin.state.guests.values())
        return False

    @invariant()
    def nobody_suffers(self) -> None:
        assert self.twin.state.incidents == []


WRITES = ("write ", "append ", "replace ", "run ip link", "run devlink dev", "run tc qdisc del")

TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=max(500, settings().max_examples),
    stateful_step_count=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
