"""Rows of OVSDB: columns by name, their notation, and the JSON that `ovs-vsctl list` prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from eswitch.twin.state import Bridge, Database, Interface, Port, State

from .tool import Failed, NotSimulated

Row = Database | Bridge | Port | Interface
Json = Any

_TABLES = {
    "open_vswitch": "Open_vSwitch",
    "bridge": "Bridge",
    "port": "Port",
    "interface": "Interface",
}
# Columns that are kept; an optional one is a set of at most one (RFC 7047).
_OPTIONAL = frozenset(("tag", "ofport", "ofport_request", "error"))
_COLUMNS = {
    "Open_vSwitch": ("ovs_version", "other_config", "external_ids", "bridges"),
    "Bridge": ("name", "ports", "external_ids", "other_config", "datapath_type"),
    "Port": ("name", "tag", "trunks", "external_ids", "other_config", "interfaces"),
    "Interface": ("name", "type", "ofport", "ofport_request", "error"),
}
# What the schema has besides, and the twin does not keep (ovs-vswitchd.conf.db(5)).
_NOT_KEPT = {
    "Open_vSwitch": frozenset(
        (
            *("cur_cfg", "datapath_types", "datapaths", "db_version", "dpdk_initialized"),
            *("dpdk_version", "iface_types", "manager_options", "next_cfg", "ssl", "statistics"),
            *("system_type", "system_version"),
        )
    ),
    "Bridge": frozenset(
        (
            *("auto_attach", "controller", "datapath_id", "datapath_version", "fail_mode"),
            *("flood_vlans", "flow_tables", "ipfix", "mcast_snooping_enable", "mirrors"),
            *("netflow", "protocols", "rstp_enable", "rstp_status", "sflow", "status"),
            "stp_enable",
        )
    ),
    "Port": frozenset(
        (
            *("bond_active_slave", "bond_downdelay", "bond_fake_iface", "bond_mode", "lacp"),
            *("bond_updelay", "cvlans", "fake_bridge", "mac", "protected", "qos", "status"),
            *("rstp_statistics", "rstp_status", "statistics", "vlan_mode"),
        )
    ),
    "Interface": frozenset(
        (
            *("admin_state", "bfd", "bfd_status", "cfm_mpid", "duplex", "external_ids", "ifindex"),
            *("ingress_policing_burst", "ingress_policing_rate", "link_resets", "link_speed"),
            *("link_state", "lldp", "mac", "mac_in_use", "mtu", "mtu_request", "options"),
            *("other_config", "statistics", "status"),
        )
    ),
}
_OTHER_TABLES = frozenset(
    (
        *("controller", "manager", "mirror", "qos", "queue", "netflow", "sflow", "ipfix", "ssl"),
        *("flow_sample_collector_set", "flow_table", "autoattach", "datapath", "ct_zone"),
    )
)
_MAPS = frozenset(("external_ids", "other_config"))
_SETTING = re.compile(r'([a-z_]+)(?::("(?:[^"\\]|\\.)*"|[^=:]+))?=(.*)', re.IGNORECASE)
_PLAIN_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def _rows(state: State, table: str) -> Iterator[Row]:
    database = state.ovs.database
    if table == "Open_vSwitch":
        yield database
    for bridge in database.bridges:
        if table == "Bridge":
            yield bridge
        for port in bridge.ports:
            if table == "Port":
                yield port
            if table == "Interface":
                yield from port.interfaces


def table_named(name: str) -> str:
    """The table's own spelling; raises Failed for a table that is none."""
    if name.lower() in _OTHER_TABLES:
        raise NotSimulated(f"table {name} of OVSDB")
    if name.lower() not in _TABLES:
        raise Failed(f'unknown table "{name}"', 1)
    return _TABLES[name.lower()]


def find(state: State, table: str, name: str) -> tuple[str, Row]:
    """The table's own name and the row; raises Failed."""
    table = table_named(table)
    for row in _rows(state, table):
        if name == "." and isinstance(row, Database):
            return table, row
        if name in (getattr(row, "name", None), row.uuid):
            return table, row
    raise Failed(f'no row "{name}" in table {table}', 1)


def _column(table: str, name: str) -> str:
    if name not in _COLUMNS[table] and name != "_uuid":
        if name in _NOT_KEPT[table]:
            raise NotSimulated(f"column {name} of table {table}")
        raise Failed(f'{table} does not contain a column whose name matches "{name}"', 1)
    return name


