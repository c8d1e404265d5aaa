"""The JSON schema agrees with what `load` takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from spec.spec_cases import CASES, cases

from eswitch.spec import load
from eswitch.spec.schema import EXAMPLES, schema
from eswitch.spec.text import decode
from eswitch.spec.tree import parse

# Bad specs whose mistake is within one value or section: the schema must see them too.
_ONE_VALUE = [
    "unknown-nic-key",
    "unknown-match-key",
    "unknown-vf-key",
    "unknown-bridge-key",
    "unknown-ovs-key",
    "guests",
    "version-2",
    "version-text",
    "match-empty",
    "match-missing",
    "vfs-missing",
    "vfs-257",
    "vfs-negative",
    "vfs-true",
    "vfs-quoted",
    "vfs-list-of-257",
    "mac-short",
    "mac-number",
    "vlan-0",
    "vlan-4095",
    "vlan-leading-zero",
    "driver-vfio",
    "mode-word",
    "bridge-name-too-long",
    "nic-names",
    "bridge-names",
    "port-syntax",
    "address-without-prefix",
    "address-netmask",
    "ovs-on",
    "ovs-values",
    "ovs-max-idle-low",
    "section-without-value",
    "not-a-mapping",
    "driver-without-sha256",
    "driver-without-value",
    "driver-package-values",
    "driver-sha256-short",
    "driver-unknown-key",
    "driver-is-a-word",
    "firmware-reset-text",
    "passthrough-maybe",
    "passthrough-without-value",
]


def _plain(path: Path) -> Any:
    return parse(decode(path.read_bytes(), path.name))[0].root.plain()


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(json.loads(json.dumps(made)))


@pytest.mark.parametrize("case", cases("good"), ids=lambda path: path.stem)
def test_good_specs_fit(validator: Any, case: Path) -> None:
    validator.validate(_plain(case))


@pytest.mark.parametrize("name", _ONE_VALUE)
def test_bad_values_do_not_fit(validator: Any, name: str) -> None:
    assert not validator.is_valid(_plain(CASES / "bad" / f"{name}.yaml"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_fit_and_load(validator: Any, example: dict[str, Any]) -> None:
    validator.validate(example)
    assert load(json.dumps(example).encode(), "example").bridges


def test_every_key_is_described() -> None:
    made = schema()
    assert made["$id"] == "urn:eswitch:spec:1"
    sections = [made, *made["$defs"].values()]
    assert len(sections) == 7
    for section in sections:
        assert section["additionalProperties"] is False
        for key, entry in section["properties"].items():
            assert entry.get("description"), key
