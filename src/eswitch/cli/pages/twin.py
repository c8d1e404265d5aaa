"""The page of `twin status`: what a simulated machine has inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from eswitch.cli.layout import table
from eswitch.cli.screen import Line, Span, faint, line, strong, warn
from eswitch.model.plain import Plain, to_plain
from eswitch.twin.state import Guest, State


def list_page(machines: Mapping[str, str]) -> list[Line]:
    """The machines that come with eswitch."""
    rows = [(strong(name), about) for name, about in machines.items()]
    return table(("name", "what it is"), rows)


def status_document(state: State) -> dict[str, Plain]:
    """What `status_page` shows, for machines."""
    return {
        "name": state.name,
        "about": state.about,
        "boots": state.boots,
        "clock": state.clock,
        "kernel": {
            "release": state.kernel.release,
            "cmdline": state.kernel.cmdline,
            "next_cmdline": state.kernel.next_cmdline,
        },
        "loader": state.platform.loader,
        "secure_boot": state.platform.secure_boot,
        "firmware": to_plain(
            {
                name: {"current": card.current, "next_boot": card.pending}
                for name, card in state.cards.items()
            }
        ),
        "guests": to_plain(list(state.guests.values())),
        "incidents": to_plain(state.incidents),
    }


def status_page(state: State) -> list[Line]:
    """Firmware with what waits for a boot, the kernel's command line, guests, incidents."""
    lines = [line(strong(state.name), f"  {state.about}", hang=2), line()]
    lines += table(("", ""), list(_facts(state)))[1:]
    rows = list(_firmware(state))
    if rows:
        lines += [line(), line(strong("firmware"))]
        lines += table(("card", "parameter", "current", "at next boot"), rows)
    if state.guests:
        lines += [line(), line(strong("guests"))]
        rows = [_guest(guest) for guest in state.guests.values()]
        lines += table(("guest", "holds", "state"), rows)
    lines += [line(warn("incident: "), text) for text in state.incidents]
    return lines


def _facts(state: State) -> Iterator[tuple[str, str]]:
    yield "boots", str(state.boots)
    yield "clock", f"{state.clock:.0f} s"
    yield "kernel", state.kernel.release
    yield "command line", state.kernel.cmdline
    if state.kernel.next_cmdline != state.kernel.cmdline:
        yield "at next boot", state.kernel.next_cmdline
    yield "boot loader", state.platform.loader
    yield "Secure Boot", "on" if state.platform.secure_boot else "off"


def _firmware(state: State) -> Iterator[tuple[str | Span, ...]]:
    for name, card in state.cards.items():
        for key, value in card.current.items():
            later = card.pending[key]
            yield name, key, value, warn(later) if later != value else faint(later)


def _guest(guest: Guest) -> tuple[str | Span, ...]:
    holds = f"VF {guest.vf} of {guest.pf}" if guest.pf else f"a port of {guest.bridge}"
    runs = "running" if guest.pid else f"stopped ({guest.trouble})" if guest.trouble else "stopped"
    return guest.name, holds, runs
