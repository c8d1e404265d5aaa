"""What a single value of a machine file may be: checks for its types, each raises Unfit."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from ipaddress import ip_interface
from typing import Annotated

from eswitch.model.identifiers import ZERO_MAC, is_multicast, parse_mac_address, parse_pci_address
from eswitch.model.typed import Unfit, short

from .links import NAME_LIMIT

VIEWS = ("/sys", "/proc", "/dev")
"""What is no file but a view of the machine."""

Check = Callable[[str], None]


def one_of(known: Collection[str]) -> Check:
    """A check for one of these words."""

    def check(value: str) -> None:
        if value not in known:
            listed = ", ".join(each or '""' for each in known)
            raise Unfit(f"{short(value)} is not known", hint=f"there are {listed}")

    return check


def of_form(pattern: str, example: str) -> Check:
    """A check for a text that matches as a whole."""
    compiled = re.compile(pattern)

    def check(value: str) -> None:
        if not compiled.fullmatch(value):
            raise Unfit(f"{short(value)} is not of the form {example}")

    return check


def if_given(check: Check) -> Check:
    """The same check where an empty text stands for nothing."""
    return lambda value: check(value) if value else None


def _pci(text: str) -> None:
    try:
        full = parse_pci_address(text)
    except ValueError as wrong:
        raise Unfit(str(wrong)) from None
    if full != text:
        raise Unfit(f"{short(text)} is not the full PCI address", hint=f"write {full}")


def _mac(text: str) -> None:
    try:
        mac = parse_mac_address(text)
    except ValueError as wrong:
        raise Unfit(str(wrong)) from None
    if mac != text:
        raise Unfit(f"{short(text)} is not how the kernel writes it", hint=f"write {mac}")
    if is_multicast(mac) or mac == ZERO_MAC:
        why = f"{mac} is not the address of one interface"
        raise Unfit(why, hint="such as 02:00:00:00:00:01")


def _name(name: str) -> None:
    plain = name.isascii() and name.isprintable() and not set(name) & set("/: ")
    if not plain or not 0 < len(name) <= NAME_LIMIT or name in (".", ".."):
        hint = f"at most {NAME_LIMIT} characters, no blank, slash or colon"
        raise Unfit(f"{short(name)} is no interface's name", hint=hint)


def _address(text: str) -> None:
    try:
        ip_interface(text)
    except ValueError:
        raise Unfit(f"{short(text)} is no IP address", hint="such as 192.168.1.10/24") from None
    if "/" not in text:
        raise Unfit(f"{short(text)} has no prefix length", hint=f"such as {text}/24")


def _line(text: str) -> None:
    if not text.isprintable():
        raise Unfit("a command line is one line of plain text")


def check_path(path: str) -> None:
    """Raises Unfit for a path that no file of a machine can have."""
    parts = path.split("/")
    if not path.startswith("/") or path.endswith("/") or {"", ".", ".."} & set(parts[1:]):
        raise Unfit(
            f"{short(path)} is no path of a file", hint="absolute and plain: /etc/default/grub"
        )
    if f"/{parts[1]}" in VIEWS:
        hint = "what the kernel lets one write there: eswitch twin run echo VALUE '>' FILE"
        raise Unfit(f"{path}: /{parts[1]} holds no files, the kernel makes it", hint=hint)


_ID = r"[0-9a-f]{4}:[0-9a-f]{4}"
_WORD = r"[A-Za-z0-9_.+-]+"

Pci = Annotated[str, _pci]
Upstream = Annotated[str, if_given(_pci)]
PciClass = Annotated[str, of_form(r"[0-9a-f]{6}", "020000")]
Mac = Annotated[str, _mac]
GivenMac = Annotated[str, if_given(_mac)]
NicId = Annotated[str, of_form(_ID, "15b3:101d")]
VfId = Annotated[str, if_given(of_form(_ID, "15b3:101e"))]
DeviceId = Annotated[str, of_form(_ID, "8086:1521")]
SwitchId = Annotated[str, if_given(of_form(r"(?:[0-9a-f]{2})+", "1198320003ebc008"))]
DriverName = Annotated[str, if_given(of_form(_WORD, "igb"))]
Virtio = Annotated[str, of_form(_WORD, "virtio0")]
Release = Annotated[str, of_form(_WORD, "6.14.8-2-pve")]
Version = Annotated[str, if_given(of_form(r"\d+\.\d+\.\d+", "3.5.0"))]
CommandLine = Annotated[str, _line]
GivenName = Annotated[str, if_given(_name)]
Name = Annotated[str, _name]
Address = Annotated[str, _address]
GuestName = Annotated[str, of_form(r"[a-z]+/[A-Za-z0-9_-]{1,11}", "vm/101")]
FilePath = Annotated[str, check_path]
