"""What every verb gets: the host, the two streams, and how the user wants to be answered."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eswitch.errors import NotConfirmed, Unsupported

from .screen import Line, Screen

if TYPE_CHECKING:
    from eswitch.host import Host
    from eswitch.model.plain import Plain


@dataclass
class Options:
    """The options that all verbs share."""

    output: str = "text"
    verbose: bool = False
    debug: bool = False
    no_colour: bool = False


@dataclass
class Session:
    """One run of one verb. Data goes to `out`, everything else to `err`."""

    host: Host
    options: Options = field(default_factory=Options)
    _out: Screen | None = None
    _err: Screen | None = None

    @property
    def out(self) -> Screen:
        """Standard output."""
        if self._out is None:
            off = self.options.no_colour
            self._out = Screen(sys.stdout, self.host.environment, no_colour=off)
        return self._out

    @property
    def err(self) -> Screen:
        """Standard error."""
        if self._err is None:
            off = self.options.no_colour
            self._err = Screen(sys.stderr, self.host.environment, no_colour=off)
        return self._err

    @property
    def as_text(self) -> bool:
        """True unless a machine reads the answer."""
        return self.options.output == "text"

    def answer(self, page: Iterable[Line], document: dict[str, Plain]) -> None:
        """Print the answer once, as the user wants it: the page, or the document."""
        if self.as_text:
            self.out.show(page)
        else:
            from .document import written  # noqa: PLC0415 (json and ruamel only when asked for)

            self.out.write(written(document, self.options.output))

    def need_root(self, verb: str) -> None:
        """Raises Unsupported unless this user may change the network."""
        if not self.host.is_root():
            raise Unsupported(
                f"`eswitch {verb}` changes the network, and only root may; nothing was touched",
                hint=f"as root: eswitch {verb}",
            )

    def hint_root(self) -> None:
        """Say once that some things may be hidden from this user."""
        if not self.host.is_root():
            self.err.say("note: not root: what only root may see is shown as unknown")

    def confirm(self, question: str) -> bool:
        """Ask a person. Without one at both ends (stdin and stderr) there is nobody to agree."""
        if not (sys.stdin and sys.stdin.isatty() and self.err.is_terminal):
            raise NotConfirmed(
                "nobody is here to be asked (no terminal); nothing was touched",
                hint="add --yes to agree",
            )
        self.err.write(f"{question} [y/N] ")
        said = sys.stdin.readline()
        if not said.endswith("\n"):
            self.err.write("\n")
        return said.strip().lower() in ("y", "yes")
