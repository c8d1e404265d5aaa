"""The first layer of `verify`: each thing that is left to do is a failed check."""

from __future__ import annotations

from eswitch.model.plan import Blocker, Pending, Plan
from eswitch.model.report import Check, Layer, Verdict
from eswitch.model.step import Step
from eswitch.model.subject import Part, SpecNic
from eswitch.offload.configured import configured


def step(name: str, *, passing: bool = False) -> Step:
    subject = SpecNic(name)
    return Step(subject, "mode", "legacy", "switchdev", "", (), passing=passing)


BLOCKER = Blocker(SpecNic("cx6"), "no NIC has it", "eswitch show")


def failed(subject: str, question: str, evidence: str, hint: str) -> Check:
    return Check(Layer.CONFIGURED, SpecNic(subject), question, Verdict.FAILED, evidence, hint)


def test_nothing_left_is_one_sound_check() -> None:
    assert configured(Plan()) == (
        Check(
            Layer.CONFIGURED,
            Part.HOST,
            "is it as the spec wants it?",
            Verdict.OK,
            "nothing is left to change",
        ),
    )


def test_what_is_left_to_do_is_told_with_what_is_now() -> None:
    assert configured(Plan(steps=(step("a"), step("b")))) == (
        failed("a", "mode switchdev?", "now legacy", "eswitch apply"),
        failed("b", "mode switchdev?", "now legacy", "eswitch apply"),
    )


def test_steps_that_only_make_way_count_if_there_is_nothing_else() -> None:
    mixed = Plan(steps=(step("a", passing=True), step("b")))
    assert [str(check.subject) for check in configured(mixed)] == ["b"]
    passing = Plan(steps=(step("a", passing=True),))
    assert [str(check.subject) for check in configured(passing)] == ["a"]


def test_what_stands_in_the_way_comes_first() -> None:
    blocked = failed("cx6", "can it be as the spec wants it?", "no NIC has it", "eswitch show")
    assert configured(Plan(blockers=(BLOCKER,))) == (blocked,)
    assert configured(Plan(steps=(step("a"),), blockers=(BLOCKER,))) == (
        blocked,
        failed(
            "a", "mode switchdev?", "now legacy", "eswitch apply, once nothing stands in its way"
        ),
    )


def test_what_waits_for_a_reboot_is_not_in_force() -> None:
    assert configured(Plan(pending=(Pending(SpecNic("cx6"), "firmware", "SRIOV_EN True(1)"),))) == (
        failed(
            "cx6",
            "firmware in force?",
            "SRIOV_EN True(1): set, and waits for a reboot",
            "reboot, then eswitch apply",
        ),
    )
