"""`eswitch demo`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from eswitch.cli.program import verb
from eswitch.cli.session import Session
from eswitch.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eswitch.cli.performance import Performance
    from eswitch.cli.recorder import Recorder

_LOOK = 0.2
"""Seconds that a spectator gets after each thing that is typed."""
_SLOWER = 0.15
"""Seconds for each simulated second that a change takes, and the most of it."""
_LONGEST = 0.3


@verb("demo", examples=("eswitch demo", "eswitch demo --fast --html demo.html"))
@click.option("--fast", is_flag=True, help="No pauses (there are none without a terminal).")
@click.option(
    "--html",
    metavar="FILE",
    help="Write the story as one page with pictures, too; an old FILE is replaced.",
)
@click.pass_obj
def command(session: Session, *, fast: bool, html: str | None) -> int:
    """Tell the whole story on a simulated machine, from the bare box to flows in hardware.

    Real verbs, a simulated server: no root, no hardware, nothing of this computer is touched. Exit
    code: 1 if anything does not show what the story says.
    """
    from eswitch.cli.recorder import Recorder  # noqa: PLC0415

    if session.options.twin or session.options.twin_state:
        raise click.UsageError("the demo brings its own machine: leave --twin out")
    if html in ("", "-"):
        raise click.UsageError("--html wants the name of a file")
    if html is not None:
        _writing(html, session.here.check_writable)
    screen = Recorder(sys.stdout, session.here.environment, no_colour=session.options.no_colour)
    wait = _waiting(session, screen, fast=fast)
    play = _performance(session, screen, wait)
    try:
        play.play()
    except KeyboardInterrupt:
        said = "interrupted; only a simulated machine was touched"
        raise KeyboardInterrupt(said) from None
    if html is not None:
        _write(session, play, html)
    _close(screen, html)
    return 0


def _waiting(session: Session, screen: Recorder, *, fast: bool) -> Callable[[float], None]:
    """Sleeps, where somebody watches."""
    watched = screen.live and not fast

    def wait(seconds: float) -> None:
        if watched and seconds > 0 and not screen.gone:
            session.here.sleep(seconds)

    return wait


def _performance(session: Session, screen: Recorder, wait: Callable[[float], None]) -> Performance:
    from eswitch.cli.performance import Performance  # noqa: PLC0415
    from eswitch.cli.simulated import Simulated  # noqa: PLC0415
    from eswitch.demo.pace import Paced  # noqa: PLC0415
    from eswitch.demo.story import MACHINE  # noqa: PLC0415

    def took(seconds: float) -> None:
        wait(min(seconds * _SLOWER, _LONGEST))

    simulated = Simulated(session.here, MACHINE, None, lambda state: Paced(state, took))
    return Performance(screen, simulated, session.here, lambda: wait(_LOOK))


def _write(session: Session, play: Performance, path: str) -> None:
    from eswitch import __version__  # noqa: PLC0415
    from eswitch.demo.page import page  # noqa: PLC0415
    from eswitch.demo.story import MACHINE  # noqa: PLC0415

    text = page(play.scenes, __version__, MACHINE)
    _writing(path, lambda file: session.here.replace_file(file, text.encode()))


def _writing(path: str, write: Callable[[str], None]) -> None:
    try:
        write(path)
    except HostError as refusal:
        hint = refusal.hint or "name a file that you may write: --html demo.html"
        raise HostError(refusal.message, hint=hint, errno=refusal.errno) from None


def _close(screen: Recorder, html: str | None) -> None:
    from eswitch.cli.pages.demo import closing  # noqa: PLC0415
    from eswitch.demo.story import MACHINE  # noqa: PLC0415

    screen.show(closing(_called(sys.argv[0]), MACHINE, html))


def _called(name: str) -> str:
    """How this program is called again: `make demo` calls it by a path of its own."""
    by_path = name.endswith("/eswitch") and not name.startswith("/")
    return name if by_path else "eswitch"
