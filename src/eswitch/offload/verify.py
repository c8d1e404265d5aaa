"""`eswitch verify`: look until everything is proven or the time is over."""

from __future__ import annotations

from collections.abc import Callable

from eswitch.host import Host
from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState, OvsStatus
from eswitch.model.plan import Plan
from eswitch.model.report import Layer, Report, Verdict
from eswitch.model.unknown import Unknown

from .evidence import Evidence, look
from .flow import Dump
from .judge import judge
from .sources.counters import read_cpu_hits
from .sources.openvswitch import Running, read_flows, read_running

PAUSE = 1.0
"""Seconds between two looks. Drivers refresh their flow counters about once a second."""

Observe = Callable[[Host], ObservedState]
PlanFunction = Callable[[DesiredState, ObservedState], Plan]
Progress = Callable[[Report, float], None]
"""Called after each look with what is known and the seconds left."""


def verify(
    host: Host,
    desired: DesiredState | None,
    timeout: float,
    observe: Observe,
    plan_function: PlanFunction,
    *,
    on_progress: Progress | None = None,
) -> Report:
    """Wait up to `timeout` seconds for traffic to show itself; 0 looks once.

    Returns early when all is proven, when the host is not as the spec wants it (nothing changes by
    itself then), and when Open vSwitch does not run. Links may take seconds to get a carrier, so a
    failed WIRED layer is looked at again until the end, and a sound one before the end: links go
    down meanwhile. Software flows do not end the wait either.
    Changes nothing. Raises HostError where the host cannot be read.
    """
    deadline = host.monotonic() + timeout
    observed = observe(host)
    fresh = True
    evidence: Evidence | None = None
    while True:
        plan = None if desired is None else plan_function(desired, observed)
        evidence, running = _look(host, observed, evidence)
        report = judge(desired, observed, plan, evidence, running)
        left = deadline - host.monotonic()
        over = left <= 0 or _settled(report, observed)
        if on_progress and (fresh or not over):
            on_progress(report, max(0.0, left))
        if over and fresh:
            return report
        if not over:
            host.sleep(min(PAUSE, left))
        fresh = over or report.verdict(Layer.WIRED) is not Verdict.OK
        if fresh:
            observed = observe(host)


def _settled(report: Report, observed: ObservedState) -> bool:
    return (
        report.verdict() is Verdict.OK
        or report.verdict(Layer.CONFIGURED) is Verdict.FAILED
        or observed.ovs.status is not OvsStatus.RUNNING
    )


def _look(host: Host, observed: ObservedState, before: Evidence | None) -> tuple[Evidence, Running]:
    if observed.ovs.status is not OvsStatus.RUNNING:
        reason = observed.ovs.reason or "Open vSwitch does not run"
        return look(Dump(), host.monotonic(), {}, before), Running(Unknown(reason), reason)
    running = read_running(host)
    # Before the flows: a packet in between then counts for the flows, not against them.
    hits = read_cpu_hits(host)
    dump = read_flows(host)
    return look(dump, host.monotonic(), hits, before), running
