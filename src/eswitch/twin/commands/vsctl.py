"""`ovs-vsctl`: several commands in one transaction, which holds as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from eswitch.host import Result
from eswitch.twin import vswitch
from eswitch.twin.state import Bridge, Port, State

from . import vsctl_rows
from .tool import Failed, NotSimulated, ended

_SOCKET = "unix:/var/run/openvswitch/db.sock"
ALARM = 142
"""How it ends when nobody carries the change out in time: by SIGALRM."""


@dataclass
class Order:
    """One command of the transaction with its own options."""

    options: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def run(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`ovs-vsctl`."""
    del input
    return ended(lambda words: Vsctl(state).main(words), argv[1:])


class Vsctl:
    """One process of `ovs-vsctl`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.json = False
        self.added: list[str] = []
        self.changes = False

    def main(self, argv: Sequence[str]) -> str:
        """Global options, then the commands between `--`."""
        whole, orders = self._parse(argv)
        if not vswitch.database_runs(self.state):
            words = "database connection failed (No such file or directory)"
            raise Failed(f"ovs-vsctl: {_SOCKET}: {words}", 1)
        before = deepcopy(self.state.ovs.database)
        try:
            printed = "".join(self._do(order) for order in orders)
        except Failed as failed:
            self.state.ovs.database = before
            raise Failed(f"ovs-vsctl: {failed.stderr}", failed.status) from None
        if self.changes and "no-wait" not in whole:
            self._wait()
        return printed

    def _wait(self) -> None:
        """It waits until ovs-vswitchd has taken the change, and reports ports that failed."""
        if not vswitch.daemon_runs(self.state):
            raise Failed(
                "2026-01-02T03:04:05Z|00002|fatal_signal|WARN|terminating with signal 14 "
                "(Alarm clock)",
                ALARM,
            )
        vswitch.reconcile(self.state)
        for bridge in self.state.ovs.database.bridges:
            for port in bridge.ports:
                error = port.interfaces[0].error
                if port.name in self.added and error:
                    where = "See ovs-vswitchd log for details."
                    text = f"Error detected while setting up '{port.name}': {error}.  {where}"
                    log = 'The default log directory is "/var/log/openvswitch".'
                    raise Failed(f"ovs-vsctl: {text}\novs-vsctl: {log}", 0)

    def _parse(self, argv: Sequence[str]) -> tuple[dict[str, str], list[Order]]:
        whole: dict[str, str] = {}
        orders = [Order()]
        first = True
        for word in argv:
            if word == "--":
                first = False
                orders.append(Order())
            elif word.startswith("--") and not orders[-1].words:
                name, _, value = word[2:].partition("=")
                kept = whole if first and name in _GLOBAL else orders[-1].options
                kept[name] = value
            elif word.startswith("-") and not orders[-1].words:
                raise NotSimulated(f"ovs-vsctl {word}")
            else:
                orders[-1].words.append(word)
        self.json = whole.get("format") == "json"
        return whole, [order for order in orders if order.words or order.options]

    def _do(self, order: Order) -> str:
        name, *words = order.words or [""]
        if name in _NOT_PLAYED:
            raise NotSimulated(f"`ovs-vsctl {name}`")
        if name not in _COMMANDS:
            raise Failed(f"unknown command '{name}'; use --help for help", 1)
        self.changes |= name not in _READERS
        return _COMMANDS[name](self, order, words) or ""

    # ---- bridges and ports

    def _bridge(self, name: str) -> Bridge:
        bridge = self.state.bridge(name)
        if bridge is None:
            raise Failed(f"no bridge named {name}", 1)
        return bridge

    def _port(self, name: str) -> tuple[Bridge, Port] | None:
        for bridge in self.state.ovs.database.bridges:
            for port in bridge.ports:
                if port.name == name:
                    return bridge, port
        return None

    def add_br(self, order: Order, words: list[str]) -> None:
        """`[--may-exist] add-br NAME`."""
        (name,) = words
        if self.state.bridge(name):
            if "may-exist" in order.options:
                return
            there = f"because a bridge named {name} already exists"
            raise Failed(f"cannot create a bridge named {name} {there}", 1)
        taken = self._port(name)
        if taken:
            there = f"because a port named {name} already exists on bridge {taken[0].name}"
            raise Failed(f"cannot create a bridge named {name} {there}", 1)
        self.state.ovs.database.bridges.append(vswitch.new_bridge(self.state, name))

    def del_br(self, order: Order, words: list[str]) -> None:
        """`[--if-exists] del-br NAME`."""
        (name,) = words
        if self.state.bridge(name) is None and "if-exists" in order.options:
            return
        self.state.ovs.database.bridges.remove(self._bridge(name))

    def add_port(self, order: Order, words: list[str]) -> None:
        """`[--may-exist] add-port BRIDGE NAME [COLUMN=VALUE]...`."""
        bridge_name, name, *settings = words
        taken = self._port(name)
        if taken and "may-exist" not in order.options:
            there = f"because a port named {name} already exists on bridge {taken[0].name}"
            raise Failed(f"cannot create a port named {name} {there}", 1)
        if taken and taken[0].name != bridge_name:
            asked = f'"--may-exist add-port {bridge_name} {name}"'
            raise Failed(f"{asked} but {name} is actually attached to bridge {taken[0].name}", 1)
        bridge = self._bridge(bridge_name)
        if taken:
            port = taken[1]
        else:
            port = vswitch.new_port(self.state, name)
            bridge.ports.append(port)
            self.added.append(name)
        for setting in settings:
            vsctl_rows.assign("Port", port, setting)

    def del_port(self, order: Order, words: list[str]) -> None:
        """`[--if-exists] del-port [BRIDGE] NAME`."""
        name = words[-1]
        found = self._port(name)
        if found is None:
            if "if-exists" in order.options:
                return
            raise Failed(f"no port named {name}", 1)
        bridge, port = found
        # The bridge is looked at only for a port that there is (ovs-vsctl.c, cmd_del_port).
        if len(words) > 1 and self._bridge(words[0]) is not bridge:
            raise Failed(f"bridge {words[0]} does not have a port {name}", 1)
        bridge.ports.remove(port)

    def list_br(self, order: Order, words: list[str]) -> str:
        """`list-br`."""
        del order, words
        names = sorted(bridge.name for bridge in self.state.ovs.database.bridges)
        return "".join(f"{name}\n" for name in names)

    def list_ports(self, order: Order, words: list[str]) -> str:
        """`list-ports BRIDGE`: without its local port."""
        del order
        (name,) = words
        names = sorted(port.name for port in self._bridge(name).ports if port.name != name)
        return "".join(f"{each}\n" for each in names)

    # ---- rows

    def set(self, order: Order, words: list[str]) -> None:
        """`set TABLE RECORD COLUMN[:KEY]=VALUE...`."""
        del order
        table, name, *settings = words
        table, row = vsctl_rows.find(self.state, table, name)
        for setting in settings:
            vsctl_rows.assign(table, row, setting)

    def remove(self, order: Order, words: list[str]) -> None:
        """`remove TABLE RECORD COLUMN KEY`."""
        del order
        table, name, column, *keys = words
        table, row = vsctl_rows.find(self.state, table, name)
        vsctl_rows.remove(table, row, column, keys)

    def clear(self, order: Order, words: list[str]) -> None:
        """`clear TABLE RECORD COLUMN...`."""
        del order
        table, name, *columns = words
        table, row = vsctl_rows.find(self.state, table, name)
        for column in columns:
            vsctl_rows.clear(table, row, column)

    def get(self, order: Order, words: list[str]) -> str:
        """`get TABLE RECORD COLUMN[:KEY]`."""
        table, name, column = words
        table, row = vsctl_rows.find(self.state, table, name)
        missing_is_fine = "if-exists" in order.options
        return vsctl_rows.get(table, row, name, column, missing_is_fine=missing_is_fine)

    def list(self, order: Order, words: list[str]) -> str:
        """`--columns=A,B list TABLE` with --format=json."""
        if not self.json or "columns" not in order.options or len(words) != 1:
            raise NotSimulated("`ovs-vsctl list` other than --format=json --columns=... list TABLE")
        return vsctl_rows.dump(self.state, words[0], order.options["columns"].split(","))


_GLOBAL = frozenset(("timeout", "format", "no-wait", "no-heading", "data"))
# What ovs-vsctl has besides (ovs-vsctl(8)).
_NOT_PLAYED = frozenset(
    (
        *("init", "show", "emer-reset", "br-exists", "br-to-vlan", "br-to-parent", "list-ifaces"),
        *("br-set-external-id", "br-get-external-id", "add-bond", "add-bond-iface", "iface-to-br"),
        *("del-bond-iface", "port-to-br", "get-controller", "del-controller", "set-controller"),
        *("get-fail-mode", "del-fail-mode", "set-fail-mode", "get-manager", "del-manager"),
        *("set-manager", "get-ssl", "del-ssl", "set-ssl", "add-aa-mapping", "del-aa-mapping"),
        *("get-aa-mapping", "add-zone-tp", "del-zone-tp", "list-zone-tp", "list-dp-cap", "find"),
        *("create", "destroy", "add", "wait-until", "comment"),
    )
)
_READERS = frozenset(("list", "get", "list-br", "list-ports"))
_COMMANDS: dict[str, Callable[[Vsctl, Order, list[str]], str | None]] = {
    "add-br": Vsctl.add_br,
    "del-br": Vsctl.del_br,
    "add-port": Vsctl.add_port,
    "del-port": Vsctl.del_port,
    "list-br": Vsctl.list_br,
    "list-ports": Vsctl.list_ports,
    "set": Vsctl.set,
    "remove": Vsctl.remove,
    "clear": Vsctl.clear,
    "get": Vsctl.get,
    "list": Vsctl.list,
}
