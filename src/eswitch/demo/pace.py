"""A twin that lets a spectator see what takes long on a real machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eswitch.host import Result
from eswitch.twin import Twin
from eswitch.twin.state import State


class Paced(Twin):
    """Tells `wait` how many simulated seconds each change took, while the change goes on."""

    def __init__(self, state: State, wait: Callable[[float], None]) -> None:
        super().__init__(state)
        self._wait = wait

    def write_attribute(self, path: str, value: str, timeout: float) -> None:
        """One write() to an existing attribute."""
        start = self.state.clock
        super().write_attribute(path, value, timeout)
        self._wait(self.state.clock - start)

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,
        timeout: float = 30.0,
        ok: Sequence[int] | None = (0,),
        whole: bool = False,
    ) -> Result:
        """Run a program."""
        start = self.state.clock
        result = super().run(argv, input=input, timeout=timeout, ok=ok, whole=whole)
        self._wait(self.state.clock - start)
        return result
