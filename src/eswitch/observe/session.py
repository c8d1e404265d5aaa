"""Through which of this host's addresses the user came in.

`sudo` and `su -` drop SSH_CONNECTION, so the processes above this one are asked too: the shell that
sshd started still has it in its environment. In Proxmox VE's web console no process has it: there
the browser's connections to the API are the session.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from eswitch.errors import HostError
from eswitch.host import Host

_VARIABLE = "SSH_CONNECTION"
_WEB_CONSOLES = frozenset({"termproxy", "vncterm", "spiceterm"})
_API_PORT = 8006
_ESTABLISHED = "01"
_DEEPEST = 64
_LARGEST = 1 << 20


def read_session(host: Host) -> tuple[str, ...]:
    """Local addresses, sorted; empty for a user at the console, or where nothing is known."""
    address = parse_connection(host.environment(_VARIABLE) or "")
    if address:
        return (address,)
    pid = "self"
    for _ in range(_DEEPEST):
        try:
            name, parent = parse_stat(host.read(f"/proc/{pid}/stat"))
            if pid != "self":
                address = _inherited(host, pid)
        except (HostError, ValueError):
            break
        if address:
            return (address,)
        if name in _WEB_CONSOLES:
            return _web_addresses(host)
        if parent <= 1:
            break
        pid = str(parent)
    return ()


def parse_connection(value: str) -> str | None:
    """The server's address in `client port server port` (sshd(8)), without a zone index."""
    words = value.split()
    if len(words) != 4:
        return None
    try:
        address = ip_address(words[2].partition("%")[0])
    except ValueError:
        return None
    return str(_plain(address))


def parse_stat(line: str) -> tuple[str, int]:
    """Name and parent of a process from /proc/PID/stat; the name may have any characters in it.

    Raises ValueError for anything else.
    """
    head, bracket, tail = line.rpartition(")")
    fields = tail.split()
    if not bracket or len(fields) < 2:
        raise ValueError(f"{line!r} is not a line of /proc/PID/stat")
    return head.partition("(")[2], int(fields[1])


def _inherited(host: Host, pid: str) -> str | None:
    """SSH_CONNECTION in the environment that a process was started with."""
    variables = host.read_bytes(f"/proc/{pid}/environ", _LARGEST).split(b"\0")
    prefix = f"{_VARIABLE}=".encode()
    for variable in variables:
        if variable.startswith(prefix):
            return parse_connection(variable.removeprefix(prefix).decode("ascii", "replace"))
    return None


def _web_addresses(host: Host) -> tuple[str, ...]:
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            found.update(parse_tcp_table(host.read(table), _API_PORT))
        except HostError:
            continue
    return tuple(sorted(found))


def parse_tcp_table(table: str, port: int) -> set[str]:
    """Local addresses of established connections to a local port, from /proc/net/tcp or tcp6."""
    found = set()
    for line in table.splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[3] != _ESTABLISHED:
            continue
        digits, _, local_port = fields[1].partition(":")
        try:
            if int(local_port, 16) != port:
                continue
            # Words of 32 bits in the byte order of the machine, which is little-endian here.
            data = bytes.fromhex(digits)
            words = [data[n : n + 4][::-1] for n in range(0, len(data), 4)]
            address = ip_address(b"".join(words))
        except ValueError:
            continue
        if not address.is_loopback:
            found.add(str(_plain(address)))
    return found


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """IPv4 connections to a socket for both families show as ::ffff:192.0.2.1."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
