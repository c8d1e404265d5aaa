"""The page of `plan`: steps in order, why, whom they disturb, and what a person would type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eswitch.cli.complaint import obstacles
from eswitch.cli.layout import count, paragraph
from eswitch.cli.screen import Line, Style, bad, faint, line, strong, warn
from eswitch.cli.summary import Group, groups
from eswitch.model.action import Action, by_hand
from eswitch.model.plan import Blocker, Note, Pending, Plan
from eswitch.model.step import Step
from eswitch.stages import title_of


def plan_page(plan: Plan, spec: str, *, verbose: bool = False) -> list[Line]:
    """Obstacles, for they decide; then numbered steps by stage, notes and totals."""
    blocked: list[Line] = []
    if plan.blockers:
        blocked = [line(bad("this cannot be applied:")), *obstacles(plan.blockers)]
    shown = groups(plan.steps, all_of_them=verbose)
    later = groups(plan.later, all_of_them=verbose, begin=len(plan.steps) + 1)
    width = max((len(group.number) for group in (*shown, *later)), default=0)
    lines = _stages(shown, width, verbose=verbose)
    if plan.reboots:
        lines += [line(), *_reboot(plan.pending)] if lines else _reboot(plan.pending)
        lines += [line(), *_stages(later, width, verbose=verbose)] if later else []
    if plan.notes:
        lines += [line(), *notes(plan.notes)] if lines else notes(plan.notes)
    if blocked:
        lines = [*blocked, line(), *lines] if lines else blocked
    totals = _totals(plan, len(shown) + len(later), spec)
    return [*lines, line(), *totals] if lines else totals


def _stages(shown: Sequence[Group], width: int, *, verbose: bool) -> list[Line]:
    """Groups of steps, each stage under its heading."""
    lines: list[Line] = []
    stage = why = ""
    for group in shown:
        step = group.steps[0]
        if step.stage != stage:
            lines += [line(), line(strong(title_of(step.stage)))]
            stage, why = step.stage, ""
        lines += _group(group, width, told=why == step.why)
        if verbose:
            lines += [line(" " * (width + 4), faint(f"$ {text}")) for text in _typed(step)]
        why = step.why
    return lines[1:]


def _reboot(pending: Sequence[Pending]) -> list[Line]:
    """The line between what counts now and what comes after the reboot."""
    lines = [line(strong("Reboot"))]
    for each in pending:
        lines += paragraph(f"set already, and waits for it: {each}", indent=2)
    return lines


def reboot_page(
    pending: Sequence[Pending], later: Sequence[Step], *, by_itself: bool
) -> list[Line]:
    """What waits for a reboot, and what will follow it."""
    lines = [line(), line(strong("A reboot is needed to go on; it brings:"))]
    for each in pending:
        lines += paragraph(str(each), indent=2)
    if later:
        lines += [line(), line(strong("After it, as far as can be foreseen:"))]
        for group in groups(later):
            lines += paragraph(group.title, indent=2)
    if not by_itself:
        text = "reboot, then `eswitch apply` again; `eswitch apply --reboot` does both by itself"
        lines += [line(), *paragraph(text, first=strong("hint: "))]
    return lines


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


def unusable(found: Iterable[Blocker]) -> list[Line]:
    """Why a starter spec names no NIC."""
    lines = [line(warn("no NIC of this host can be an e-switch now, so the spec names none:"))]
    for each in found:
        lines += paragraph(f"{each.subject}: {each.message}", indent=2)
        lines += paragraph(each.hint, indent=4, first="hint: ") if each.hint else []
    return lines


def _totals(plan: Plan, shown: int, spec: str) -> list[Line]:
    if plan.blockers:
        blocked = (
            f"blocked by {count(len(plan.blockers), 'obstacle')}; nothing is applied until then"
        )
        return [line(warn(blocked))]
    if plan.done:
        return [line(f"nothing to change: this host is as {spec} wants it")]
    steps = len(plan.steps) + len(plan.later)
    total = count(steps, "step")
    if shown < steps:
        total += f" ({shown} lines; -v shows each)"
    if plan.reboots:
        total += ", one reboot"
    if plan.disturbing:
        total += f", {len(plan.disturbing)} of them noticed by somebody (!)"
    return paragraph(f"{total}; nothing was touched", style=Style.STRONG)


def _typed(step: Step) -> list[str]:
    return [str(action) for action in by_hand(step.actions)]


def commands_page(plan: Plan, spec: str) -> list[Line]:
    """A script: one command a line, comments for the rest. Commands whose names only the steps
    before them will make are comments too, so that a paste does no harm."""
    lines: list[Line] = [line(faint(f"# what `eswitch apply` runs for {spec}, in this order"))]
    unnamed = False
    for number, step in enumerate((*plan.steps, *plan.later), 1):
        if number == len(plan.steps) + 1:
            lines += [line(), line(faint("# then a reboot; what follows is a forecast"))]
        lines += [line(), line(faint(f"# {number}. {step}")), line(faint(f"#    {step.why}"))]
        lines += [line(faint("#    noticed: "), warn(str(each))) for each in step.disturbs]
        for action in by_hand(step.actions):
            lines.append(_command(action, later=number > len(plan.steps)))
            unnamed = unnamed or action.unnamed
    if unnamed:
        lines += [line(), line(faint("# <...>: known once the steps before have run"))]
    for note in plan.notes:
        lines.append(line(faint(f"# note: {note.subject}: {note.message}")))
    for blocker in plan.blockers:
        lines.append(line(warn(f"# BLOCKED: {blocker.subject}: {blocker.message}")))
        lines.append(line(warn(f"#   hint: {blocker.hint}")))
    if plan.pending and not plan.later:
        lines.append(line(faint("# then a reboot")))
    if plan.done and not plan.blockers:
        lines.append(line(faint("# nothing: this host is as the spec wants it")))
    return lines


def _command(action: Action, *, later: bool) -> Line:
    forecast = later or action.unnamed
    return line(faint(f"# later: {action}")) if forecast else line(str(action))


def disturbance(plan: Plan, *, reboot: bool = False) -> list[Line]:
    """Whom the plan disturbs, for the question whether to go on."""
    steps = plan.disturbing
    total = len(plan.steps)
    lines: list[Line] = []
    if reboot and plan.reboots:
        lines.append(line(warn("this host will reboot, and go on by itself")))
        if plan.steps:
            lines.append(line("before that:"))
        for group in groups(plan.steps):
            lines += paragraph(group.title, indent=2)
        steps += tuple(step for step in plan.later if step.disturbs)
        total += len(plan.later)
    if steps:
        lines.append(line(warn(f"{count(len(steps), 'step')} of {total} will be noticed:")))
    for group in groups(steps):
        lines += paragraph(group.title, indent=2)
        for text in group.disturbs:
            lines += paragraph(text, indent=4, first="! ", style=Style.WARN)
    return lines
