"""What every verb gets: the host, the two streams, and how the user wants to be answered."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from eswitch.errors import HostError, NotConfirmed, Unsupported

from .screen import Line, Screen

if TYPE_CHECKING:
    from eswitch.errors import EswitchError
    from eswitch.host import Host
    from eswitch.model.plain import Plain

    from .simulated import Simulated


@dataclass
class Options:
    """The options that all verbs share."""

    output: str = "text"
    verbose: bool = False
    debug: bool = False
    no_colour: bool = False
    twin: str | None = None
    twin_state: str | None = None


@dataclass
class Session:
    """One run of one verb. Data goes to `out`, everything else to `err`.

    `here` is the machine that runs this: the terminal and the user's own files are there. `host` is
    the machine that the verb is about, the same one unless a simulated one was asked for. Used as a
    context, so that a simulated machine is kept at the end, however that comes.
    """

    here: Host
    options: Options = field(default_factory=Options)
    _out: Screen | None = None
    _err: Screen | None = None
    _simulated: Simulated | None = None
    _answered: bool = False
    _inner: bool = False

    @classmethod
    def played(cls, screen: Screen, simulated: Simulated) -> Self:
        """What a verb gets that is typed on a simulated machine: its files, and one screen."""
        return cls(simulated.twin, _out=screen, _err=screen, _simulated=simulated)

    @property
    def is_simulated(self) -> bool:
        """Whether there is a simulated machine by now."""
        return self._simulated is not None

    def within(self) -> Session:
        """For what this simulated machine runs by itself: told on `err`, and its machine is kept by
        this session alone."""
        options = Options(debug=self.options.debug, no_colour=self.options.no_colour)
        inner = Session(self.here, options, _out=self.err, _err=self.err, _simulated=self.simulated)
        inner._inner = True
        return inner

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *how: object) -> None:
        if self._simulated is not None and not self._inner:
            self._simulated.close()

    @property
    def host(self) -> Host:
        """The machine that the verb is about."""
        asked = (self._simulated, self.options.twin, self.options.twin_state)
        return self.here if all(each is None for each in asked) else self.simulated.twin

    @property
    def simulated(self) -> Simulated:
        """The simulated machine. Raises SpecError if none was asked for, or there is none."""
        if self._simulated is None:
            from .simulated import Simulated  # noqa: PLC0415 (only --twin pays for it)

            self._simulated = Simulated(self.here, self.options.twin, self.options.twin_state)
            self.err.say(f"twin: {self._simulated.title}")
        return self._simulated

    @property
    def out(self) -> Screen:
        """Standard output."""
        if self._out is None:
            off = self.options.no_colour
            self._out = Screen(sys.stdout, self.here.environment, no_colour=off)
        return self._out

    @property
    def err(self) -> Screen:
        """Standard error."""
        if self._err is None:
            off = self.options.no_colour
            self._err = Screen(sys.stderr, self.here.environment, no_colour=off)
        return self._err

    @property
    def as_text(self) -> bool:
        """True unless a machine reads the answer."""
        return self.options.output == "text"

    def answer(
        self, page: Iterable[Line], document: dict[str, Plain], *, anyhow: str | None = None
    ) -> None:
        """Print the answer once, as the user wants it: the page, or the document.

        Where that fails, the error says `anyhow`: what the user must know even without the answer.
        """
        self._answered = True
        try:
            self._print(page, document)
        except HostError as refusal:
            if anyhow is None:
                raise
            raise HostError(f"{refusal.message}; {anyhow}") from None

    def _print(self, page: Iterable[Line], document: dict[str, Plain]) -> None:
        if self.as_text:
            self.out.show(page)
        else:
            from .document import written  # noqa: PLC0415 (json and ruamel only when asked for)

            self.out.write(written(document, self.options.output))

    def refuse(self, error: EswitchError) -> None:
        """Tell a machine, unless it has its answer, that there is none, and why."""
        if not (self.as_text or self._answered):
            from .document import refusal  # noqa: PLC0415 (json and ruamel only when asked for)

            self.answer((), refusal(error))

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
