"""Single values: every one is taken or explained, and the taken ones mean what was written."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_interface
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eswitch.model.desired import VfDriver
from eswitch.model.identifiers import ZERO_MAC, is_multicast
from eswitch.spec import addresses, values
from eswitch.spec.values import BadValue, PortRef

PARSERS: list[Callable[[object], Any]] = [
    values.parse_version,
    values.parse_mac,
    values.parse_vf_mac,
    values.parse_pci,
    values.parse_interface_name,
    values.parse_nic_name,
    values.parse_bridge_name,
    values.parse_port,
    values.parse_vf_count,
    values.parse_vlan,
    values.parse_max_idle,
    values.parse_flag,
    addresses.parse_address,
    addresses.parse_gateway,
    values.choice_of(VfDriver, "a driver"),
]
ADDRESSES = st.builds(
    lambda address, slash, prefix: f"{address}{slash}{prefix}",
    st.ip_addresses(),
    st.sampled_from(["/", "/0", "/-", "%1/", "//"]),
    st.integers(0, 130),
)
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | ADDRESSES
    | st.ip_addresses().map(str)
    | st.from_regex(r"[-+]?0?[xob]?[0-9a-f_]{1,30}", fullmatch=True)
    | st.from_regex(values.PORT_PATTERN)
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2)
)


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
def test_every_value_is_taken_or_explained(parse: Callable[[object], Any]) -> None:
    @given(ANYTHING)
    @settings(max_examples=80, deadline=None)
    @example("٣")  # decimal for Unicode, not for us
    @example("²")
    @example("0_")
    @example("+-0")
    def check(value: object) -> None:
        try:
            parse(value)
        except BadValue as error:
            told = (error.message, error.hint)
        else:
            return
        assert all(told)

    check()


@given(ADDRESSES)
@settings(max_examples=100, deadline=None)
@example("0.0.0.0/32")
@example("255.255.255.255/32")
@example("10.0.0.1/32")
@example("::/128")
@example("::ffff:10.0.0.1/96")
def test_an_address_that_is_taken_is_a_host_address(text: str) -> None:
    try:
        address = addresses.parse_address(text)
    except BadValue:
        return
    assert address == ip_interface(text)
    assert not address.is_multicast
    assert not address.is_unspecified
    if address.version == 4 and address.network.prefixlen < 31:
        assert address.ip not in (address.network[0], address.network[-1])


@given(st.binary(min_size=6, max_size=6), st.sampled_from([":", "-"]), st.booleans())
def test_a_mac_is_unicast_in_any_spelling(octets: bytes, separator: str, upper: bool) -> None:
    text = octets.hex(separator)
    mac = octets.hex(":")
    if octets[0] & 1 or not any(octets):
        with pytest.raises(BadValue):
            values.parse_mac(text)
        return
    assert values.parse_mac(text.upper() if upper else text) == mac
    assert not is_multicast(values.parse_mac(text))
    assert mac != ZERO_MAC


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("cx6", PortRef("cx6")),
        ("cx6/uplink", PortRef("cx6", uplink=True)),
        ("cx6/0", PortRef("cx6", vf=0)),
        ("0/127", PortRef("0", vf=127)),
    ],
)
def test_a_port_is_written_as_it_is_read(text: str, port: PortRef) -> None:
    assert values.parse_port(text) == port
    assert str(port) == text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("0x10", "write 16"),
        ("0o20", "write 16"),
        ("0b11", "write 3"),
        ("020", "write 20 (or 16 if octal was meant)"),
        ("090", "write 90"),
        ("+5", "write 5"),
        ("1_000", "write 1000"),
        ("7", "write 7 without quotes"),
    ],
)
def test_numbers_that_others_read_differently_are_explained(text: str, hint: str) -> None:
    with pytest.raises(BadValue) as caught:
        values.parse_vlan(text)
    assert caught.value.hint.endswith(hint)
