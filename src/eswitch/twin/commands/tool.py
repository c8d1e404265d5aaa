"""What the simulated tools share: how they end, and batches of iproute2."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from eswitch.host import Result
from eswitch.twin.refusal import Refusal


class NotSimulated(LookupError):
    """The twin does not know this. Not a HostError: nobody must take a gap in the simulation for a
    fact about a host."""


class Failed(Exception):
    """A tool gives up: its words on stderr, without the last newline, its exit status, and what it
    had printed until then."""

    def __init__(self, stderr: str, status: int, stdout: str = "") -> None:
        super().__init__(stderr)
        self.stderr = stderr
        self.status = status
        self.stdout = stdout


Run = Callable[[Sequence[str]], str]
"""Runs the words of one command and returns what it prints; raises Failed."""


def sentence(extack: str) -> str:
    """The kernel's text as libnetlink prints it: it ends with a full stop."""
    return f"Error: {extack}" + ("" if extack.endswith(".") else ".")


def rtnetlink(refusal: Refusal) -> Failed:
    """How ip and tc show a refusal of the kernel: extack alone if there is one, status 2."""
    words = sentence(refusal.extack) if refusal.extack else f"RTNETLINK answers: {refusal.words}"
    return Failed(words, 2)


def ended(run: Run, words: Sequence[str]) -> Result:
    """One command as a process."""
    try:
        return Result(0, run(words), "")
    except Failed as failed:
        stderr = f"{failed.stderr}\n" if failed.stderr else ""
        return Result(failed.status, failed.stdout, stderr)


def batch(run: Run, text: str, *, force: bool, glue: str = "") -> Result:
    """A batch of ip, tc or devlink from standard input: it stops at the first line that fails,
    unless forced, and what it did before stays done. `glue` stands between two answers."""
    out: list[str] = []
    err: list[str] = []
    for number, line in enumerate(_lines(text), 1):
        words = line.split()
        if not words:
            continue
        try:
            out.append(run(words))
        except Failed as failed:
            out.append(failed.stdout)
            err.append(f"{failed.stderr}\nCommand failed -:{number}\n")
            if not force:
                break
    return Result(1 if err else 0, glue.join(part for part in out if part), "".join(err))


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield line.partition("#")[0]


class Words:
    """The words of a command, taken one by one."""

    def __init__(self, words: Sequence[str]) -> None:
        self._left = list(words)
        self.whole = " ".join(words)

    def __bool__(self) -> bool:
        return bool(self._left)

    def peek(self) -> str:
        """The next word, or nothing at the end."""
        return self._left[0] if self._left else ""

    def take(self) -> str:
        """The next word. Raises Failed at the end, as iproute2 does."""
        if not self._left:
            raise Failed('Command line is not complete. Try option "help"', 255)
        return self._left.pop(0)

    def skip(self, *words: str) -> bool:
        """Take the next word if it is one of these."""
        if self.peek() in words:
            self._left.pop(0)
            return True
        return False

    def rest(self) -> list[str]:
        """All that is left."""
        left, self._left = self._left, []
        return left

    def unknown(self) -> NotSimulated:
        """For a word that the real tool may know and this one does not."""
        return NotSimulated(f"`{self.whole}`: the twin does not know `{self.peek()}` there")
