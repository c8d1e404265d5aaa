"""udevadm, dmesg, systemctl, modprobe: the rest of the machine's own tools."""

from __future__ import annotations

from collections.abc import Sequence

from eswitch.host import Result
from eswitch.twin import vswitch
from eswitch.twin.clock import settle
from eswitch.twin.state import State, Unit

from .tool import Failed, NotSimulated, ended

_SWITCH = "openvswitch-switch"
_DAEMONS = ("ovsdb-server", "ovs-vswitchd")


def udevadm(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`udevadm settle [--timeout=N]`: 1 if its time was not enough."""
    del input
    verb, *options = argv[1:]
    if verb != "settle" or len(options) > 1:
        raise NotSimulated(f"`{' '.join(argv)}`")
    seconds = float(options[0].removeprefix("--timeout=")) if options else 120.0
    return Result(0 if settle(state, seconds) else 1, "", "")


def dmesg(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`dmesg [--notime]`; the twin's log has no times."""
    del input
    if [word for word in argv[1:] if word not in ("--notime", "-t")]:
        raise NotSimulated(f"`{' '.join(argv)}`")
    return Result(0, "".join(f"{line}\n" for line in state.log), "")


def modprobe(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`modprobe MODULE`: its driver is there then."""
    del input
    for name in argv[1:]:
        if name not in state.drivers:
            state.loads[name] = state.clock
    return Result(0, "", "")


def systemctl(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`systemctl start|stop|restart|enable|disable|is-active UNIT...`."""
    del input
    return ended(lambda words: _systemctl(state, words), argv[1:])


def _systemctl(state: State, words: Sequence[str]) -> str:
    verb, *names = words
    units = [name.removesuffix(".service") for name in names]
    for name in units:
        if name not in (_SWITCH, *_DAEMONS):
            raise NotSimulated(f"unit {name}")
        if name not in state.units and verb != "is-active":
            raise Failed(f"Failed to {verb} {name}.service: Unit {name}.service not found.", 5)
    if verb == "is-active":
        return _is_active([state.units.get(name) for name in units])
    if verb not in ("start", "stop", "restart", "enable", "disable"):
        raise NotSimulated(f"`systemctl {' '.join(words)}`")
    for name in units:
        for part in _parts(name):
            _change(state.units[part], verb)
    if verb in ("start", "restart") and set(units) & {_SWITCH, "ovs-vswitchd"}:
        vswitch.start(state)
    return ""


def _is_active(units: Sequence[Unit | None]) -> str:
    words = ["active" if unit and unit.active else "inactive" for unit in units]
    printed = "".join(f"{word}\n" for word in words)
    if "active" not in words:
        raise Failed("", 3, printed)
    return printed


def _parts(name: str) -> tuple[str, ...]:
    """openvswitch-switch is an umbrella: its parts start and stop with it."""
    return (name, *_DAEMONS) if name == _SWITCH else (name,)


def _change(unit: Unit, verb: str) -> None:
    if verb in ("enable", "disable"):
        unit.enabled = verb == "enable"
    else:
        unit.active = verb != "stop"
