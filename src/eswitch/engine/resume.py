"""Goes on after a reboot, once: what is remembered over it, and the unit that starts it.

On disk, only between an apply that reboots and the one that goes on:

    /var/lib/eswitch/resume.json                    what was to be done, for whom, and how often
    /etc/systemd/system/eswitch-resume.service      runs `eswitch apply --resume`

Both go away at the end, however that end is. Nothing here can loop: a record is good for two
reboots and three starts, each counted on the disk before anything else happens, and an apply that
finds what the reboot was for undone does not reboot again (peers.md c.15, c.16).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import cast

from eswitch.errors import HostError, NotEffective, NotFound, Refused
from eswitch.host import Host
from eswitch.model.plain import Plain, to_plain
from eswitch.model.plan import Pending

RECORD = "/var/lib/eswitch/resume.json"
UNIT = "eswitch-resume.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
SCHEMA = "eswitch.resume/v1"
MOST_REBOOTS = 2
_MOST_STARTS = MOST_REBOOTS + 1
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_LOST = ("/tmp/", "/run/", "/dev/", "/proc/", "/sys/")  # noqa: S108
"""Where files do not outlive a reboot, or may not (Debian 13 keeps /tmp in memory)."""

_UNIT = """\
# Written by `eswitch apply --reboot`; it removes this file when it is done.
[Unit]
Description=eswitch: go on with the apply for which this host was rebooted
ConditionPathExists={record}
After=network.target systemd-modules-load.service
After=openvswitch-switch.service ovs-vswitchd.service pve-cluster.service
Before=pve-guests.service

[Service]
Type=oneshot
ExecStart={command}
SuccessExitStatus=8

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True, slots=True)
class Resume:
    """An apply that a reboot has interrupted on purpose.

    `spec` is the file's absolute path, `sha256` that of its content when it was agreed to, `boot`
    the kernel's id of the boot in which this was written. `expected` is what the reboot is for,
    `agreed` the steps that somebody may notice and that were agreed to, `sessions` the addresses
    by which the administrator came in.
    """

    spec: str
    sha256: str
    boot: str
    program: tuple[str, ...]
    expected: tuple[Pending, ...] = ()
    agreed: tuple[tuple[str, str], ...] = ()
    sessions: tuple[str, ...] = ()
    reboots: int = 0
    starts: int = 0


def boot_id(host: Host) -> str:
    """The kernel's random id of this boot."""
    return host.read(_BOOT_ID).strip()


def refuse_fleeting(spec: str) -> None:
    """Raises Refused for a spec that will not be there after a reboot."""
    if spec == "-" or not spec.startswith("/"):
        what = "a spec from standard input"
    elif spec.startswith(_LOST):
        what = spec
    else:
        return
    raise Refused(
        f"{what} will not be there after the reboot; nothing was touched",
        hint="put it into a file that stays, such as /etc/eswitch/eswitch.yaml",
    )


def arm(host: Host, record: Resume) -> None:
    """Remember it, and have systemd go on at the next boot. The record is on the disk first: a unit
    without one does nothing."""
    command = " ".join(quote(word) for word in (*record.program, "apply", "--resume"))
    _write(host, record)
    unit = _UNIT.format(record=RECORD, command=command.replace("%", "%%"))
    host.replace_file(UNIT_FILE, unit.encode())
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "enable", UNIT])


def reboot(host: Host) -> None:
    """Ask systemd for it; raises CommandFailed if somebody inhibits a shutdown (an upgrade)."""
    try:
        host.run(["systemctl", "reboot", "--check-inhibitors=yes"], timeout=60.0)
    except HostError as refusal:
        refusal.hint = refusal.hint or "`systemd-inhibit --list` names who forbids it"
        raise


def disarm(host: Host) -> None:
    """Forget it: no unit, no record. Tolerates what is gone already."""
    host.run(["systemctl", "disable", UNIT], ok=None)
    host.remove_file(UNIT_FILE)
    host.remove_file(RECORD)
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
        data["expected"] = tuple(Pending(**each) for each in data["expected"])
        data["agreed"] = tuple((str(one), str(other)) for one, other in data["agreed"])
        for key in ("program", "sessions"):
            data[key] = tuple(str(word) for word in data[key])
        return Resume(**data)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise HostError("it is not what eswitch wrote", where=RECORD) from None


def is_armed(host: Host) -> bool:
    """Whether something is to go on at the next boot."""
    try:
        host.read(RECORD)
    except NotFound:
        return False
    return True


def begin(host: Host, record: Resume, sha256: str | None) -> Resume:
    """Count this start, on the disk, before anything else happens. `sha256` is that of the spec as
    it is now, None if it cannot be read.

    Raises NotEffective if there were too many, if nobody has rebooted, or if the spec is not the
    one that was agreed to.
    """
    if record.boot == boot_id(host):
        raise NotEffective("this host has not been rebooted since", hint="systemctl reboot")
    record = replace(record, starts=record.starts + 1)
    if record.starts > _MOST_STARTS:
        message = f"it was begun {_MOST_STARTS} times already, and did not come to its end"
        raise NotEffective(message, hint="`eswitch plan` shows what is left")
    _write(host, record)
    if sha256 != record.sha256:
        how = "cannot be read any more" if sha256 is None else "was changed since it was agreed to"
        raise NotEffective(
            f"the spec {how}, so nothing is done by itself",
            where=record.spec,
            hint=f"eswitch plan {record.spec}, then eswitch apply {record.spec}",
        )
    return record


def again(host: Host, record: Resume, pending: Sequence[Pending]) -> Resume:
    """The record for one reboot more. Raises NotEffective after too many."""
    if record.reboots >= MOST_REBOOTS:
        lines = "\n".join(f"  {each}" for each in pending)
        raise NotEffective(
            f"{MOST_REBOOTS} reboots were not enough, and eswitch makes no more by itself; "
            f"another one is due for:\n{lines}",
            hint="reboot when it suits you, then apply again",
        )
    return replace(record, expected=tuple(pending), reboots=record.reboots + 1, boot=boot_id(host))


def _write(host: Host, record: Resume) -> None:
    plain = cast("dict[str, Plain]", to_plain(record))
    text = json.dumps({"schema": SCHEMA, **plain}, indent=1) + "\n"
    host.replace_file(RECORD, text.encode(), mode=0o600)
