"""Open vSwitch: its settings, bridges and ports, from one `ovs-vsctl` that reads one snapshot."""

from __future__ import annotations

import posixpath

from eswitch.errors import CommandFailed, HostError, NotFound, TimedOut
from eswitch.host import Host
from eswitch.model.observed import OvsBridge, OvsPort, OvsState, OvsStatus

from .records import Record, documents, record

_TIMEOUT = 10
"""Seconds for the database to answer; ovs-vsctl's own limit, so that its words are kept."""
_ALARM = 128 + 14
"""How ovs-vsctl ends at its limit: by SIGALRM."""
_RUN = "/run/openvswitch"
_COLUMNS = {
    "Open_vSwitch": ("ovs_version", "other_config"),
    "Bridge": ("name", "ports", "external_ids", "datapath_type"),
    "Port": ("_uuid", "name", "tag", "trunks", "external_ids", "interfaces"),
    "Interface": ("_uuid", "name", "type", "ofport", "error"),
}

Row = dict[str, object]


def read_ovs(host: Host) -> OvsState:
    """Ask the database, and look whether the daemon that carries it out is alive."""
    if host.which("ovs-vsctl") is None:
        return OvsState(OvsStatus.ABSENT, "`ovs-vsctl` is not installed")
    command = ["ovs-vsctl", f"--timeout={_TIMEOUT}", "--format=json"]
    for table, columns in _COLUMNS.items():
        command += ["--", f"--columns={','.join(columns)}", "list", table]
    try:
        state = parse_ovs(host.run(command, timeout=_TIMEOUT + 5).stdout)
    except CommandFailed as refusal:
        return _silent(refusal)
    except TimedOut as refusal:
        return OvsState(OvsStatus.STOPPED, f"its database does not answer: {refusal.message}")
    except HostError as nonsense:
        return OvsState(OvsStatus.UNKNOWN, nonsense.message)
    stopped = _stopped(host)
    if stopped:
        return OvsState(stopped[0], stopped[1], state.version, state.other_config, state.bridges)
    return state


def _silent(refusal: CommandFailed) -> OvsState:
    """The database could not be asked: not running, hanging, or not ours to ask."""
    if refusal.status == _ALARM:
        return OvsState(OvsStatus.STOPPED, f"its database did not answer within {_TIMEOUT} s")
    words = (refusal.stderr.strip().splitlines() or [refusal.message])[-1]
    if "Permission denied" in words:
        return OvsState(OvsStatus.UNKNOWN, f"{words}: only root may ask")
    return OvsState(OvsStatus.STOPPED, words)


def _stopped(host: Host) -> tuple[OvsStatus, str] | None:
    """Why ovs-vswitchd does not work, or None if it runs.

    Its database answers without it. The pid file is what ovs-appctl finds it by, so a daemon
    without one could not be asked for flows either; asking it here could hang with it.
    """
    path = f"{_RUN}/ovs-vswitchd.pid"
    try:
        pid = host.read(path).strip()
        program = host.read(f"/proc/{posixpath.basename(pid)}/comm").strip()
    except NotFound:
        return OvsStatus.STOPPED, "its database answers, but ovs-vswitchd is not running"
    except HostError as refusal:
        return OvsStatus.UNKNOWN, refusal.message
    if program != "ovs-vswitchd":
        return OvsStatus.STOPPED, f"ovs-vswitchd has died: {path} names {program} ({pid})"
    return None


def parse_ovs(printed: str) -> OvsState:
    """Read the four tables of `_COLUMNS`, in that order; bridges and ports sorted by name."""
    tables = [_rows(record(document)) for document in documents(printed, "ovs-vsctl")]
    if len(tables) != len(_COLUMNS):
        raise HostError(f"`ovs-vsctl` printed {len(tables)} tables, not {len(_COLUMNS)}")
    roots, bridges, ports, interfaces = tables
    by_uuid = {_uuid(row): row for row in interfaces}
    port_of = {_uuid(row): _port(row, by_uuid) for row in ports}
    root: Row = roots[0] if roots else {}
    return OvsState(
        OvsStatus.RUNNING,
        version=_text(root.get("ovs_version")),
        other_config=_map(root.get("other_config")),
        bridges=tuple(sorted((_bridge(row, port_of) for row in bridges), key=lambda b: b.name)),
    )


def _bridge(row: Row, port_of: dict[str, OvsPort]) -> OvsBridge:
    ports = [port_of[uuid] for uuid in _uuids(row.get("ports")) if uuid in port_of]
    return OvsBridge(
        name=_text(row.get("name")) or "",
        ports=tuple(sorted(ports, key=lambda port: port.name)),
        external_ids=_map(row.get("external_ids")),
        datapath_type=_text(row.get("datapath_type")) or "",
    )


def _port(row: Row, interfaces: dict[str, Row]) -> OvsPort:
    found = [interfaces[uuid] for uuid in _uuids(row.get("interfaces")) if uuid in interfaces]
    # A bond has several; sorted, because a set in the database has no order.
    found.sort(key=lambda interface: _text(interface.get("name")) or "")
    interface: Row = found[0] if found else {}
    return OvsPort(
        name=_text(row.get("name")) or "",
        tag=next(iter(_numbers(row.get("tag"))), None),
        trunks=tuple(sorted(_numbers(row.get("trunks")))),
        external_ids=_map(row.get("external_ids")),
        type=_text(interface.get("type")) or "",
        ofport=next(iter(_numbers(interface.get("ofport"))), None),
        error=_text(interface.get("error")),
    )


# OVSDB's notation (RFC 7047, 5.1): an atom, ["uuid", text], ["set", [...]] or ["map", [[k, v]...]].


def _rows(table: Record) -> list[Row]:
    headings, data = table.get("headings"), table.get("data")
    if not isinstance(headings, list) or not isinstance(data, list):
        return []
    names = [str(heading) for heading in headings]
    return [dict(zip(names, row, strict=False)) for row in data if isinstance(row, list)]


def _items(value: object, kind: str) -> list[object] | None:
    """The items of `[kind, [...]]`, or None for everything else."""
    match value:
        case [str(found), list(items)] if found == kind:
            return items
    return None


def _atoms(value: object) -> list[object]:
    """The members of a set, or the one atom that stands for a set of one."""
    items = _items(value, "set")
    return [value] if items is None else items


def _numbers(value: object) -> list[int]:
    return [n for n in _atoms(value) if isinstance(n, int) and not isinstance(n, bool)]


def _text(value: object) -> str | None:
    return next((atom for atom in _atoms(value) if isinstance(atom, str) and atom), None)


def _uuids(value: object) -> list[str]:
    found = []
    for atom in _atoms(value):
        match atom:
            case ["uuid", str(uuid)]:
                found.append(uuid)
    return found


def _uuid(row: Row) -> str:
    return next(iter(_uuids(row.get("_uuid"))), "")


def _map(value: object) -> dict[str, str]:
    """Sorted by key: a map in the database has no order."""
    pairs = [pair for pair in _items(value, "map") or [] if isinstance(pair, list)]
    return dict(sorted((str(pair[0]), str(pair[1])) for pair in pairs if len(pair) == 2))
