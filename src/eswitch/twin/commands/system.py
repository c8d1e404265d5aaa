"""udevadm, dmesg, systemctl: the rest of the machine's own tools."""

from __future__ import annotations

from collections.abc import Sequence

from eswitch.host import Result
from eswitch.twin import boot, vswitch
from eswitch.twin.clock import settle
from eswitch.twin.state import State, Unit
from eswitch.twin.sysfs import systemd
from eswitch.twin.units import unit_file

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
    """`systemctl start|stop|restart|enable|disable|is-active UNIT...`."""
    del input
    return ended(lambda words: _systemctl(state, words), argv[1:])


def _systemctl(state: State, words: Sequence[str]) -> str:
    verb, *names = words
    if verb == "--version":
        return _version(state)
    if verb == "reboot":
        return _reboot(state, names)
    if words == ["daemon-reload"]:
        return ""
    units = [name.removesuffix(".service") for name in names]
    for name in units:
        _check_unit(state, name, verb)
    if verb == "is-active":
        return _is_active([state.units.get(name) for name in units])
    if verb not in ("start", "stop", "restart", "enable", "disable"):
        raise NotSimulated(f"`systemctl {' '.join(words)}`")
    for name in units:
        _apply(state, name, verb)
    if verb in ("start", "restart") and set(units) & {_SWITCH, "ovs-vswitchd"}:
        vswitch.start(state)
    return ""


def _check_unit(state: State, name: str, verb: str) -> None:
    """Raises Failed for a unit that systemd has never heard of."""
    added = unit_file(state, name) is not None
    if name in state.units or added or verb == "is-active":
        return
    if name not in (_SWITCH, *_DAEMONS) and verb not in ("enable", "disable"):
        raise NotSimulated(f"unit {name}")
    if verb in ("enable", "disable"):
        text = f"Failed to {verb} unit: Unit file {name}.service does not exist."
        raise Failed(text.replace(" file", "") if verb == "enable" else text, 1)
    raise Failed(f"Failed to {verb} {name}.service: Unit {name}.service not found.", 5)


def _apply(state: State, name: str, verb: str) -> None:
    if name not in (_SWITCH, *_DAEMONS):
        if verb not in ("enable", "disable"):
            raise NotSimulated(f"`systemctl {verb}` of what somebody added")
        if verb == "disable":
            state.units.pop(name, None)
        else:
            state.units[name] = Unit(enabled=True, active=False)
        return
    for part in _parts(name):
        _change(state.units[part], verb)


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
