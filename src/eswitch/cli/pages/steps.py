"""The page of `plan`: steps in order, why, whom they disturb, and what a person would type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eswitch.cli.complaint import obstacles
from eswitch.cli.layout import count, paragraph
from eswitch.cli.screen import Line, Style, faint, line, strong, warn
from eswitch.cli.summary import Group, groups
from eswitch.model.plan import Note, Plan
from eswitch.model.step import Action, Step

STAGES = {"eswitch": "E-switch and VFs", "bridge": "Open vSwitch, links and addresses"}


def plan_page(plan: Plan, spec: str, *, verbose: bool = False) -> list[Line]:
    """Numbered steps under the heading of their stage, then notes, obstacles and totals."""
    lines: list[Line] = []
    shown = groups(plan.steps, all_of_them=verbose)
    width = max((len(group.number) for group in shown), default=0)
    stage = why = ""
    for group in shown:
        step = group.steps[0]
        if step.stage != stage:
            lines += [line(), line(strong(STAGES.get(step.stage, step.stage)))]
            stage, why = step.stage, ""
        lines += _group(group, width, told=why == step.why)
        if verbose:
            lines += [line(" " * (width + 4), faint(f"$ {text}")) for text in _typed(step)]
        why = step.why
    lines = lines[1:] if lines else lines
    if plan.notes:
        lines += [line(), *notes(plan.notes)] if lines else notes(plan.notes)
    if plan.blockers:
        lines += [line(), *obstacles(plan.blockers)] if lines else obstacles(plan.blockers)
    return [*lines, line(), *_totals(plan, shown, spec)] if lines else _totals(plan, shown, spec)


def _group(group: Group, width: int, *, told: bool) -> list[Line]:
    """One step, or a run of them; its reason unless the line before had the same."""
    step = group.steps[0]
    indent = width + 4
    lines = paragraph(group.title, first=f"  {group.number.rjust(width)}  ")
    if not told:
        lines += paragraph(step.why, indent=indent, style=Style.FAINT)
    for text in group.disturbs:
        lines += paragraph(text, indent=indent, first="! ", style=Style.WARN)
    return lines


def notes(told: Iterable[Note]) -> list[Line]:
    """True things that stop nothing."""
    return [
        each
        for note in told
        for each in paragraph(f"{note.subject}: {note.message}", first="note: ")
    ]


def _totals(plan: Plan, shown: Sequence[Group], spec: str) -> list[Line]:
    if plan.blockers:
        blocked = (
            f"blocked by {count(len(plan.blockers), 'obstacle')}; nothing is applied until then"
        )
        return [line(warn(blocked))]
    if not plan.steps:
        return [line(f"nothing to change: this host is as {spec} wants it")]
    total = count(len(plan.steps), "step")
    if len(shown) < len(plan.steps):
        total += f" ({len(shown)} lines; -v shows each)"
    if plan.disturbing:
        total += f", {len(plan.disturbing)} of them noticed by somebody (!)"
    return paragraph(f"{total}; nothing was touched", style=Style.STRONG)


def _typed(step: Step) -> list[str]:
    return [str(action) for action in step.actions]


def commands_page(plan: Plan, spec: str) -> list[Line]:
    """A script: one command a line, comments for the rest. Commands whose names only the steps
    before them will make are comments too, so that a paste does no harm."""
    lines: list[Line] = [line(faint(f"# what `eswitch apply` runs for {spec}, in this order"))]
    later = False
    for number, step in enumerate(plan.steps, 1):
        lines += [line(), line(faint(f"# {number}. {step}")), line(faint(f"#    {step.why}"))]
        lines += [line(faint("#    noticed: "), warn(text)) for text in step.disturbs]
        for action in step.actions:
            lines.append(_command(action))
            later = later or action.unnamed
    if later:
        lines += [line(), line(faint("# <...>: known once the steps before have run"))]
    for note in plan.notes:
        lines.append(line(faint(f"# note: {note.subject}: {note.message}")))
    for blocker in plan.blockers:
        lines.append(line(warn(f"# BLOCKED: {blocker.subject}: {blocker.message}")))
        lines.append(line(warn(f"#   hint: {blocker.hint}")))
    if not plan.steps and not plan.blockers:
        lines.append(line(faint("# nothing: this host is as the spec wants it")))
    return lines


def _command(action: Action) -> Line:
    return line(faint(f"# later: {action}")) if action.unnamed else line(str(action))


def disturbance(plan: Plan) -> list[Line]:
    """Whom the plan disturbs, for the question whether to go on."""
    steps = plan.disturbing
    lines = [line(warn(f"{count(len(steps), 'step')} of {len(plan.steps)} will be noticed:"))]
    for group in groups(steps):
        lines += paragraph(group.title, indent=2)
        for text in group.disturbs:
            lines += paragraph(text, indent=4, first="! ", style=Style.WARN)
    return lines
