"""`eswitch twin`: what is done to a simulated machine that nobody can do to it through the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eswitch.cli.program import Seconds, Verb, VerbGroup, output, verb
from eswitch.cli.session import Session
from eswitch.errors import HostError, Unsupported

if TYPE_CHECKING:
    from eswitch.model.plain import Plain
    from eswitch.twin import Twin

LIST = "eswitch.twins/v1"
STATUS = "eswitch.twin-status/v1"
_KEEP = "eswitch --twin-state box.json twin"

_LARGEST = 1 << 20
"""Bytes of a file that is put."""


@click.group(
    "twin",
    cls=VerbGroup,
    shows=("--twin", "--twin-state"),
    examples=("eswitch --twin pve8-cx6dx --twin-state box.json plan", f"{_KEEP} reboot"),
)
def command() -> None:
    """What happens to a simulated machine from outside; all verbs work on one."""


def _add(function: Verb) -> None:
    command.add_command(function)


@_add
@verb("list", examples=("eswitch twin list", "eswitch --twin pve8-cx6dx show"))
@output
@click.pass_obj
def list_(session: Session) -> int:
    """List the machines that come with eswitch."""
    from eswitch.cli.pages.twin import list_page  # noqa: PLC0415
    from eswitch.twin import describe, names  # noqa: PLC0415

    found = {name: describe(name) for name in names()}
    listed: list[Plain] = [{"name": name, "about": about} for name, about in found.items()]
    session.answer(list_page(found), {"schema": LIST, "machines": listed})
    return 0


@_add
@verb("status", examples=(f"{_KEEP} status", "eswitch --twin pve8-cx6dx twin status"))
@output
@click.pass_obj
def status(session: Session) -> int:
    """Its firmware, boot loader and guests."""
    from eswitch.cli.pages.twin import status_document, status_page  # noqa: PLC0415

    state = session.simulated.twin.state
    session.answer(status_page(state), {"schema": STATUS, **status_document(state)})
    return 0


@_add
@verb("start", examples=(f"{_KEEP} start vm/101", f"{_KEEP} status"))
@click.argument("guest")
@click.pass_obj
def start(session: Session, guest: str) -> int:
    """Start GUEST: it takes its VF."""
    session.simulated.twin.start_guest(guest)
    session.out.say(f"{guest} runs")
    return 0


@_add
@verb("stop", examples=(f"{_KEEP} stop vm/101", f"{_KEEP} status"))
@click.argument("guest")
@click.pass_obj
def stop(session: Session, guest: str) -> int:
    """Stop GUEST: it lets its VF go."""
    session.simulated.twin.stop_guest(guest)
    session.out.say(f"{guest} is stopped")
    return 0


@_add
@verb("traffic", examples=(f"{_KEEP} traffic vm/101 outside", f"{_KEEP} traffic vm/101 ct/200"))
@click.argument("one")
@click.argument("other")
@click.option("-s", "--seconds", type=Seconds(0.1, 86400), default=60.0, show_default=True)
@click.option(
    "-r",
    "--rate",
    type=click.IntRange(1, 10**9),
    default=1000,
    show_default=True,
    help="Per second.",
)
@click.pass_obj
def traffic(session: Session, one: str, other: str, seconds: float, rate: int) -> int:
    """Let ONE and OTHER talk.

    Then look at `eswitch flows` and `eswitch verify`. Each is a guest (vm/101), a VF
    (enp7s0f0np0/0), a port, `host` (this host on the bridge of the other) or `outside` (beyond its
    uplink).
    """
    twin = session.simulated.twin
    twin.traffic(one, other, seconds=seconds, rate=rate)
    session.out.say(f"{one} and {other} talk, for {seconds:g} simulated seconds")
    return 0


@_add
@verb("run", examples=(f"{_KEEP} run dmesg", f"{_KEEP} run -- mstconfig -d 07:00.0 q"))
@click.argument("words", nargs=-1, required=True)
@click.pass_obj
def run(session: Session, words: tuple[str, ...]) -> int:
    """Type a command on it.

    As far as the twin knows it, such as `mstconfig -d 07:00.0 -y set SRIOV_EN=1 NUM_OF_VFS=8`,
    `update-grub`, `dmesg`, or what `eswitch plan --commands` prints (`echo VALUE ">" FILE` too).
    """
    from eswitch.twin import NotSimulated  # noqa: PLC0415

    try:
        return _type(session, session.simulated.twin, words)
    except NotSimulated as gap:
        hint = "the lab is a real machine: lab/vm shell"
        raise Unsupported(f"the twin cannot do that: {gap.args[0]}", hint=hint) from None


def _type(session: Session, twin: Twin, words: tuple[str, ...]) -> int:
    if len(words) == 4 and words[0] == "echo" and words[2] == ">":
        twin.write_attribute(words[3], words[1], 600.0)
        return 0
    if words[0] == "cat" and len(words) == 2:
        session.out.write(twin.read(words[1]) + "\n")
        return 0
    result = twin.run(words, ok=None)
    session.out.write(result.stdout)
    session.err.write(result.stderr)
    return result.status


@_add
@verb("put", examples=(f"{_KEEP} put grub /etc/default/grub", f"{_KEEP} run cat /etc/default/grub"))
@click.argument("file")
@click.argument("path")
@click.pass_obj
def put(session: Session, file: str, path: str) -> int:
    """Copy your FILE onto it, as PATH."""
    content = session.here.read_bytes(file, _LARGEST + 1)
    if len(content) > _LARGEST:
        raise HostError(f"{file} has more than {_LARGEST:,} bytes", hint="put something smaller")
    twin = session.simulated.twin
    _check_path(twin, path)
    twin.replace_file(path, content)
    session.out.say(f"{path} is as {file}")
    return 0


def _check_path(twin: Twin, path: str) -> None:
    from eswitch.model.typed import Unfit  # noqa: PLC0415
    from eswitch.twin.forms import check_path  # noqa: PLC0415

    try:
        check_path(path)
    except Unfit as wrong:
        raise Unsupported(str(wrong), hint=wrong.hint) from None
    try:
        twin.list(path)
    except HostError:
        pass
    else:
        hint = f"name the file in it: {path}/NAME"
        raise Unsupported(f"{path} is a directory of it", hint=hint)
    parents = path.split("/")[1:-1]
    for number in range(1, len(parents) + 1):
        parent = "/" + "/".join(parents[:number])
        if parent in twin.state.files:
            raise Unsupported(f"{parent} is a file of it, not a directory", hint="another PATH")


@_add
@verb("reboot", examples=(f"{_KEEP} reboot", f"{_KEEP} status"))
@click.pass_obj
def reboot(session: Session) -> int:
    """Reboot it.

    Modes, VFs and everything in sysfs go, and what waited in the firmware counts. On Proxmox VE the
    database of Open vSwitch goes too. Then: `eswitch apply`.
    """
    twin = session.simulated.twin
    twin.reboot()
    session.out.say(f"{twin.state.name} has booted; it is boot {twin.state.boots}")
    return 0
