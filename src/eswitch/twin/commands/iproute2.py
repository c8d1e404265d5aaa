"""What `ip`, `devlink` and `tc` have in common: options, then one command or a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from eswitch.host import Result
from eswitch.twin.state import State

from .tool import NotSimulated, Words, batch, ended


class Iproute2:
    """One process of such a tool.

    `flags` are the options that it takes besides, each with the attribute that it sets (None: it
    makes no difference here); `force` are the spellings of that option, which differ.
    """

    name: ClassVar[str]
    flags: ClassVar[dict[str, str | None]] = {}
    force: ClassVar[tuple[str, ...]] = ("force",)

    def __init__(self, state: State) -> None:
        self.state = state
        self.json = False

    def main(self, argv: Sequence[str], input: str | None) -> Result:
        """Run it; raises NotSimulated for what the twin does not play."""
        words = Words(argv[1:])
        from_stdin = force = False
        while words.peek().startswith("-"):
            option = words.take().lstrip("-")
            if option in ("json", "j"):
                self.json = True
            elif option in ("batch", "b"):
                from_stdin = words.take() == "-"
            elif option in self.force:
                force = True
            elif option in self.flags:
                self._switch(self.flags[option])
            else:
                raise NotSimulated(f"{self.name} -{option}")
        if from_stdin:
            return self.batch(input or "", force=force)
        return ended(self.run, words.rest())

    def _switch(self, attribute: str | None) -> None:
        if attribute is not None:
            setattr(self, attribute, True)

    def batch(self, text: str, *, force: bool) -> Result:
        """All lines of the standard input."""
        return batch(self.run, text, force=force)

    def run(self, words: Sequence[str]) -> str:
        """One command; returns what it prints, raises Failed."""
        raise NotImplementedError
