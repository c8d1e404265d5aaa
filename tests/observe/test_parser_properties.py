"""Whatever the tools print, parsers end in a value or in a HostError; nothing else."""

import json
import string
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eswitch.errors import HostError
from eswitch.model.identifiers import PciAddress
from eswitch.observe.devlink import parse_devlink, parse_refusals
from eswitch.observe.driver_build import parse_test_key
from eswitch.observe.guests import guest_of
from eswitch.observe.iommu import parse_vendor
from eswitch.observe.kernel import OPTIONS, parse_options
from eswitch.observe.links import parse_network
from eswitch.observe.loader import (
    Evidence,
    decide,
    parse_entry,
    parse_grub_config,
    parse_status,
    parse_systemd_version,
)
from eswitch.observe.modules import parse_file
from eswitch.observe.offload import Feature, parse_features
from eswitch.observe.ovs import parse_ovs
from eswitch.observe.records import documents
from eswitch.observe.session import parse_connection, parse_stat, parse_tcp_table

_KEYS = """
ifname ifindex address flags link linkinfo info_kind parentbus parentdev vfinfo_list vf rate vlan
vlan_list addr_info local prefixlen scope nexthops gateway dev via host type table metric pref port
netdev flavour vfnum external function hw_addr mode pci/0000:07:00.0 pci/0000:07:00.0/1 data
headings _uuid name ports tag trunks
"""
_WORDS = "pci 0000:07:00.0 UP eth0 08:c0:eb:32:98:11 set map uuid global unicast main pcivf"
KEYS = st.sampled_from(_KEYS.split())
WORDS = st.sampled_from(_WORDS.split())
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=8,
)
ENTRY = st.dictionaries(KEYS, JSON, max_size=5)
TABLE = st.fixed_dictionaries(
    {
        "headings": st.lists(KEYS, max_size=6),
        "data": st.lists(st.lists(JSON, max_size=6), max_size=4),
    }
)
DOCUMENT = JSON | st.lists(ENTRY, max_size=4) | TABLE
PRINTED = st.lists(DOCUMENT, max_size=4).map(lambda found: "\n".join(map(json.dumps, found)))
DEVICES = (PciAddress("0000:07:00.0"), PciAddress("0000:07:00.1"))

OF_JSON = [
    parse_network,
    parse_ovs,
    lambda printed: parse_devlink(DEVICES, printed, ""),
]
OF_TEXT = [
    *OF_JSON,
    parse_features,
    parse_refusals,
    parse_connection,
    lambda printed: parse_devlink(DEVICES, "", printed),
    lambda printed: parse_options(printed, OPTIONS),
    lambda printed: parse_tcp_table(printed, 8006),
    parse_status,
    parse_systemd_version,
    parse_grub_config,
    parse_entry,
    parse_vendor,
    parse_file,
    parse_test_key,
    lambda printed: guest_of("812", printed),
    lambda printed: decide(Evidence(printed, printed, status=parse_status(printed))),
]


def ends_well(parse: Callable[[str], object], printed: str) -> None:
    """A value, the same each time, or HostError."""
    try:
        first = parse(printed)
    except HostError:
        return
    assert parse(printed) == first


@pytest.mark.parametrize("parse", OF_JSON)
@settings(max_examples=60)
@given(printed=PRINTED)
def test_arbitrary_json(parse: Callable[[str], object], printed: str) -> None:
    ends_well(parse, printed)


@pytest.mark.parametrize("parse", OF_TEXT)
@given(printed=st.text())
def test_arbitrary_text(parse: Callable[[str], object], printed: str) -> None:
    ends_well(parse, printed)


@given(st.text())
def test_stat_is_parsed_or_refused(line: str) -> None:
    try:
        name, parent = parse_stat(line)
    except ValueError:
        return
    assert f"({name})" in line
    assert str(parent) in line or line.split()  # int() also takes digits of other scripts


@given(st.lists(JSON, max_size=4), st.sampled_from(["", " ", "\n", ",", ",\n"]))
def test_documents_come_back_in_order(found: list[object], between: str) -> None:
    if between == "":
        between = " "
    printed = between.join(json.dumps(item) for item in found)
    assert repr(documents(printed, "devlink")) == repr(tuple(found))


@given(st.text(alphabet=string.printable, min_size=1).filter(lambda text: text.strip(" \t\r\n,")))
def test_no_text_is_silently_nothing(printed: str) -> None:
    try:
        found = documents(printed, "ip")
    except HostError:
        return
    assert found != ()


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    with pytest.raises(HostError):
        documents("[" * 200_000, "ip")


@given(st.dictionaries(st.sampled_from(sorted(OPTIONS)), st.sampled_from("ymn")))
def test_options_that_are_not_named_are_off(chosen: dict[str, str]) -> None:
    lines = [
        f"CONFIG_{name}={value}" if value != "n" else f"# CONFIG_{name} is not set"
        for name, value in chosen.items()
    ]
    found = parse_options("\n".join([*lines, "CONFIG_NET_SWITCHDEV_NOT=y"]), OPTIONS)
    assert found == {name: chosen.get(name, "n") for name in OPTIONS}


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[a-z0-9._-]{1,15}", fullmatch=True), st.booleans(), st.booleans()
        ),
        unique_by=lambda item: item[0],
    )
)
def test_features_by_interface(interfaces: list[tuple[str, bool, bool]]) -> None:
    printed = ""
    for name, on, fixed in interfaces:
        state = ("on" if on else "off") + (" [fixed]" if fixed else "")
        printed += f"\nFeatures for {name}:\nrx-checksumming: on\n\ttx-checksum-ipv4: off [fixed]\n"
        printed += f"esp-tx-csum-hw-offload: off\nhw-tc-offload: {state}\nrx-udp-gro: off\n"
    assert parse_features(printed) == {
        name: Feature(on, fixed=fixed) for name, on, fixed in interfaces
    }
