"""What is remembered over a reboot, the unit that goes on after it, and what both need of the host.

On disk, only between an apply that reboots and the one that goes on:

    /var/lib/eswitch/resume.json                    what was to be done, for whom, and how often
    /etc/systemd/system/eswitch-resume.service      runs `eswitch apply --resume`

When they are written, counted and removed is the table's (over_reboot.py) to say.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from eswitch.errors import HostError, NotEffective, NotFound, Refused
from eswitch.files import paths
from eswitch.files.systemd import can_start, command_line
from eswitch.host import Host
from eswitch.model.desired import DesiredState
from eswitch.model.observed import ObservedState
from eswitch.model.plain import Plain, to_plain
from eswitch.model.plan import Blocker, Pending
from eswitch.model.step import Key
from eswitch.model.typed import from_plain
from eswitch.model.unknown import Unknown
from eswitch.observe import observe
from eswitch.topology import matching

from .over_reboot import MOST_REBOOTS, MOST_STARTS, Deed, Event, Place, at_rest, follow

RECORD = paths.RESUME
UNIT = paths.RESUME_UNIT
UNIT_FILE = paths.RESUME_UNIT_FILE
SCHEMA = "eswitch.resume/v1"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_LOST = ("/tmp/", "/run/", "/var/run/", "/dev/", "/proc/", "/sys/")  # noqa: S108
"""Where files do not outlive a reboot, or may not (Debian 13 keeps /tmp in memory)."""

_PROBING = 60.0
"""Seconds that a NIC's driver may take to be ready after a boot; udev does not wait for it."""

_UNIT = """\
# Written by `eswitch apply --reboot`; it removes this file when it is done.
[Unit]
Description=eswitch: go on with the apply for which this host was rebooted
ConditionPathExists={record}
Wants=systemd-udev-settle.service
After=network.target systemd-modules-load.service systemd-udev-settle.service
After=openvswitch-switch.service ovs-vswitchd.service pve-cluster.service
Before=pve-guests.service

[Service]
Type=oneshot
ExecStart={command}
SuccessExitStatus=8
# Only eswitch is told to stop: it lets what writes the boot loader or a card's firmware end first.
KillMode=mixed
TimeoutStopSec=15min
# Guests wait for it, but not for ever.
TimeoutStartSec=3h

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True, slots=True)
class Resume:
    """An apply that a reboot has interrupted on purpose.

    `spec` is the file's absolute path, `sha256` that of its content when it was agreed to, `boot`
    the kernel's id of the boot in which this was written. `expected` is what the reboot is for,
    `agreed` the steps that somebody may notice and that were agreed to, `sessions` the addresses
    by which the administrator came in, `cards` the name in the spec, the PCI address and the MAC
    (where it was known) of each NIC: buses may be numbered anew at a boot.
    """

    spec: str
    sha256: str
    boot: str
    program: tuple[str, ...]
    expected: tuple[Pending, ...] = ()
    agreed: tuple[Key, ...] = ()
    sessions: tuple[str, ...] = ()
    cards: tuple[tuple[str, str, str | None], ...] = ()
    reboots: int = 0
    starts: int = 0


def boot_id(host: Host) -> str:
    """The kernel's random id of this boot."""
    return host.read(_BOOT_ID).strip()


def refuse_fleeting(host: Host, spec: str) -> None:
    """Raises Refused for a spec that will not be there after a reboot."""
    if spec == "-" or not spec.startswith("/"):
        what = "a spec from standard input"
    elif _is_fleeting(host, spec):
        what = spec
    else:
        return
    raise Refused(
        f"{what} will not be there after the reboot; nothing was touched",
        hint=f"put it into a file that stays, such as {paths.SPEC}",
    )


def _is_fleeting(host: Host, path: str) -> bool:
    """Whether it, or what it leads to, is in a place that a reboot empties."""
    with suppress(HostError):
        if host.resolve(path).startswith(_LOST):
            return True
    return path.startswith(_LOST)


def refuse_without_systemd(host: Host) -> None:
    """Raises Refused where there is no systemd that could go on after a boot."""
    runs = host.which("systemctl") is not None
    try:
        host.list("/run/systemd/system")  # as sd_booted(3) does
    except NotFound:
        runs = False
    if not runs:
        raise Refused(
            "this host does not run systemd, which would have to go on after the reboot; "
            "nothing was touched",
            hint="apply without --reboot, reboot when it suits you, and apply again",
        )


def refuse_program(host: Host, program: Sequence[str]) -> None:
    """Raises Refused where systemd could not start this program after a reboot."""
    hint = "install eswitch where it stays, or apply without --reboot"
    if _is_fleeting(host, program[0]):
        message = f"{program[0]} will not be there after the reboot; nothing was touched"
        raise Refused(message, hint=hint)
    if not can_start(program[0]):
        message = f"systemd starts no program with such a path: {program[0]}; nothing was touched"
        raise Refused(message, hint=hint)
    try:
        host.run([*program, "--version"], timeout=60.0)
    except HostError as error:
        raise Refused(
            f"systemd could not start eswitch after the reboot: {error.message}; "
            "nothing was touched",
            hint=f"env -i {' '.join(program)} --version",
        ) from None


def arm(host: Host, record: Resume) -> None:
    """Remember it, and have systemd go on at the next boot. The record is on the disk first: a unit
    without one does nothing."""
    write(host, record)
    unit = _UNIT.format(record=RECORD, command=command_line((*record.program, "apply", "--resume")))
    host.replace_file(UNIT_FILE, unit.encode())
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "enable", UNIT])


