"""udevadm, dmesg, systemctl: the rest of the machine's own tools."""

from __future__ import annotations

from collections.abc import Sequence

from eswitch.host import Result
from eswitch.twin import boot, vswitch
from eswitch.twin.clock import settle
from eswitch.twin.state import State, Unit
from eswitch.twin.sysfs import systemd
from eswitch.twin.units import FOLDER, unit_file

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


def systemctl(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`systemctl start|stop|restart|enable|disable|is-active|is-enabled UNIT...`."""
    del input
    words = argv[1:]
    if len(words) == 2 and words[0] in ("enable", "disable"):
        name = words[1].removesuffix(".service")
        if name not in (_SWITCH, *_DAEMONS):
            return _link(state, name, words[0])
    return ended(lambda words: _systemctl(state, words), words)


def _systemctl(state: State, words: Sequence[str]) -> str:
    verb, *names = words
    if verb == "--version":
        return _version(state)
    if verb == "reboot":
        return _reboot(state, names)
    if words == ["daemon-reload"]:
        return ""
    units = [name.removesuffix(".service") for name in names]
    if verb in _ASKED:
        return _ASKED[verb](state, units)
    for name in units:
        _check_unit(state, name, verb)
    if verb not in ("start", "stop", "restart", "enable", "disable"):
        raise NotSimulated(f"`systemctl {' '.join(words)}`")
    for name in units:
        if name not in (_SWITCH, *_DAEMONS):
            raise NotSimulated(f"`systemctl {verb}` of what somebody added")
        _apply(state, name, verb)
    if verb in ("start", "restart") and set(units) & {_SWITCH, "ovs-vswitchd"}:
        vswitch.start(state)
    return ""


def _check_unit(state: State, name: str, verb: str) -> None:
    """Raises Failed for a unit that systemd has never heard of."""
    if name in state.units or unit_file(state, name) is not None:
        return
    if name not in (_SWITCH, *_DAEMONS):
        raise NotSimulated(f"unit {name}")
    if verb in ("enable", "disable"):
        raise Failed(f"Failed to {verb} unit: Unit {name}.service does not exist", 1)
    raise Failed(f"Failed to {verb} {name}.service: Unit {name}.service not found.", 5)


def _apply(state: State, name: str, verb: str) -> None:
    for part in _parts(name):
        _change(state.units[part], verb)


def _link(state: State, name: str, verb: str) -> Result:
    """Enable or disable what somebody added; systemctl tells of its link on stderr."""
    place = f"{FOLDER}multi-user.target.wants/{name}.service"
    there = unit_file(state, name) is not None
    if not there and (verb == "enable" or name not in state.units):
        said = f"Failed to {verb} unit: Unit {name}.service does not exist\n"
        return Result(1, "", said)
    if (verb == "enable") == (name in state.units):
        return Result(0, "", "")
    if verb == "enable":
        state.units[name] = Unit(enabled=True, active=False, added=True)
        return Result(0, "", f"Created symlink '{place}' -> '{FOLDER}{name}.service'.\n")
    del state.units[name]
    return Result(0, "", f"Removed '{place}'.\n")


def _is_enabled(state: State, units: Sequence[str]) -> str:
    """One word for each; the status is that of the best."""
    words = [_enabled(state, name) for name in units]
    printed = "".join(f"{word}\n" for word in words)
    if "enabled" in words:
        return printed
    raise Failed("", 1 if "disabled" in words else 4, printed)


def _enabled(state: State, name: str) -> str:
    unit = state.units.get(name)
    if unit is None or (unit.added and unit_file(state, name) is None):
        return "disabled" if unit_file(state, name) is not None else "not-found"
    return "enabled" if unit.enabled else "disabled"


def _version(state: State) -> str:
    version = systemd(state)
    return f"systemd {version.partition('.')[0]} ({version})\n+PAM +AUDIT +SELINUX +APPARMOR\n"


def _reboot(state: State, options: Sequence[str]) -> str:
    """The machine goes down, and is up again when this returns: simulated time only."""
    if [option for option in options if option != "--check-inhibitors=yes"]:
        raise NotSimulated(f"`systemctl reboot {' '.join(options)}`")
    if state.inhibitors and options:
        said = [f"Operation inhibited by {who}" for who in state.inhibitors]
        said.append("Please retry operation after closing inhibitors and logging out other users.")
        said.append("Alternatively, ignore inhibitors and users with 'systemctl reboot -i'.")
        raise Failed("\n".join(said), 1)
    boot.reboot(state)
    return ""


def _is_active(state: State, names: Sequence[str]) -> str:
    units = [state.units.get(name) for name in names]
    words = ["active" if unit and unit.active else "inactive" for unit in units]
    printed = "".join(f"{word}\n" for word in words)
    if "active" not in words:
        known = any(unit_file(state, name) is not None or name in state.units for name in names)
        raise Failed("", 3 if known else 4, printed)
    return printed


_ASKED = {"is-enabled": _is_enabled, "is-active": _is_active}


def _parts(name: str) -> tuple[str, ...]:
    """openvswitch-switch is an umbrella: its parts start and stop with it."""
    return (name, *_DAEMONS) if name == _SWITCH else (name,)


def _change(unit: Unit, verb: str) -> None:
    if verb in ("enable", "disable"):
        unit.enabled = verb == "enable"
    else:
        unit.active = verb != "stop"
