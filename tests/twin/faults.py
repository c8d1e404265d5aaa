"""A twin on which operations go wrong, by plan and always the same way."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import NoReturn, TypeVar

from eswitch.errors import TimedOut
from eswitch.host import Result
from eswitch.twin import Twin
from eswitch.twin.clock import advance
from eswitch.twin.nics import Blocks
from eswitch.twin.refusal import Refusal, strerror
from eswitch.twin.state import State

Answer = TypeVar("Answer")

_READING = frozenset(
    (
        *("show", "list", "get", "dump-flows", "-json", "--json", "settle", "dmesg"),
        *("q", "modinfo", "sha256sum", "status", "--version", "is-active", "--test-key"),
    )
)


class Kind(StrEnum):
    """How an operation goes wrong."""

    FAIL = "fail"  # refused, nothing happened
    HANG = "hang"  # no answer in time, nothing happened
    LATE = "late"  # no answer in time, but it happened
    HALF = "half"  # half of it happened, and it is reported as failed (VFs: as done)
    LIE = "lie"  # reported as done, nothing happened
    POWER = "power"  # it happened, and then the machine lost power


class PowerLoss(BaseException):
    """The machine has no power: nothing can be asked of it until it boots.

    A BaseException, like KeyboardInterrupt: the program under test is gone, so none of its handlers
    for errors of its own may catch it.
    """


@dataclass(frozen=True, slots=True)
class Fault:
    """Goes off at the `after`-th operation (from 0) among those whose text contains `matching`.

    With `changes` only operations that change something are counted. `times` is for how many of
    them in a row; `errno` what the kernel says, where it says something.
    """

    kind: Kind
    after: int = 0
    matching: str = ""
    changes: bool = True
    times: int = 1
    errno: int = errno.EIO


class Plan:
    """Faults that are still to come, each with the operations that it has seen."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._seen = [(fault, 0) for fault in faults]

    def next(self, operation: str, *, change: bool) -> Fault | None:
        """The fault for this operation; the first one planned if there are several."""
        found = None
        seen = []
        for fault, count in self._seen:
            counted = fault.matching in operation and (change or not fault.changes)
            due = counted and fault.after <= count < fault.after + fault.times
            if due and found is None:
                found = fault
            seen.append((fault, count + counted))
        self._seen = seen
        return found


class FaultyTwin(Twin):
    """Raises PowerLoss for everything between a loss of power and `reboot`."""

    def __init__(self, state: State, faults: Iterable[Fault] = ()) -> None:
        super().__init__(state)
        self.faults = Plan(faults)
        self.powered = True
        self._due: Fault | None = None

    @property
    def _kind(self) -> Kind | None:
        return self._due.kind if self._due else None

    def _begin(self, operation: str) -> None:
        if not self.powered:
            raise PowerLoss("the machine has no power")
        super()._begin(operation)
        self._due = self.faults.next(operation, change=_changes(operation))

    def _lose_power(self) -> NoReturn:
        self.powered = False
        raise PowerLoss("the machine has lost power")

    def _refuse(self) -> NoReturn:
        assert self._due is not None
        raise Refusal(self._due.errno)

    def reboot(self) -> None:
        self.powered = True
        super().reboot()

    def sleep(self, seconds: float) -> None:
        if not self.powered:
            raise PowerLoss("the machine has no power")
        super().sleep(seconds)

    def _look(self, verb: str, path: str, look: Callable[[], Answer]) -> Answer:
        """Whatever goes wrong with it is a failure."""

        def looked() -> Answer:
            if self._kind is Kind.POWER:
                self._lose_power()
            if self._due is not None:
                self._refuse()
            return look()

        return super()._look(verb, path, looked)

    def _write(self, path: str, value: str) -> None:
        if self._kind is Kind.FAIL:
            self._refuse()
        if self._kind is Kind.HANG:
            raise Blocks
        vfs = self._kind is Kind.HALF and path.endswith("/sriov_numvfs") and value.isdecimal()
        if vfs:
            super()._write(path, str(ceil(int(value) / 2)))
            self.state.say(f"{path}: {value} VFs requested; only {ceil(int(value) / 2)} enabled")
        elif self._kind is not Kind.LIE:
            super()._write(path, value)
        if self._kind is Kind.POWER:
            self._lose_power()
        if self._kind is Kind.LATE:
            raise Blocks
        if self._kind is Kind.HALF and not vfs:
            self._refuse()

    def _store(self, path: str, text: str | None) -> None:
        """An append may stop half way, a replacement or removal cannot. Disks do not lie here."""
        append = self.operations[-1].startswith("append")
        if self._kind in (Kind.FAIL, Kind.HANG) or (self._kind is Kind.HALF and text is None):
            self._refuse()
        if text is not None and append and self._kind in (Kind.HALF, Kind.POWER):
            old = self.state.files.get(path, "")
            text = text[: len(old) + (len(text) - len(old)) // 2]
        super()._store(path, text)
        if self._kind is Kind.POWER:
            self._lose_power()
        if self._kind is Kind.HALF:
            raise Refusal(errno.ENOSPC)

    def _play(self, argv: Sequence[str], input: str | None, timeout: float) -> Result:
        fault = self._due
        if fault is None:
            return super()._play(argv, input, timeout)
        if fault.kind is Kind.LIE:
            return Result(0, "", "")
        if fault.kind is Kind.HALF:
            return self._half(argv, input, timeout)
        if fault.kind in (Kind.LATE, Kind.POWER):
            super()._play(argv, input, timeout)
        if fault.kind is Kind.POWER:
            self._lose_power()
        if fault.kind in (Kind.LATE, Kind.HANG):
            advance(self.state, timeout)
            raise TimedOut(f"`{argv[0]}` did not end within {timeout:g} s")
        return Result(1, "", f"{argv[0]}: {strerror(fault.errno)}\n")

    def _half(self, argv: Sequence[str], input: str | None, timeout: float) -> Result:
        """The first half of a batch; of anything else the whole, reported as failed."""
        assert self._due is not None
        lines = (input or "").splitlines(keepends=True)
        half = len(lines) // 2
        words = f"{argv[0]}: {strerror(self._due.errno)}\n"
        if len(lines) < 2:
            super()._play(argv, input, timeout)
            return Result(1, "", words)
        done = super()._play(argv, "".join(lines[:half]), timeout)
        return Result(1, done.stdout, f"{done.stderr}{words}Command failed -:{half + 1}\n")


def _changes(operation: str) -> bool:
    """Whether an operation changes something."""
    verb, *words = operation.split()
    if verb != "run":
        return verb in ("write", "replace", "remove", "append")
    words = operation.partition(" <<< ")[0].split()[1:]
    reading = any(word in _READING or word.startswith("dpctl/") for word in words)
    return not (reading or words[:2] == ["ethtool", "-k"])
