"""mstconfig's tables: whatever a version prints by its format strings is read back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from observe.mlxconfig_tables import LAYOUTS, Row, table

from eswitch.errors import HostError
from eswitch.model.firmware import FirmwareWay, Parameter, number
from eswitch.observe.firmware import parse_devlink_parameters, parse_lockdown
from eswitch.observe.mlxconfig import parse_json, parse_query

WAY = FirmwareWay.MSTCONFIG
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{1,33}(\[[0-9]{1,2}\])?", fullmatch=True).filter(
    lambda name: len(name) < 36 and name != "RO"
)
LONG_NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{35,44}[A-Z]", fullmatch=True)
WORDS = st.from_regex(r"[A-Z_][A-Z0-9_]{0,16}\([0-9]{1,2}\)", fullmatch=True)
# Exactly as wide as a column of 4.21.
FULL = st.from_regex(r"[A-Z][A-Z0-9_]{12}\([0-9]\)", fullmatch=True)
NUMBERS = st.integers(0, 2**32).map(str) | st.integers(0, 2**32).map(hex)
VALUES = WORDS | FULL | NUMBERS | st.sampled_from(["True(1)", "False(0)", "Array[0..7]", "N/A"])
TABLES = st.lists(
    st.builds(
        Row,
        NAMES,
        st.tuples(VALUES, VALUES, VALUES) | VALUES.map(lambda value: (value,) * 3),
        st.booleans(),
    ),
    unique_by=lambda row: row.name,
    min_size=1,
    max_size=6,
)
ABOUT = {"device": "ConnectX6DX", "name": "MCX623106AN-CDA_Ax", "about": "x", "bdf": "07:00.0"}


def expected(row: Row, *, marks: bool) -> Parameter:
    *before, upcoming = row.values
    default, current = before or (None, None)
    return Parameter(upcoming, current, default, row.read_only and marks)


@pytest.mark.parametrize("version", LAYOUTS)
@given(rows=TABLES)
def test_what_is_printed_is_read_back(version: str, rows: list[Row]) -> None:
    found = parse_query(table(version, rows, **ABOUT), WAY)
    assert found.device == "ConnectX6DX"
    # 4.21 knows no marks for what is read only.
    assert found.parameters == {row.name: expected(row, marks=version != "4.21") for row in rows}


@pytest.mark.parametrize("version", LAYOUTS)
@given(rows=TABLES)
def test_one_column_without_e(version: str, rows: list[Row]) -> None:
    short = [Row(row.name, row.values[-1:], row.read_only) for row in rows]
    found = parse_query(table(version, short, **ABOUT), WAY)
    assert found.parameters == {row.name: expected(row, marks=version != "4.21") for row in short}


@given(LONG_NAMES, VALUES)
def test_a_name_that_is_glued_to_a_value_that_comes_again(name: str, value: str) -> None:
    found = parse_query(table("4.21", [Row(name, (value,) * 3)], **ABOUT), WAY)
    assert found.parameters in ({name: Parameter(value, value, value)}, {})


@pytest.mark.parametrize("version", LAYOUTS)
@given(rows=TABLES)
def test_trailing_blanks_do_not_matter(version: str, rows: list[Row]) -> None:
    printed = table(version, rows, **ABOUT)
    stripped = "\n".join(line.rstrip() for line in printed.splitlines())
    assert parse_query(stripped, WAY) == parse_query(printed, WAY)


@given(
    st.text()
    | st.text(alphabet="* RO\nABC[0..1](1)8\t").map("Configurations: Next Boot\n{}".format)
)
def test_any_text_is_read_without_an_error(printed: str) -> None:
    assert parse_query(printed, WAY) == parse_query(printed, WAY)


@given(st.text())
def test_other_texts_end_well(printed: str) -> None:
    for parse in (
        lambda text: parse_json(text, WAY),
        lambda text: parse_devlink_parameters(text, "pci/0000:07:00.0"),
    ):
        try:
            first = parse(printed)
        except HostError:
            continue
        assert parse(printed) == first
    assert "[" not in parse_lockdown(printed).partition("[")[0]


def test_what_stays_unclear_is_left_out() -> None:
    header = "Configurations:    Default   Current   Next Boot\n"
    for row in (
        "         NUM_OF_VFS    8    8",  # one value is missing, and nobody knows which
        "         NUM_OF_VFS",
        "NUM_OF_VFS   8  8  8",  # not in the table
    ):
        assert parse_query(header + row, WAY).parameters == {}


def test_the_file_that_j_makes() -> None:
    content = json.dumps(
        {
            "Device #1": {
                "device_type": "ConnectX6DX",
                "device": "0000:07:00.0",
                "tlv_configuration": {
                    "SRIOV_EN": {
                        "read_only": False,
                        "modified": False,
                        "default_value": "True(1)",
                        "current_value": "True(1)",
                        "next_value": "True(1)",
                    },
                    "NUM_OF_VFS": {"default_value": 8, "current_value": 8, "next_value": 16},
                    "ONLY_READ": {"read_only": True, "next_value": 1},
                    "NOTHING": {},
                },
            }
        }
    )
    found = parse_json(content, WAY)
    assert found.device == "ConnectX6DX"
    assert found.parameters == {
        "SRIOV_EN": Parameter("True(1)", "True(1)", "True(1)"),
        "NUM_OF_VFS": Parameter("16", "8", "8"),
        "ONLY_READ": Parameter("1", read_only=True),
    }
    assert number(found.parameters["NUM_OF_VFS"].next) == 16