def assign(table: str, row: Row, setting: str) -> None:
    """`COLUMN=VALUE` or `COLUMN:KEY=VALUE`; raises Failed."""
    found = _SETTING.fullmatch(setting)
    if found is None:
        raise Failed(f"{setting}: missing column name or value", 1)
    name, key, value = found.groups()
    colon = key is not None
    column = _column(table, name)
    if column in _MAPS:
        if not colon:
            raise NotSimulated(f"setting all of column {column} at once")
        getattr(row, column)[_unquoted(key)] = _unquoted(value)
    elif column == "tag":
        _set_tag(row, value)
    elif column == "ofport_request" and isinstance(row, Interface):
        row.ofport_request = int(value)
    elif column == "trunks" and isinstance(row, Port):
        row.trunks = sorted(int(each) for each in value.strip("[]").split(",") if each.strip())
    elif column in ("type", "datapath_type"):
        setattr(row, column, _unquoted(value))
    else:
        raise NotSimulated(f"setting column {column} of table {table}")


def _set_tag(row: Row, value: str) -> None:
    if value == "[]":
        number = None
    elif not value.isdecimal():
        raise Failed(f'"{value}" is not a valid integer', 1)
    else:
        number = int(value)
    if number is not None and number > 4095:
        text = f"{number} is not in the valid range 0 to 4095 (inclusive)"
        raise Failed(f"constraint violation: {text}", 1)
    if isinstance(row, Port):
        row.tag = number


def _unquoted(text: str) -> str:
    return str(json.loads(text)) if text.startswith('"') else text


def remove(table: str, row: Row, name: str, keys: list[str]) -> None:
    """Keys that are not there are no error."""
    column = _column(table, name)
    if column not in _MAPS:
        raise NotSimulated(f"removing from column {column}")
    for key in keys:
        getattr(row, column).pop(_unquoted(key), None)


def clear(table: str, row: Row, name: str) -> None:
    """Empty a column."""
    column = _column(table, name)
    if column in _MAPS:
        getattr(row, column).clear()
    elif column == "tag" and isinstance(row, Port):
        row.tag = None
    elif column == "trunks" and isinstance(row, Port):
        row.trunks = []
    elif column == "ofport_request" and isinstance(row, Interface):
        row.ofport_request = None
    else:
        raise NotSimulated(f"clearing column {column} of table {table}")


def get(table: str, row: Row, record: str, name: str, *, missing_is_fine: bool) -> str:
    """One value in OVSDB's own notation."""
    target, colon, key = name.partition(":")
    column = _column(table, target)
    value = getattr(row, column)
    if colon:
        if key not in value and missing_is_fine:
            return "\n"
        if key not in value:
            text = f'no key "{key}" in {table} record "{record}" column {column}'
            raise Failed(text, 1)
        value = value[key]
    return f"{_notation(value)}\n"


def _notation(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_word(k)}={_word(v)}" for k, v in sorted(value.items())) + "}"
    if value is None:
        return "[]"
    if isinstance(value, list):
        return "[" + ", ".join(_notation(each) for each in value) + "]"
    return _word(value) if isinstance(value, str) else str(value)


def _word(text: str) -> str:
    return (
        text if _PLAIN_WORD.fullmatch(text) and text not in ("true", "false") else json.dumps(text)
    )


def dump(state: State, table: str, columns: list[str]) -> str:
    """A whole table as `--format=json` prints it: columns in the order that was asked for."""
    table = table_named(table)
    data = [[_cell(state, table, row, name) for name in columns] for row in _rows(state, table)]
    return json.dumps({"data": data, "headings": columns}, separators=(",", ":")) + "\n"


def _cell(state: State, table: str, row: Row, name: str) -> Json:
    column = _column(table, name)
    if column == "_uuid":
        return ["uuid", row.uuid]
    if column == "ovs_version":
        return state.ovs.version
    value = getattr(row, column)
    if column in _MAPS:
        return ["map", [[key, value[key]] for key in sorted(value)]]
    if column in ("ports", "interfaces", "bridges"):
        return _set([["uuid", uuid] for uuid in sorted(each.uuid for each in value)])
    if column in _OPTIONAL:
        return ["set", []] if value is None else value
    return _set(value) if column == "trunks" else value


def _set(items: list[Json]) -> Json:
    """A set of one is that one (RFC 7047, 5.1)."""
    return items[0] if len(items) == 1 else ["set", items]
