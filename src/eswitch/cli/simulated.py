"""The simulated machine of one command, and the file that it is kept in between commands."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from eswitch.errors import NotFound, SpecError
from eswitch.twin import Twin, open_machine, parse, saved

if TYPE_CHECKING:
    from collections.abc import Callable

    from eswitch.host import Host
    from eswitch.twin.state import State

_LARGEST = 64 << 20


class Simulated:
    """A twin as `--twin NAME|FILE` and `--twin-state FILE` ask for it.

    Without a file each command begins with the machine as delivered. With one, the machine of the
    last command goes on; `--twin` is then needed only the first time. The file is locked meanwhile.
    """

    def __init__(
        self,
        here: Host,
        machine: str | None,
        file: str | None,
        make: Callable[[State], Twin] = Twin,
    ) -> None:
        self._here = here
        self._file = file
        with ExitStack() as held:
            if file is not None:
                here.check_writable(file)
                held.enter_context(here.lock(f"{file}.lock", keep=False))
            self.twin = make(self._kept(machine) or self._delivered(machine))
            self._held = held.pop_all()

    @property
    def title(self) -> str:
        """One line on what this is: nobody may take it for a real machine."""
        state = self.twin.state
        since = f", {state.clock:.0f} simulated seconds old" if state.clock else ""
        return f"simulated machine {state.name}{since}"

    def close(self) -> None:
        """Keep the machine, if it has a file."""
        with self._held:
            if self._file is not None:
                self._here.replace_file(self._file, saved.to_json(self.twin.state).encode())

    def _kept(self, machine: str | None) -> State | None:
        if self._file is None:
            return None
        try:
            text = self._here.read_bytes(self._file, _LARGEST).decode()
        except NotFound:
            return None
        except UnicodeDecodeError:
            raise saved.no_state("it is not UTF-8", self._file) from None
        state = saved.from_json(text, self._file)
        if machine is not None and _short(machine) != state.name:
            hint = f"leave --twin out to go on with it, or name another file than {self._file}"
            raise SpecError(
                f"it holds a {state.name}, not a {machine}", where=self._file, hint=hint
            )
        return state

    def _delivered(self, machine: str | None) -> State:
        if machine is None:
            hint = "say which machine: --twin NAME (`eswitch twin list`)"
            raise SpecError("there is no simulated machine yet", where=self._file, hint=hint)
        if "/" not in machine and not machine.endswith((".yaml", ".yml")):
            return open_machine(machine)
        try:
            text = self._here.read_bytes(machine, _LARGEST).decode()
        except NotFound:
            hint = "`eswitch twin list` names the machines that come with eswitch"
            raise SpecError("there is no such file", where=machine, hint=hint) from None
        except UnicodeDecodeError:
            raise SpecError("it is not UTF-8", where=machine) from None
        return parse(text, machine)


def _short(machine: str) -> str:
    return machine.rpartition("/")[2].removesuffix(".yaml").removesuffix(".yml")
