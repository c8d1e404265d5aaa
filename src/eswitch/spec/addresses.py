"""The IP addresses of a spec, read as `values.py` reads the rest."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_interface,
)

from .problems import quoted
from .values import BadValue, found

Address = IPv4Interface | IPv6Interface
Gateway = IPv4Address | IPv6Address


def parse_address(value: object) -> Address:
    """An interface's address with its prefix length, `192.168.1.101/24`."""
    hint = "write it with its prefix length, such as 192.168.1.101/24"
    if not isinstance(value, str):
        raise BadValue(f"expected an address, found {found(value)}", hint)
    host, slash, prefix = value.partition("/")
    try:
        address = ip_interface(value)
        if "%" in value:
            raise BadValue(f"{quoted(value)} has a zone", "leave out the % and what follows")
    except ValueError as error:
        if isinstance(error, BadValue):
            raise
        raise BadValue(f"{quoted(value)} is not an IP address", hint) from None
    if not slash:
        length = 24 if address.version == 4 else 64
        message = f"{quoted(value)} has no prefix length"
        raise BadValue(message, f"write {host}/{length} if the network is that large")
    if prefix != str(address.network.prefixlen):
        message = f"{quoted(value)} has no plain prefix length behind the /"
        raise BadValue(message, f"write {host}/{address.network.prefixlen}")
    _usable(address.ip, quoted(value))
    _host_address(address, quoted(value))
    return address


def _host_address(address: Address, shown: str) -> None:
    network = address.network
    if network.prefixlen == 0:
        raise BadValue(f"{shown} has a prefix length of 0", "write that of the bridge's network")
    if network.num_addresses <= 2:  # /31 and /32 have hosts only (RFC 3021)
        return
    example = f"write a host's address of the network, such as {network[1]}/{network.prefixlen}"
    if address.ip == network.network_address:
        kind = "network" if address.version == 4 else "routers' anycast"
        raise BadValue(f"{shown} is the {kind} address of {network}, not a host's", example)
    if address.version == 4 and address.ip == network.broadcast_address:
        raise BadValue(f"{shown} is the broadcast address of {network}, not a host's", example)


def parse_gateway(value: object) -> Gateway:
    """A router's address, without prefix length."""
    hint = "write an address without prefix length, such as 192.168.1.1"
    if not isinstance(value, str):
        raise BadValue(f"expected a gateway, found {found(value)}", hint)
    if "/" in value:
        raise BadValue(f"{quoted(value)} has a prefix length", hint)
    if "%" in value:
        raise BadValue(f"{quoted(value)} has a zone", "leave out the % and what follows")
    try:
        gateway = ip_address(value)
    except ValueError:
        raise BadValue(f"{quoted(value)} is not an IP address", hint) from None
    _usable(gateway, quoted(value))
    return gateway


def _usable(address: Gateway, shown: str) -> None:
    kinds = {
        "a multicast address": address.is_multicast,
        "the unspecified address": address.is_unspecified,
        "a loopback address": address.is_loopback,
        "the broadcast address": str(address) == "255.255.255.255",
    }
    for kind, holds in kinds.items():
        if holds:
            raise BadValue(f"{shown} is {kind}", "write an address of the bridge's network")
