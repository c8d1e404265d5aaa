"""The JSON schema of a spec, for editors and other programs.

It says what one section or value may be; what takes two values to see (a MAC given twice, a port
of no NIC) is `eswitch validate`'s.
"""

from __future__ import annotations

import ast
import inspect
from typing import Any

from eswitch.model.desired import SPEC_VERSION

from . import models
from .models import Spec

EXAMPLES: tuple[dict[str, Any], ...] = (
    {
        "version": 1,
        "nics": {"cx6": {"match": {"mac": "08:c0:eb:32:98:11"}, "vfs": 2}},
        "bridges": {
            "vmbr2": {
                "ports": ["cx6"],
                "address": "192.168.1.101/24",
                "gateway": "192.168.1.1",
            }
        },
    },
    {
        "version": 1,
        "nics": {
            "cx6": {
                "match": {"pci": "0000:07:00.0"},
                "vfs": [
                    {"mac": "ba:dd:ad:de:ad:30", "driver": "host"},
                    {"mac": "ba:dd:ad:de:ad:31", "vlan": 20},
                ],
            }
        },
        "bridges": {"vmbr2": {"ports": ["cx6/uplink", "cx6/0", "cx6/1"]}},
        "ovs": {"hw_offload": True, "tc_policy": "none", "max_idle": 30000},
    },
    {
        "version": 1,
        "nics": {"cx6": {"match": {"pci": "0000:07:00.0"}, "vfs": 4, "firmware_reset": True}},
        "bridges": {"vmbr2": {"ports": ["cx6"]}},
        "driver": {
            "package": "/root/mlnx-en-24.10-0.7.0.0-debian12.5-x86_64.tgz",
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        },
        "passthrough": True,
    },
)


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of a spec once its YAML was read."""
    made = Spec.model_json_schema(mode="validation")
    sections = {"Spec": made, **made.get("$defs", {})}
    for section, texts in _descriptions().items():
        for field, text in texts.items():
            sections[section]["properties"][field]["description"] = text
    for section in sections.values():
        _tidy(section)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:eswitch:spec:{SPEC_VERSION}",
        "title": f"eswitch spec, version {SPEC_VERSION}",
        **made,
        "examples": list(EXAMPLES),
    }


def _descriptions() -> dict[str, dict[str, str]]:
    """The texts under the fields of each section in `models.py`.

    pydantic can do this itself, but at each import, which costs all other verbs 15 ms.
    """
    texts: dict[str, dict[str, str]] = {}
    for section in ast.parse(inspect.getsource(models)).body:
        if not isinstance(section, ast.ClassDef):
            continue
        found = texts.setdefault(section.name, {})
        for field, below in zip(section.body, section.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                found[field.target.id] = " ".join(str(below.value.value).split())
    return texts


def _tidy(section: dict[str, Any]) -> None:
    """Remove what pydantic adds and a reader does not need; close mappings to other names."""
    section.pop("title", None)
    for field in section.get("properties", {}).values():
        field.pop("title", None)
        if field.get("default", ...) is None:  # "as it is" cannot be written
            del field["default"]
            kinds = [kind for kind in field.pop("anyOf", []) if kind != {"type": "null"}]
            field.update({"anyOf": kinds} if len(kinds) > 1 else dict(*kinds))
        for pattern, entry in field.pop("patternProperties", {}).items():
            field["additionalProperties"] = entry
            field["propertyNames"] = {**field.get("propertyNames", {}), "pattern": pattern}
