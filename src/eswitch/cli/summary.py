"""Steps that do the same to many VFs as one line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from eswitch.model.step import Step
from eswitch.model.subject import together, vf_of

from .layout import count, ranges

FEW = 4
"""Up to so many steps of one kind are shown one by one."""
_VALUES = 2
_MENTIONED = 3


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring steps of one kind; `first` counts from 1."""

    first: int
    steps: tuple[Step, ...]

    @property
    def number(self) -> str:
        """`4` or `4-130`."""
        last = self.first + len(self.steps) - 1
        return str(self.first) if last == self.first else f"{self.first}-{last}"

    @property
    def title(self) -> str:
        """`0000:07:00.0 VF 0-126: MAC 00:00:00:00:00:00 -> 127 different`."""
        if len(self.steps) == 1:
            return str(self.steps[0])
        old = _values([step.old for step in self.steps])
        new = _values([step.new for step in self.steps])
        return f"{_subjects(self.steps)}: {self.steps[0].attribute} {old} -> {new}"

    @property
    def disturbs(self) -> tuple[str, ...]:
        """What somebody may notice, the first few of many."""
        return mentioned([str(each) for step in self.steps for each in step.disturbs])


def mentioned(texts: Sequence[str]) -> tuple[str, ...]:
    """Each text once, the first few of many."""
    distinct = tuple(dict.fromkeys(texts))
    if len(distinct) <= _MENTIONED + 1:
        return distinct
    return (*distinct[:_MENTIONED], f"and {len(distinct) - _MENTIONED} more like it")


def groups(
    steps: Sequence[Step], *, all_of_them: bool = False, begin: int = 1
) -> tuple[Group, ...]:
    """The steps in their order, long runs of one kind together; the first has number `begin`."""
    found: list[Group] = []
    position = begin
    for _, run in groupby(steps, key=_kind):
        same = tuple(run)
        if len(same) > FEW and not all_of_them:
            found.append(Group(position, same))
        else:
            found += [Group(position + i, (step,)) for i, step in enumerate(same)]
        position += len(same)
    return tuple(found)


def brief(steps: Sequence[Step]) -> str:
    """What a batch does, on one line, its kinds separated by semicolons."""
    parts = []
    for _, run in groupby(steps, key=lambda step: _kind(step)[1:3]):
        same = tuple(run)
        if len(same) == 1:
            parts.append(str(same[0]))
        else:
            parts.append(
                f"{_subjects(same)}: {same[0].attribute} -> {_values([s.new for s in same])}"
            )
    if len(parts) <= _MENTIONED:
        return "; ".join(parts)
    return f"{'; '.join(parts[: _MENTIONED - 1])}; and {len(parts) - _MENTIONED + 1} more"


def _kind(step: Step) -> tuple[str, object, str, str]:
    """Steps of one kind do the same, to the VFs of one PF if they are about VFs."""
    vf = vf_of(step.subject)
    who = step.subject if vf is None else (type(step.subject), vf.pf)
    return (step.stage, who, step.attribute, step.why)


def _subjects(steps: Sequence[Step]) -> str:
    first = steps[0].subject
    vfs = [vf for step in steps if (vf := vf_of(step.subject))]
    if not vfs:
        subjects = tuple(dict.fromkeys(str(step.subject) for step in steps))
        return subjects[0] if len(subjects) == 1 else count(len(subjects), "object")
    return together(first, vfs[0], ranges(vf.index for vf in vfs))


def _values(texts: Sequence[str]) -> str:
    distinct = tuple(dict.fromkeys(texts))
    if len(distinct) <= _VALUES:
        return " or ".join(distinct)
    return f"{len(distinct)} different"
