"""Ethernet frames: build, send, catch and check them.

A small stand-in for a packet library, as the guest has only the standard library. Checksums are
computed here on their own, so that those of the module are judged and not repeated.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from namespace import in_netns

ETH_P_ALL = 0x0003
ETH_P_IP, ETH_P_ARP, ETH_P_IPV6, ETH_P_8021Q = 0x0800, 0x0806, 0x86DD, 0x8100
ICMP, TCP, UDP, ICMPV6, FRAGMENT = 1, 6, 17, 58, 44
SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_VLAN_VALID, TP_STATUS_CSUMNOTREADY = 1 << 4, 1 << 3
PACKET_OUTGOING = 4
TCP_SYN, TCP_ACK = 0x02, 0x10


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def internet_sum(data: bytes) -> int:
    """RFC 1071 sum of 16-bit words, not complemented."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def pseudo_header(src: str, dst: str, proto: int, length: int) -> bytes:
    a, b = ip_address(src).packed, ip_address(dst).packed
    if len(a) == 4:
        return a + b + struct.pack("!BBH", 0, proto, length)
    return a + b + struct.pack("!II", length, proto)


@dataclass(frozen=True)
class Frame:
    """A frame by its fields. `frag` is None, "first" or "later"."""

    src: str
    dst: str
    eth_type: int = ETH_P_IP
    vlan: int | None = None
    prio: int = 0
    ip_src: str = "10.0.0.1"
    ip_dst: str = "10.0.0.2"
    proto: int = UDP
    tos: int = 0
    ttl: int = 64
    frag: str | None = None
    sport: int = 1000
    dport: int = 2000
    tcp_flags: int = TCP_ACK
    icmp_type: int = 8
    icmp_code: int = 0
    payload: bytes = field(default=b"eswitchsim test payload!")

    def but(self, **changes: object) -> Frame:
        """The same frame with other fields."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def transport(self) -> bytes:
        if self.frag == "later":
            return self.payload
        if self.proto == UDP:
            head = struct.pack("!HHHH", self.sport, self.dport, 8 + len(self.payload), 0)
            at = 6
        elif self.proto == TCP:
            head = struct.pack(
                "!HHIIBBHHH", self.sport, self.dport, 1, 2, 5 << 4, self.tcp_flags, 512, 0, 0
            )
            at = 16
        else:
            head = struct.pack("!BBHI", self.icmp_type, self.icmp_code, 0, 0x00010001)
            at = 2
        body = head + self.payload
        pseudo = (
            b""
            if self.proto == ICMP
            else pseudo_header(self.ip_src, self.ip_dst, self.proto, len(body))
        )
        check = ~internet_sum(pseudo + body) & 0xFFFF
        return body[:at] + struct.pack("!H", check) + body[at + 2 :]

    def _ipv4(self) -> bytes:
        body = self.transport()
        flags = {"first": 0x2000, "later": 0x0010}.get(self.frag or "", 0)
        head = struct.pack(
            "!BBHHHBBH4s4s",
            0x45,
            self.tos,
            20 + len(body),
            7,
            flags,
            self.ttl,
            self.proto,
            0,
            ip_address(self.ip_src).packed,
            ip_address(self.ip_dst).packed,
        )
        return head[:10] + struct.pack("!H", ~internet_sum(head) & 0xFFFF) + head[12:] + body

    def _ipv6(self) -> bytes:
        body, proto = self.transport(), self.proto
        if self.frag:
            offset = 0x0001 if self.frag == "first" else 0x0010
            body = struct.pack("!BBHI", proto, 0, offset, 7) + body
            proto = FRAGMENT
        return struct.pack("!IHBB", 6 << 28 | self.tos << 20, len(body), proto, self.ttl) + (
            ip_address(self.ip_src).packed + ip_address(self.ip_dst).packed + body
        )

    def pack(self) -> bytes:
        """The frame as bytes, all checksums right."""
        head = mac_bytes(self.dst) + mac_bytes(self.src)
        if self.vlan is not None:
            head += struct.pack("!HH", ETH_P_8021Q, self.prio << 13 | self.vlan)
        head += struct.pack("!H", self.eth_type)
        if self.eth_type == ETH_P_IP:
            return head + self._ipv4()
        if self.eth_type == ETH_P_IPV6:
            return head + self._ipv6()
        return head + self.payload


def checksums_are_right(data: bytes) -> bool:
    """Are IPv4 header and TCP, UDP or ICMPv6 checksum of a frame right? One VLAN tag at most."""
    offset = 18 if data[12:14] == b"\x81\x00" else 14
    ip = data[offset:]
    if ip[0] >> 4 == 4:
        if internet_sum(ip[:20]) != 0xFFFF:
            return False
        proto, a, b, body = ip[9], ip[12:16], ip[16:20], ip[20 : struct.unpack("!H", ip[2:4])[0]]
    else:
        proto, a, b = ip[6], ip[8:24], ip[24:40]
        body = ip[40 : 40 + struct.unpack("!H", ip[4:6])[0]]
    if proto == ICMP:
        return internet_sum(body) == 0xFFFF
    src, dst = str(ip_address(a)), str(ip_address(b))
    return internet_sum(pseudo_header(src, dst, proto, len(body)) + body) == 0xFFFF


@dataclass(frozen=True)
class Caught:
    """A frame as received, VLAN tag put back in. `partial`: its checksum is still to be done."""

    data: bytes
    partial: bool


class Tap:
    """A packet socket on a netdev: sends frames, and catches those that the netdev receives."""

    def __init__(self, netdev: str, netns: str | None = None) -> None:
        with in_netns(netns) if netns else contextlib.nullcontext():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            self._socket.bind((netdev, ETH_P_ALL))

    def close(self) -> None:
        self._socket.close()

    def send(self, frame: Frame | bytes) -> None:
        self._socket.send(frame if isinstance(frame, bytes) else frame.pack())

    def _receive(self) -> Caught | None:
        data, control, _, address = self._socket.recvmsg(65536, socket.CMSG_SPACE(20))
        if address[2] == PACKET_OUTGOING:
            return None
        status, tci, tpid = 0, 0, 0
        for level, kind, value in control:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", value[:20])
        if status & TP_STATUS_VLAN_VALID:
            data = data[:12] + struct.pack("!HH", tpid or ETH_P_8021Q, tci) + data[12:]
        return Caught(data, bool(status & TP_STATUS_CSUMNOTREADY))

    def catch(self, marker: bytes, deadline: float = 30.0) -> Caught:
        """The next received frame that contains `marker`; AssertionError if none comes."""
        end = time.monotonic() + deadline
        while (left := end - time.monotonic()) > 0:
            if not select.select([self._socket], [], [], left)[0]:
                break
            caught = self._receive()
            if caught and marker in caught.data:
                return caught
        raise AssertionError(f"no frame with {marker!r} within {deadline:.0f} s")

    def pending(self, marker: bytes) -> list[bytes]:
        """Frames with `marker` received so far, without waiting."""
        found = []
        while select.select([self._socket], [], [], 0)[0]:
            caught = self._receive()
            if caught and marker in caught.data:
                found.append(caught.data)
        return found


@contextlib.contextmanager
def tap(netdev: str, netns: str | None = None) -> Iterator[Tap]:
    """A Tap that closes itself."""
    opened = Tap(netdev, netns)
    try:
        yield opened
    finally:
        opened.close()
