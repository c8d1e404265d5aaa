"""A tree -> models, and pydantic's complaints in the words of a spec.

What is sound is kept although something else is broken, so that `checks.py` can look at it and a
user sees all mistakes at once; what is broken is dropped as a whole NIC or bridge, so that no
check complains about the consequences of a mistake already told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from eswitch.model.desired import SPEC_VERSION

from .models import COUNT, LIST, Bridge, Driver, Match, Nic, Ovs, Section, Spec, Vf
from .problems import Problem, quoted
from .tree import Path, SpecTree
from .values import BadValue, found, nearest

_MOST = 1000  # problems translated; SpecInvalid prints fewer

_SECTIONS: dict[tuple[str, ...], type[Section]] = {
    (): Spec,
    ("nics", "*"): Nic,
    ("nics", "*", "match"): Match,
    ("nics", "*", "vfs", "*"): Vf,
    ("bridges", "*"): Bridge,
    ("ovs",): Ovs,
    ("driver",): Driver,
}

_PLACES: dict[type[Section], str] = {
    Spec: "to the top level",
    Nic: "to a NIC",
    Match: "into match:",
    Vf: "to an entry of vfs, - {...}",
    Bridge: "to a bridge",
    Ovs: "into ovs:",
    Driver: "into driver:",
}

_ELSEWHERE = {
    "guests": "this version has no guests: write the MAC and VLAN of a VF in nics.<nic>.vfs, "
    "one entry for each VF: - {mac: ..., vlan: ...}",
    "port": "the key is called ports",
    "addresses": "the key is called address, for one or a list",
    "gateways": "the key is called gateway, for one or a list",
}

_MISSING = {
    "version": "begin the file with `version: 1`",
    "match": 'say which NIC is meant, such as match: {mac: "08:c0:eb:32:98:11"}',
    "vfs": "say how many VFs it shall have, such as vfs: 2 (vfs: 0 for none)",
    "package": "say where its archive is, such as package: /root/mlnx-en-debian12.5-x86_64.tgz",
    "sha256": 'say what `sha256sum FILE` prints for the archive: sha256: "64 hexadecimal digits"',
}

_EXAMPLES: dict[tuple[str, ...], str] = {
    (): "version: 1 in the first line, then nics: and bridges:",
    ("nics",): 'nics: {cx6: {match: {mac: "08:c0:eb:32:98:11"}, vfs: 2}}',
    ("nics", "*"): 'cx6: {match: {mac: "08:c0:eb:32:98:11"}, vfs: 2}',
    ("nics", "*", "match"): 'match: {mac: "08:c0:eb:32:98:11"}',
    ("nics", "*", "vfs", "*"): "- {mac: auto, vlan: 20}",
    ("bridges",): "bridges: {vmbr2: {ports: [cx6]}}",
    ("bridges", "*"): "vmbr2: {ports: [cx6]}",
    ("ovs",): "ovs: {hw_offload: true}",
    ("driver",): 'driver: {package: /root/FILE.tgz, sha256: "64 hexadecimal digits"}',
}


@dataclass(frozen=True, slots=True)
class Sound:
    """The part of a spec that has no mistakes of its own.

    `broken_nics` and `broken_bridges` are names that the file has, but `spec` has not; `top` is
    True if more may be missing (a misspelled or malformed section).
    """

    spec: Spec
    broken_nics: frozenset[str] = frozenset()
    broken_bridges: frozenset[str] = frozenset()
    top: bool = False


def validate(tree: SpecTree) -> tuple[Sound | None, list[Problem]]:
    """The sound part of a spec (None if there is nothing to check) and the problems of the rest."""
    data = tree.root.plain()
    try:
        return Sound(Spec.model_validate(data)), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    problems = [_problem(tree, dict(details)) for details in errors[:_MOST]]
    wrong_version = [p for p, e in zip(problems, errors, strict=False) if e["loc"] == ("version",)]
    if wrong_version:  # another version has other keys: nothing else can be said
        return None, wrong_version
    if not isinstance(data, dict):
        return None, problems
    return _sound_part(data, [tuple(details["loc"]) for details in errors]), problems


def _sound_part(data: dict[str, Any], places: list[Path]) -> Sound | None:
    broken: dict[str, set[str]] = {"nics": set(), "bridges": set()}
    rest: dict[str, Any] = {key: data[key] for key in Spec.model_fields if key in data}
    rest["version"] = SPEC_VERSION
    top = False
    for place in places:
        section = str(place[0]) if place else ""
        if section in broken and len(place) > 1:
            broken[section].add(str(place[1]))
        elif section != "version":
            rest.pop(section, None)
            top = True
    for section, names in broken.items():
        if section in rest:
            rest[section] = {k: v for k, v in data[section].items() if k not in names}
    try:
        spec = Spec.model_validate(rest)
    except ValidationError:
        return None
    return Sound(spec, frozenset(broken["nics"]), frozenset(broken["bridges"]), top)


def _problem(tree: SpecTree, details: dict[str, Any]) -> Problem:
    path: Path = tuple(details["loc"])
    kind = str(details["type"])
    if kind == "extra_forbidden":
        return _unknown_key(tree, path)
    if kind == "missing":
        name = str(path[-1])
        hint = _MISSING.get(name, "add it")
        return tree.problem(path[:-1], f"the key {name} is missing", hint, key=len(path) > 1)
    at_key = path[-1:] == ("[key]",)
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, BadValue):
        return tree.problem(path, cause.message, cause.hint, key=at_key)
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        message = f"expected keys with values, found {found(tree.node(path).plain())}"
        hint = f"such as {_EXAMPLES.get(_shape(path), _EXAMPLES[()])}"
        return tree.problem(path, message, hint)
    return tree.problem(path, str(details["msg"]), "see `eswitch schema`", key=at_key)


def _shape(path: Path) -> tuple[str, ...]:
    """A path with names and indexes as `*`, without pydantic's own steps."""
    steps = (*path[:3], *(step for step in path[3:] if step not in (LIST, COUNT)))
    named = path[:1] in (("nics",), ("bridges",))
    return tuple(
        "*" if isinstance(step, int) or (named and place == 1) else step
        for place, step in enumerate(steps)
    )


def _unknown_key(tree: SpecTree, path: Path) -> Problem:
    key = str(path[-1])
    section = _SECTIONS.get(_shape(path[:-1]), Spec)
    known = list(section.model_fields)
    hint = f"known here: {', '.join(known)}"
    if guess := nearest(key, known):
        hint = f"did you mean {guess}? {hint[0].upper()}{hint[1:]}"
    elif key in _ELSEWHERE:
        hint = _ELSEWHERE[key]
    elif owners := [place for owner, place in _PLACES.items() if key in owner.model_fields]:
        hint = f"{key} belongs {' or '.join(owners)}; {hint}"
    message = f"unknown key {quoted(key)}"
    return tree.problem(path, message, hint, key=True)
