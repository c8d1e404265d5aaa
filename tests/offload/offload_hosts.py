"""A host that answers commands from a script and whose clock moves only when somebody sleeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eswitch.errors import CommandFailed, HostError
from eswitch.host import Result

Answer = str | HostError | Result | Callable[[float], str]


class ScriptedHost:
    """`answers` maps the beginning of a command line to what it prints or raises."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.answers = answers
        self.clock = 1000.0
        self.ran: list[str] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,
        timeout: float = 30.0,
        ok: Sequence[int] | None = (0,),
    ) -> Result:
        assert input is None
        assert timeout > 0
        line = " ".join(argv)
        self.ran.append(line)
        key = max((key for key in self.answers if line.startswith(key)), key=len)
        answer = self.answers[key]
        if callable(answer):
            answer = answer(self.clock)
        if isinstance(answer, HostError):
            raise answer
        result = Result(0, answer, "") if isinstance(answer, str) else answer
        if ok is not None and result.status not in ok:
            raise CommandFailed(argv, result.status, result.stdout, result.stderr)
        return result

    def monotonic(self) -> float:
        return self.clock

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.clock += seconds
