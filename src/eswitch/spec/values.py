"""The single values of a spec: from what YAML gave to what the model holds.

Each function takes any plain YAML value, because what a user meant shows best in what was written,
and raises BadValue with a sentence and a way out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from eswitch.model.desired import SPEC_VERSION, MacPolicy
from eswitch.model.identifiers import (
    OVS_DATAPATH,
    ZERO_MAC,
    MacAddress,
    PciAddress,
    is_multicast,
    parse_mac_address,
    parse_pci_address,
)

from .problems import quoted

MAX_VFS = 256
"""VFs of one PF. PCI allows 65,535 (sriov_totalvfs has 16 bits); no NIC has more than 256."""
MAX_VLAN = 4094
"""IEEE 802.1Q: 0 is "no VLAN", 4095 is reserved."""
MIN_MAX_IDLE = 500
"""Milliseconds; ovs-vswitchd.conf.db(5), other_config:max-idle."""
MAX_MAX_IDLE = 2**31 - 1
INTERFACE_NAME_BYTES = 15
"""IFNAMSIZ without the final NUL (include/uapi/linux/if.h)."""
NIC_NAME_LENGTH = 32

NIC_NAME_PATTERN = r"[a-z0-9][a-z0-9_-]*"
BRIDGE_NAME_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
PORT_PATTERN = rf"({NIC_NAME_PATTERN})(?:/(uplink|0|[1-9][0-9]{{0,3}}))?"

# Names that the kernel (net.ipv4.conf.*, lo, bonding_masters) or Open vSwitch took first.
RESERVED_BRIDGE_NAMES = frozenset(
    {"all", "default", "lo", "bonding_masters", OVS_DATAPATH, "ovs-netdev", "local", "none"}
)

_NUMBER = re.compile(r"[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*)")
_SWITCH_WORDS = {"true": "true without quotes", "false": "false without quotes"}
_SWITCH_WORDS |= {"on": "true", "yes": "true", "y": "true"}
_SWITCH_WORDS |= {"off": "false", "no": "false", "n": "false"}

Choice = TypeVar("Choice", bound=StrEnum)


class BadValue(ValueError):
    """A value that cannot be meant, and what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class PortRef:
    """A port as written: all of a NIC (`uplink` and `vf` unset), its uplink, or one VF."""

    nic: str
    uplink: bool = False
    vf: int | None = None

    def __str__(self) -> str:
        if self.uplink:
            return f"{self.nic}/uplink"
        return self.nic if self.vf is None else f"{self.nic}/{self.vf}"


