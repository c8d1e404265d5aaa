"""Several looks together."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from eswitch.offload.evidence import RECENT, WINDOW, Evidence, look
from eswitch.offload.flow import Dump, Flow
from eswitch.offload.sources.counters import CpuHits


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


def at(*times: float, seen_until: float = 100.0) -> Evidence:
    """Looks at these times at a flow that is used, and there, until one of them."""
    evidence = None
    for now in times:
        used = (flow(int(now)),) if now <= seen_until else ()
        hits = CpuHits(int(now) // 10, 0)
        evidence = look(Dump(used), now, {"a": hits}, evidence)
    assert evidence
    return evidence


def test_what_is_past_the_window_is_forgotten() -> None:
    assert at(100, 100 + WINDOW).used
    gone = at(100, 101 + WINDOW)
    assert not gone.used
    assert not gone.sightings
    assert gone.began == gone.ended == 101 + WINDOW
    assert gone.cpu_hits("a") is None


def test_the_last_half_of_the_window_is_always_remembered() -> None:
    """However long it looks, and whenever it began."""
    half = int(WINDOW / 2)
    for length in range(0, 4 * half, 7):
        end = 100 + length
        assert at(*range(100, end + 1), seen_until=max(100, end - half + 1)).used


def test_a_flow_that_nobody_uses_is_no_proof_however_often_it_is_seen() -> None:
    evidence = None
    for now in range(100, 100 + 3 * int(WINDOW)):
        evidence = look(Dump((flow(7, now - 95.0),)), now, {}, evidence)
        assert bool(evidence.used) == (now <= 100 + WINDOW)


def test_all_counts_are_of_the_same_window() -> None:
    """A flow's packets are compared with the CPU's: both of the same time."""
    evidence = at(*range(100, 400), seen_until=1000)
    (sighting,) = evidence.used
    assert WINDOW / 2 <= evidence.ended - evidence.began <= WINDOW
    assert sighting.gained == evidence.ended - evidence.began
    assert evidence.cpu_hits("a") == CpuHits(
        int(evidence.ended) // 10 - int(evidence.began) // 10, 0
    )


def test_memory_does_not_grow_with_flows_that_come_and_go() -> None:
    evidence = None
    for now in range(100, 1000):
        evidence = look(Dump((flow(1, 0.0, ufid=str(now)),)), float(now), {}, evidence)
        assert len(evidence.sightings) <= WINDOW + 1


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


def test_the_difference_of_cpu_hits_may_be_nothing() -> None:
    same = (CpuHits(10, 20), CpuHits(10, 20))
    assert looks(None, None, hits=same).cpu_hits("a") == CpuHits(0, 0)
    assert looks(None, None, hits=(CpuHits(10, 20), CpuHits(9, 21))).cpu_hits("a") is None
    assert looks(None, None, hits=(CpuHits(10, 20), CpuHits(11, 19))).cpu_hits("a") is None


def test_cpu_hits_need_both_ends_of_the_window() -> None:
    first = look(Dump(), 100.0, {"a": CpuHits(1, 1)})
    assert look(Dump(), 101.0, {"b": CpuHits(1, 1)}, first).cpu_hits("a") is None
    assert look(Dump(), 101.0, {"b": CpuHits(1, 1)}, first).cpu_hits("b") is None
    # Two looks at one moment: no time in which anything could be counted.
    assert look(Dump(), 100.0, {"a": CpuHits(1, 1)}, first).cpu_hits("a") is None


def test_a_flow_is_judged_by_where_it_was_seen_last() -> None:
    slow = Flow("key", "b", 1, 0, 0.5, "a", ufid="1", layer="ovs")
    (seen,) = looks(slow, flow(2, 0.25)).used
    assert (seen.flow, seen.hit, seen.gained) == (flow(2, 0.25), 100.75, 1)


def test_the_lines_not_understood_are_those_of_the_last_look() -> None:
    first = look(Dump(unparsed=("old",)), 100.0, {})
    assert first.unparsed == ("old",)
    assert look(Dump(unparsed=("new",)), 101.0, {}, first).unparsed == ("new",)
    assert (first.began, look(Dump(), 101.0, {}, first).began) == (100.0, 100.0)


def test_a_younger_window_begins_when_half_of_this_one_is_over() -> None:
    assert at(100, 99 + WINDOW / 2).younger is None
    younger = at(100, 100 + WINDOW / 2).younger
    assert younger is not None
    assert (younger.began, younger.younger) == (100 + WINDOW / 2, None)
    assert at(100, 160, 101 + WINDOW).began == 160


@settings(deadline=None, max_examples=50)
@given(
    gaps=st.lists(st.floats(0.1, 40.0), max_size=40),
    seen=st.lists(st.integers(0, 3), min_size=41, max_size=41),
)
def test_whenever_it_looks_it_remembers_the_last_half_and_never_more_than_the_window(
    gaps: list[float], seen: list[int]
) -> None:
    now, last, evidence = 100.0, {}, None
    for number, gap in enumerate([0.0, *gaps]):
        now += gap
        name = str(seen[number])
        last[name] = now
        evidence = look(Dump((flow(1, 0.0, ufid=name),)), now, {}, evidence)
        used = {each.flow.ufid for each in evidence.used}
        assert now - evidence.began <= WINDOW
        assert all(now - last[each] <= WINDOW for each in used if each)
        assert used >= {each for each, when in last.items() if now - when <= WINDOW / 2 - 40}
