"""Several looks together."""

from __future__ import annotations

from eswitch.offload.evidence import RECENT, Evidence, look
from eswitch.offload.flow import Dump, Flow
from eswitch.offload.read import CpuHits


def flow(packets: int, used: float | None = 0.0, ufid: str = "1") -> Flow:
    return Flow("key", "b", packets, 0, used, "a", ufid=ufid, offloaded="yes", layer="tc")


def looks(*flows: Flow | None, hits: tuple[CpuHits, ...] = ()) -> Evidence:
    evidence = None
    for second, each in enumerate(flows):
        seen = {"a": hits[second]} if hits else {}
        evidence = look(Dump((each,) if each else ()), 100.0 + second, seen, evidence)
    assert evidence
    return evidence


def gained(*packets: int) -> int:
    (sighting,) = looks(*(flow(each) for each in packets)).sightings.values()
    return sighting.gained


def test_gained_counts_only_what_was_seen_to_come() -> None:
    assert gained(1000) == 0
    assert gained(1000, 1007) == 7
    # Gone and made again in between: from zero.
    assert gained(1000, 1007, 5, 6) == 7 + 5 + 1


def test_what_counts_is_the_window() -> None:
    assert looks(flow(1, RECENT)).used
    assert not looks(flow(1, RECENT + 0.1)).used
    assert not looks(flow(1, None)).used
    # Old at the first look, used again at the second.
    assert looks(flow(1, 60.0), flow(2, 0.5)).used
    # A rule that claims to be used without a packet has carried nothing.
    assert not looks(flow(0, 0.1)).used


def test_flows_are_remembered_when_they_expire() -> None:
    assert looks(flow(1, 0.1), None, None).used


def test_flows_without_identity_are_told_apart_by_their_key() -> None:
    one, two = (Flow(key, "b", 1, 0, 0.0, "a", layer="tc") for key in ("eth(dst=1)", "eth(dst=2)"))
    assert len(look(Dump((one, two)), 0.0, {}).used) == 2


def test_cpu_hits_are_a_difference() -> None:
    hits = (CpuHits(10, 20), CpuHits(13, 21))
    assert looks(None, None, hits=hits).cpu_hits("a") == CpuHits(3, 1)
    assert looks(None, None, hits=hits).cpu_hits("b") is None
    assert looks(None, hits=hits[:1]).cpu_hits("a") is None  # one look: no difference yet
    # The representor was made anew meanwhile.
    assert looks(None, None, hits=hits[::-1]).cpu_hits("a") is None
