"""Stages are values: where their steps stand, now or after a reboot, follows from their phase."""

from __future__ import annotations

from eswitch.model.desired import DesiredState
from eswitch.model.observed import KernelState, ObservedState
from eswitch.model.plan import StagePlan
from eswitch.model.question import Question, Topic
from eswitch.model.step import Phase, Step
from eswitch.model.subject import File
from eswitch.stages import STAGES, Stage, make_plan, questions, title_of
from eswitch.stages.stage import Planned

HOST = ObservedState(KernelState("6.14"))
SPEC = DesiredState()


def stage(name: str, phase: Phase, *, reboot: bool = False) -> Stage:
    def wants(desired: DesiredState, observed: ObservedState) -> Planned:
        del desired
        step = Step(File(name), "content", "none", "ours", "a test", (), reboot=reboot)
        return StagePlan((step,)), observed

    return Stage(name, name.title(), phase, wants)


def names(steps: tuple[Step, ...]) -> list[str]:
    return [step.stage for step in steps]


def test_a_step_knows_its_stage_and_when_it_has_its_turn() -> None:
    (step,) = make_plan(SPEC, HOST, [stage("a", Phase.SEALING)]).steps
    assert (step.stage, step.phase) == ("a", Phase.SEALING)


def test_what_a_reboot_would_lose_waits_for_it_and_so_does_what_seals_it() -> None:
    stages = [
        stage("a", Phase.LASTING, reboot=True),
        stage("b", Phase.LASTING),
        stage("c", Phase.RUNNING),
        stage("d", Phase.SEALING),
    ]
    plan = make_plan(SPEC, HOST, stages)
    assert names(plan.steps) == ["a", "b"]
    assert names(plan.later) == ["c", "d"]


def test_without_a_reboot_nothing_waits() -> None:
    stages = [stage("a", Phase.LASTING), stage("b", Phase.RUNNING), stage("c", Phase.SEALING)]
    plan = make_plan(SPEC, HOST, stages)
    assert names(plan.steps) == ["a", "b", "c"]
    assert plan.later == ()


def test_a_reboot_that_what_seals_asks_for_comes_after_all_the_rest() -> None:
    stages = [stage("a", Phase.RUNNING), stage("b", Phase.SEALING, reboot=True)]
    plan = make_plan(SPEC, HOST, stages)
    assert names(plan.steps) == ["a", "b"]


def test_the_boot_is_asked_about_where_a_reboot_is_due_and_nobody_asks_otherwise() -> None:
    assert questions(SPEC, HOST, [stage("a", Phase.LASTING)]) == frozenset()
    asked = questions(SPEC, HOST, [stage("a", Phase.LASTING, reboot=True)])
    assert asked == {Question(Topic.BOOT)}


def test_stages_stand_in_the_order_of_their_phases() -> None:
    order = list(Phase)
    found = [order.index(stage.phase) for stage in STAGES]
    assert found == sorted(found)
    assert len({stage.name for stage in STAGES}) == len(STAGES)


def test_pages_call_each_stage_by_its_title() -> None:
    assert title_of("passthrough") == "PCI passthrough"
    assert title_of("of an older eswitch") == "of an older eswitch"