def found(value: object) -> str:
    """A YAML value in words, for "expected ..., found ..."."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {str(value)[:40]}"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    return "a mapping" if isinstance(value, dict) else "a list"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None."""
    matches = difflib.get_close_matches(word[:40].lower(), tuple(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def parse_version(value: object) -> int:
    """`version: 1`."""
    if value == SPEC_VERSION and isinstance(value, int) and not isinstance(value, bool):
        return SPEC_VERSION
    if isinstance(value, int) and not isinstance(value, bool):
        message = f"version {value} is not known; this eswitch reads version {SPEC_VERSION}"
        raise BadValue(message, f"write `version: {SPEC_VERSION}`, or install a newer eswitch")
    message = f"the version must be a number, found {found(value)}"
    raise BadValue(message, f"write `version: {SPEC_VERSION}`")


def parse_mac(value: object) -> MacAddress:
    """A unicast MAC address that is not zero."""
    example = 'write six octets in hex: "08:c0:eb:32:98:11"'
    if not isinstance(value, str):
        raise BadValue(f"expected a MAC address, found {found(value)}", example)
    try:
        mac = parse_mac_address(value)
    except ValueError:
        raise BadValue(f"{quoted(value)} is not a MAC address", example) from None
    if mac == ZERO_MAC:
        raise BadValue("a MAC address of zeros is nobody's", "write an address")
    if mac == "ff:ff:ff:ff:ff:ff":
        raise BadValue(f"{mac} is the broadcast address", "use a unicast address")
    if is_multicast(mac):
        first = int(mac[:2], 16) & 0xFE | 0x02
        hint = f"the first octet must be even; {first:02x}{mac[2:]} would be a unicast address"
        raise BadValue(f"{mac} is a multicast address", hint)
    return mac


def parse_vf_mac(value: object) -> tuple[MacPolicy, MacAddress | None]:
    """An address, or the name of a policy."""
    if isinstance(value, str):
        for policy in (MacPolicy.DERIVED, MacPolicy.UNMANAGED):
            if value == policy.value:
                return policy, None
    try:
        return MacPolicy.FIXED, parse_mac(value)
    except BadValue as error:
        hint = f"{error.hint}, or auto (stable, the default), or keep (as it is)"
        raise BadValue(error.message, hint) from None


def parse_pci(value: object) -> PciAddress:
    """A PCI address, `0000:07:00.0` or `07:00.0`."""
    hint = "write it as `lspci -D` does: 0000:07:00.0"
    if not isinstance(value, str):
        raise BadValue(f"expected a PCI address, found {found(value)}", hint)
    try:
        return parse_pci_address(value)
    except ValueError as error:
        raise BadValue(str(error).split(" (")[0], hint) from None


def parse_interface_name(value: object) -> str:
    """The name of a network interface, as the kernel allows it (dev_valid_name())."""
    hint = "write the name that `ip link` shows, such as enp7s0f0np0"
    if not isinstance(value, str):
        raise BadValue(f"expected an interface name, found {found(value)}", hint)
    size = len(value.encode("utf-8", "replace"))
    if not 0 < size <= INTERFACE_NAME_BYTES:
        message = f"{quoted(value)} has {size} bytes, an interface name has 1 to 15"
        raise BadValue(message, hint)
    if value in (".", "..") or any(char in "/:" or not _visible(char) for char in value):
        raise BadValue(f"{quoted(value)} is not an interface name", hint)
    return value


def _visible(char: str) -> bool:
    return char.isprintable() and not char.isspace()


def parse_nic_name(value: object) -> str:
    """The user's own name for a NIC, used in ports (`cx6/0`) and messages."""
    hint = "use lower case letters, digits, - and _, such as cx6"
    if not isinstance(value, str):
        raise BadValue(f"expected the name of a NIC, found {found(value)}", hint)
    if value == "uplink":
        message = "a NIC cannot be called uplink: ports use that word (cx6/uplink)"
        raise BadValue(message, "take another name, such as cx6")
    if len(value) > NIC_NAME_LENGTH:
        message = f"the name {quoted(value)} has more than {NIC_NAME_LENGTH} characters"
        raise BadValue(message, hint)
    if not re.fullmatch(NIC_NAME_PATTERN, value):
        raise BadValue(f"{quoted(value)} cannot be the name of a NIC in a spec", hint)
    return value


def parse_bridge_name(value: object) -> str:
    """An interface name that Open vSwitch and ifupdown2 take without quoting."""
    hint = "use at most 15 letters, digits, - and _, such as vmbr2"
    if not isinstance(value, str):
        raise BadValue(f"expected the name of a bridge, found {found(value)}", hint)
    if (size := len(value.encode("utf-8", "replace"))) > INTERFACE_NAME_BYTES:
        message = f"the bridge name {quoted(value)} has {size} bytes, the kernel allows 15"
        raise BadValue(message, hint)
    if value in RESERVED_BRIDGE_NAMES:
        message = f"{quoted(value)} is reserved by the kernel or by Open vSwitch"
        raise BadValue(message, "take another name, such as vmbr2")
    if not re.fullmatch(BRIDGE_NAME_PATTERN, value):
        raise BadValue(f"{quoted(value)} cannot be the name of a bridge", hint)
    return value


def parse_port(value: object) -> PortRef:
    """`cx6` (uplink and all VFs), `cx6/uplink` or `cx6/0`."""
    hint = "write cx6 (uplink and all VFs), cx6/uplink, or cx6/0 (a VF)"
    if not isinstance(value, str):
        raise BadValue(f"expected a port, found {found(value)}", hint)
    match = re.fullmatch(PORT_PATTERN, value)
    if not match:
        raise BadValue(f"{quoted(value)} is not a port", hint)
    nic, which = match.groups()
    if which is None or which == "uplink":
        return PortRef(nic, uplink=which is not None)
    return PortRef(nic, vf=int(which))


def parse_vf_count(value: object) -> int:
    """A number of VFs."""
    hint = "write how many VFs (vfs: 2), or a list with one entry for each"
    return _integer(value, "a number of VFs", 0, MAX_VFS, hint)


def parse_vlan(value: object) -> int:
    """A VLAN ID, 1 to 4094."""
    hint = f"write 1 to {MAX_VLAN}, or leave the key out for no VLAN"
    return _integer(value, "a VLAN", 1, MAX_VLAN, hint)


def parse_max_idle(value: object) -> int:
    """Open vSwitch's max-idle in milliseconds."""
    hint = f"write milliseconds, at least {MIN_MAX_IDLE}; Open vSwitch's own default is 10000"
    return _integer(value, "a time in milliseconds", MIN_MAX_IDLE, MAX_MAX_IDLE, hint)


def _integer(value: object, what: str, low: int, high: int, hint: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            hint = _decimal_hint(value) or hint
        raise BadValue(f"expected {what}, found {found(value)}", hint)
    if not low <= value <= high:
        raise BadValue(f"{value} is out of range for {what}: {low} to {high}", hint)
    return value


def _decimal_hint(text: str) -> str | None:
    """What was meant by a number that YAML versions read differently."""
    plain = text.replace("_", "").lstrip("+").lower()
    if len(plain) > 18:
        return None
    if plain.isdecimal() and not plain.startswith("0"):
        return f"write {plain}{' without quotes' if plain == text else ''}"
    if plain.isdecimal():
        octal = f" (or {int(plain, 8)} if octal was meant)" if set(plain) <= set("01234567") else ""
        return f"numbers are decimal and have no leading zero: write {int(plain)}{octal}"
    try:
        return f"numbers are decimal: write {int(plain, 0)}"
    except ValueError:
        return None


def parse_flag(value: object) -> bool:
    """`true` or `false`."""
    if isinstance(value, bool):
        return value
    meant = _SWITCH_WORDS.get(value.lower()) if isinstance(value, str) else None
    hint = f"write {meant}" if meant else "write true or false"
    raise BadValue(f"expected true or false, found {found(value)}", hint)


PACKAGE_PATTERN = r"^(/|https://[^/\s]+/)\S*[^\s/]$"


def parse_package(value: object) -> str:
    """A driver archive: an absolute path, or an https URL."""
    hint = "write an absolute path, such as /root/mlnx-en-24.10-x86_64.tgz, or an https URL"
    if not isinstance(value, str) or not value.strip():
        raise BadValue(f"expected the archive of a driver, found {found(value)}", hint)
    if value.startswith(("http://", "ftp://")):
        message = f"{quoted(value)} is not encrypted: no driver is fetched like that"
        raise BadValue(message, "write https://, or download it yourself and write its path")
    if not re.fullmatch(PACKAGE_PATTERN, value) or not value.isprintable():
        if any(char.isspace() for char in value):
            hint = "rename it without blanks: " + hint
        raise BadValue(f"{found(value)} is neither an absolute path nor an https URL", hint)
    return value


def parse_sha256(value: object) -> str:
    """A SHA-256 in hexadecimal digits, in lower case."""
    hint = "`sha256sum FILE` prints it: 64 hexadecimal digits; write it in quotes"
    if not isinstance(value, str) or not re.fullmatch("[0-9a-fA-F]{64}", value):
        size = f" with {len(value)} characters" if isinstance(value, str) else ""
        raise BadValue(f"expected a SHA-256, found {found(value)}{size}", hint)
    return value.lower()


def choice_of(choices: type[Choice], what: str, note: str = "") -> Callable[[object], Choice]:
    """A parser for one of the words of an enumeration; `note` is added to its hint."""
    words = [choice.value for choice in choices]

    def parse(value: object) -> Choice:
        if isinstance(value, str):
            if value in words:
                return choices(value)
            guess = nearest(value, words)
        else:
            guess = None
        hint = f"write one of: {', '.join(words)}{note}"
        if guess:
            hint = f"did you mean {guess}? Otherwise {hint}"
        raise BadValue(f"expected {what}, found {found(value)}", hint)

    return parse
