"""Answers for machines."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

from eswitch.errors import EswitchError
from eswitch.model.plain import Plain, to_plain

if TYPE_CHECKING:
    from ruamel.yaml.nodes import ScalarNode

ERROR = "eswitch.error/v1"

# YAML 1.1 readers, and PyYAML is one, take 12:34:56 for a number in base 60 and `on` for true.
_AMBIGUOUS = re.compile(r"[-+0-9:._]+|y|n|on|off|yes|no", re.IGNORECASE)


def written(document: dict[str, Plain], form: str) -> str:
    """The document as `json` or `yaml`, with its last newline."""
    if form == "json":
        return json.dumps(document, indent=2) + "\n"
    return _yaml(document)


def _yaml(document: dict[str, Plain]) -> str:
    from ruamel.yaml import YAML  # noqa: PLC0415 (60 ms that only this format pays)
    from ruamel.yaml.representer import SafeRepresenter  # noqa: PLC0415

    class Representer(SafeRepresenter):
        """Quotes what another reader could take for something else than text."""

    def text(representer: SafeRepresenter, data: str) -> ScalarNode:
        style = '"' if _AMBIGUOUS.fullmatch(data) else None
        return representer.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Representer.add_representer(str, text)
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def refusal(error: EswitchError) -> dict[str, Plain]:
    """The answer of a verb that came to none; `problems` are those of a wrong spec."""
    problems = to_plain(getattr(error, "problems", ()))
    return {"schema": ERROR, "error": failure(error), "problems": problems}


def failure(error: EswitchError) -> Plain:
    """An error as part of a document."""
    return {
        "kind": type(error).__name__,
        "message": error.message,
        "where": error.where,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }
