"""Time passes: udev names, drivers load, ovs-vswitchd follows, guests talk."""

from __future__ import annotations

from . import vswitch
from .links import last_rename, rename_due
from .modules import load_due
from .state import State
from .traffic import talk


def advance(state: State, seconds: float) -> None:
    """Let time pass, and whatever is due by then happen. With 0 only what has become due."""
    state.clock += seconds
    load_due(state)
    rename_due(state)
    vswitch.reconcile(state)
    if seconds > 0 and (state.conversations or state.ovs.flows):
        talk(state, seconds)


def settled_at(state: State) -> float:
    """When udev will have nothing left to do; drivers that load then bring more."""
    return max([last_rename(state), *state.loads.values()])


def settle(state: State, timeout: float) -> bool:
    """Wait for udev as `udevadm settle` does; False if its time was not enough."""
    end = state.clock + timeout
    while (due := settled_at(state)) > state.clock or state.loads:
        if due > end:
            advance(state, end - state.clock)
            return False
        advance(state, max(due - state.clock, 0.0))
    return True
