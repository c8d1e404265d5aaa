"""`eswitch twin`: what is done to a simulated machine that nobody can do to it through the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eswitch.cli.program import Verb, VerbGroup, verb
from eswitch.cli.session import Session
from eswitch.errors import Unsupported

if TYPE_CHECKING:
    from eswitch.twin import Twin

_KEEP = "eswitch --twin-state box.json twin"


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
@click.pass_obj
def list_(session: Session) -> int:
    """List the machines that come with eswitch."""
    from eswitch.cli.layout import table  # noqa: PLC0415
    from eswitch.cli.screen import strong  # noqa: PLC0415
    from eswitch.twin import describe, names  # noqa: PLC0415

    rows = [(strong(name), describe(name)) for name in names()]
    session.out.show(table(("name", "what it is"), rows))
    return 0


@_add
@verb("status", examples=(f"{_KEEP} status", "eswitch --twin pve8-cx6dx twin status"))
@click.pass_obj
def status(session: Session) -> int:
    """Its firmware, boot loader and guests."""
    from eswitch.cli.pages.twin import status_page  # noqa: PLC0415

    session.out.show(status_page(session.simulated.twin.state))
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
@click.option("-s", "--seconds", type=click.FloatRange(0.1, 86400), default=60.0, show_default=True)
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
    content = session.here.read_bytes(file, 1 << 20)
    session.simulated.twin.replace_file(path, content)
    session.out.say(f"{path} is as {file}")
    return 0


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
