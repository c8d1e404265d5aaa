"""The first layer: is the host as the spec wants it?"""

from __future__ import annotations

from eswitch.model.plan import Plan
from eswitch.model.report import Check, Layer, Verdict
from eswitch.model.subject import Part


def configured(plan: Plan) -> tuple[Check, ...]:
    """Nothing left to do: each blocker, and each end that is not there, is a failed check.

    Steps that only make way for others are none, unless nothing but such is left.
    """
    blocked = tuple(
        Check(
            Layer.CONFIGURED,
            blocker.subject,
            "can it be as the spec wants it?",
            Verdict.FAILED,
            blocker.message,
            blocker.hint,
        )
        for blocker in plan.blockers
    )
    ends = tuple(step for step in plan.steps if not step.passing) or plan.steps
    hint = "eswitch apply, once nothing stands in its way" if blocked else "eswitch apply"
    pending = tuple(
        Check(
            Layer.CONFIGURED,
            step.subject,
            f"{step.attribute} {step.new}?",
            Verdict.FAILED,
            f"now {step.old}",
            hint,
        )
        for step in ends
    )
    pending += tuple(
        Check(
            Layer.CONFIGURED,
            each.subject,
            f"{each.attribute} in force?",
            Verdict.FAILED,
            f"{each.what}: set, and waits for a reboot",
            "reboot, then eswitch apply",
        )
        for each in plan.pending
    )
    done = Check(
        Layer.CONFIGURED,
        Part.HOST,
        "is it as the spec wants it?",
        Verdict.OK,
        "nothing is left to change",
    )
    return blocked + pending or (done,)
