"""A machine file as plain data, and the line of what is wrong in it."""

from __future__ import annotations

from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from eswitch.errors import SpecError
from eswitch.model.typed import Unfit

_HINT = "docs/twin.md has the smallest machine; `eswitch twin list` names those that are ready"


def read(text: str, name: str) -> Any:  # noqa: ANN401 (what YAML holds)
    """What the file says. Raises SpecError."""
    where = name
    try:
        return YAML(typ="safe", pure=True).load(StringIO(text))
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        where += f":{mark.line + 1}" if mark else ""
        said = str(wrong.problem or wrong.context)
    except (YAMLError, ValueError, TypeError, OverflowError) as wrong:  # a date that is none
        said = str(wrong)
    except RecursionError:
        said = "it is nested too deeply"
    raise SpecError(f"it is no YAML: {' '.join(said.split())}", where=where, hint=_HINT)


def mistake(wrong: Unfit, text: str, name: str) -> SpecError:
    """The error for what `build` or `check` found, with its line as far as the file has it."""
    path = ".".join(map(str, wrong.path))
    message = (
        f"it describes no machine: {path}: {wrong}" if path else f"it describes no machine: {wrong}"
    )
    return SpecError(message, where=f"{name}:{_line(wrong, text)}", hint=wrong.hint or _HINT)


def _line(wrong: Unfit, text: str) -> int:
    node: Any = YAML(typ="safe", pure=True).compose(StringIO(text))
    line = 1
    for key in wrong.path:
        found = _below(node, key)
        if found is None:
            break
        line, node = found
    return line


def _below(node: Any, key: str | int) -> tuple[int, Any] | None:  # noqa: ANN401 (ruamel's nodes)
    """The line of a key or an item, and the node there."""
    if node.id == "sequence" and isinstance(key, int):
        item = node.value[key]
        return item.start_mark.line + 1, item
    if node.id == "mapping":
        for name, value in node.value:
            if name.value == str(key):
                return name.start_mark.line + 1, value
    return None
