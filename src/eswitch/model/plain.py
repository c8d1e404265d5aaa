"""Values as JSON: for the journal and for `-o json`."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import cast

from .action import by_hand
from .plan import Pending, Plan
from .step import Step

Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None
"""What the json module reads and writes."""

KIND = "kind"
"""The key that tells which dataclass of a union is meant; a class says its own as `KIND`."""


def to_plain(value: object) -> Plain:
    """Dataclasses become objects by field name, tuples lists, enums their values, the rest text.

    `typed.from_plain` is the inverse. A class with a `KIND` says so under `kind`.
    """
    if isinstance(value, Enum):
        return cast("str", value.value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        kind: dict[str, Plain] = {KIND: value.KIND} if hasattr(value, "KIND") else {}
        return kind | {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted((to_plain(item) for item in value), key=str)
    if isinstance(value, (IPv4Address, IPv6Address, IPv4Interface, IPv6Interface)):
        return str(value)
    raise TypeError(f"no plain form for {type(value).__name__}")


def step_to_plain(step: Step) -> dict[str, Plain]:
    """A step for people and programs: with the commands as typed, and how to undo them."""
    return {
        "stage": step.stage,
        "subject": str(step.subject),
        "attribute": step.attribute,
        "old": step.old,
        "new": step.new,
        "why": step.why,
        "commands": [str(action) for action in by_hand(step.actions)],
        "undo": [str(action) for action in by_hand(step.inverse)],
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
