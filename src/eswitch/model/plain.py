"""Values as JSON, and actions back from it: for the journal and for `-o json`."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import cast

from .action import Action, Command, Program, Replace, Settle, Tool, Write
from .identifiers import PciAddress
from .plan import Pending, Plan
from .step import Step

Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None
"""What the json module reads and writes."""


def to_plain(value: object) -> Plain:
    """Dataclasses become objects by field name, tuples lists, enums their values, the rest text."""
    if isinstance(value, Enum):
        return cast("str", value.value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, (IPv4Address, IPv6Address, IPv4Interface, IPv6Interface)):
        return str(value)
    raise TypeError(f"no plain form for {type(value).__name__}")


def action_to_plain(action: Action) -> Plain:
    """An action with its kind, so that it can be read back."""
    if isinstance(action, Write):
        kind: dict[str, Plain] = {"write": action.path, "value": str(action.value)}
        return {**kind, "timeout": action.timeout}
    if isinstance(action, Settle):
        return {"settle": action.timeout, "urgent": action.urgent, "pf": action.pf}
    if isinstance(action, Replace):
        return {"replace": action.path, "old": action.old, "new": action.new}
    if isinstance(action, Program):
        argv: list[Plain] = list(action.argv)
        said: dict[str, Plain] = {"input": action.input, "log": action.log}
        return {"run": argv, "timeout": action.timeout, **said}
    words: list[Plain] = [str(word) for word in action.args]
    return {"tool": action.tool.value, "args": words}


def action_from_plain(data: Plain) -> Action:
    """The inverse of `action_to_plain`; raises ValueError for anything else."""
    match data:
        case {"write": str(path), "value": str(value), "timeout": float() | int() as timeout}:
            return Write(path, value, float(timeout))
        case {"settle": int(timeout), "urgent": bool(urgent), "pf": str() | None as pf}:
            return Settle(timeout, urgent, PciAddress(pf) if pf else None)
        case {"tool": str(tool), "args": list(args)}:
            return Command(Tool(tool), tuple(str(word) for word in args))
        case {"replace": str(path), "old": str() | None as old, "new": str() | None as new}:
            return Replace(path, old, new)
        case {
            "run": list(argv),
            "timeout": float() | int() as timeout,
            "input": str() | None as text,
            "log": str(log),
        }:
            return Program(tuple(str(word) for word in argv), text, float(timeout), log)
    raise ValueError(f"not an action: {data!r}")


def step_to_plain(step: Step) -> dict[str, Plain]:
    """A step for people and programs: with the commands as typed, and how to undo them."""
    return {
        "stage": step.stage,
        "subject": str(step.subject),
        "attribute": step.attribute,
        "old": step.old,
        "new": step.new,
        "why": step.why,
        "commands": [str(action) for action in step.actions],
        "undo": [str(action) for action in step.inverse],
        "disturbs": [str(each) for each in step.disturbs],
        "source": str(step.source) if step.source else None,
        "forecast": not step.ready,
        "reboot": step.reboot,
    }


def pending_to_plain(pending: tuple[Pending, ...]) -> Plain:
    """What waits for a reboot, for people and programs."""
    return [
        {"subject": str(each.subject), "attribute": each.attribute, "what": each.what}
        for each in pending
    ]


def plan_to_plain(plan: Plan) -> dict[str, Plain]:
    """The JSON form of a plan, schema `eswitch.plan/v1`."""
    blockers: list[Plain] = [
        {
            "subject": str(blocker.subject),
            "message": blocker.message,
            "hint": blocker.hint,
            "kind": blocker.kind.value,
            "harm": blocker.kind.hurts,
            "human": blocker.kind.by_hand,
            "source": str(blocker.source) if blocker.source else None,
        }
        for blocker in plan.blockers
    ]
    return {
        "schema": "eswitch.plan/v1",
        "steps": [step_to_plain(step) for step in plan.steps],
        "blockers": blockers,
        "notes": [{"subject": str(note.subject), "message": note.message} for note in plan.notes],
        "pending": pending_to_plain(plan.pending),
        "later": [step_to_plain(step) for step in plan.later],
    }