def reboot(host: Host) -> None:
    """Ask systemd for it; raises CommandFailed if somebody inhibits a shutdown (an upgrade)."""
    try:
        host.run(["systemctl", "reboot", "--check-inhibitors=yes"], timeout=60.0, whole=True)
    except HostError as refusal:
        refusal.hint = refusal.hint or "`systemd-inhibit --list` names who forbids it"
        raise


def disarm(host: Host) -> None:
    """Forget it: no unit, no record, whatever systemd says. The record goes first: a unit without
    one does nothing."""
    host.remove_file(RECORD)
    host.remove_file(paths.RESUME_UNIT_ENABLED)
    host.remove_file(UNIT_FILE)
    with suppress(HostError):
        host.run(["systemctl", "daemon-reload"], ok=None)


def armed(host: Host) -> Resume | None:
    """The record, or None without one. Raises HostError if it cannot be understood."""
    try:
        text = host.read(RECORD)
    except NotFound:
        return None
    try:
        data = json.loads(text)
        del data["schema"]
        return from_plain(Resume, data)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise HostError("it is not what eswitch wrote", where=RECORD) from None


def is_armed(host: Host) -> bool:
    """Whether something is to go on at the next boot. A record that cannot be read is one."""
    try:
        host.read(RECORD)
    except NotFound:
        return False
    except HostError:
        return True
    return True


def settle(host: Host, event: Event) -> None:
    """What becomes of what is armed when that happens to a process that begins at rest, and stays
    there: an apply that does not reboot, or a rollback."""
    _, turn = follow(Place(at_rest(record=is_armed(host))), event)
    if turn.deed is Deed.DISARM:
        disarm(host)


def write(host: Host, record: Resume) -> None:
    """Put the record on the disk."""
    plain = cast("dict[str, Plain]", to_plain(record))
    text = json.dumps({"schema": SCHEMA, **plain}, indent=1) + "\n"
    host.replace_file(RECORD, text.encode(), mode=0o600)


def not_rebooted() -> NotEffective:
    """It was to go on in the very boot in which it was armed."""
    return NotEffective("this host has not been rebooted since", hint="systemctl reboot")


def begun_too_often() -> NotEffective:
    """It has begun, and was cut short, as often as it may."""
    message = f"it was begun {MOST_STARTS} times already, and did not come to its end"
    return NotEffective(message, hint="`eswitch plan` shows what is left")


def rebooted_too_often(pending: Sequence[Pending]) -> NotEffective:
    """It has rebooted as often as it may, and that was not enough."""
    lines = "\n".join(f"  {each}" for each in pending)
    return NotEffective(
        f"{MOST_REBOOTS} reboots were not enough, and eswitch makes no more by itself; "
        f"another one is due for:\n{lines}",
        hint="reboot when it suits you, then apply again",
    )


def other_spec(record: Resume, sha256: str | None) -> NotEffective | None:
    """Whether the spec is not the one that was agreed to: `sha256` is that of the spec as it is
    now, None if it cannot be read."""
    if sha256 == record.sha256:
        return None
    how = "cannot be read any more" if sha256 is None else "was changed since it was agreed to"
    return NotEffective(
        f"the spec {how}, so nothing is done by itself",
        where=record.spec,
        hint=f"eswitch plan {record.spec}, then eswitch apply {record.spec}",
    )


def cards(
    desired: DesiredState, observed: ObservedState
) -> tuple[tuple[str, str, str | None], ...]:
    """Which card each NIC of the spec is now."""
    return tuple((nic.name, str(pf.pci), pf.mac) for nic, pf in matching.matched(desired, observed))


def wait_for_cards(host: Host, desired: DesiredState) -> ObservedState:
    """Wait until udev is done with this boot and the NICs are there, a minute at most: the plan
    tells what is missing then."""
    with suppress(HostError):
        host.run(["udevadm", "settle", f"--timeout={_PROBING:.0f}"], timeout=70.0, ok=None)
    deadline = host.monotonic() + _PROBING
    while True:
        late = host.monotonic() >= deadline
        try:
            observed = observe(host)
        except HostError:  # what is just being made can vanish under one's eyes
            if late:
                raise
        else:
            if late or _are_there(desired, observed):
                return observed
        host.sleep(2.0)


def other_card(
    record: Resume, desired: DesiredState, observed: ObservedState
) -> NotEffective | None:
    """Whether a NIC of the spec is another card than it was before the reboot."""
    before = {name: (pci, mac) for name, pci, mac in record.cards if mac is not None}
    for name, pci, mac in cards(desired, observed):
        old = before.get(name)
        if old is not None and mac is not None and mac != old[1]:
            return NotEffective(
                f"`{name}` was {old[0]} with MAC {old[1]} before the reboot, and is {pci} with "
                f"{mac} now: another card, so nothing is done by itself",
                where=record.spec,
                hint=f"match it by `mac` in the spec; eswitch plan {record.spec}",
            )
    return None


def _are_there(desired: DesiredState, observed: ObservedState) -> bool:
    for nic in desired.nics:
        pf = matching.find(nic, observed)
        if isinstance(pf, Blocker) or (pf.driver and isinstance(pf.eswitch, Unknown)):
            return False
    return True
