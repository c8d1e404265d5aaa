"""One mutant, tried by a child of the process that has collected the tests."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import resource
import select
import signal
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

import pytest

from .mutants import Mutant, compiled
from .recording import ARGUMENTS, Recording

BUDGET = 12.0
"""Seconds of recorded tests that a mutant gets, the quickest first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`killer`: the test that failed, or what else ended the mutant; `left`: tests not run."""

    mutant: Mutant
    killer: str | None
    left: int


@dataclass
class Child:
    """A mutant that is being tried."""

    mutant: Mutant
    pid: int
    pipe: int
    deadline: float
    left: int
    said: bytes = b""


class Trials:
    """Is a pytest plugin while the tests are collected; then it forks for each mutant."""

    def __init__(self, recording: Recording, at_once: int) -> None:
        self.recording = recording
        self.at_once = at_once
        self.items: dict[str, pytest.Item] = {}
        self.functions: dict[tuple[str, str, int], list[FunctionType]] = {}
        self.killers: dict[str, list[str]] = {}
        self.outcomes: list[Outcome] = []
        self.mutants: Sequence[Mutant] = ()
        self.failed = False

    def run(self, mutants: Sequence[Mutant], tests: Sequence[str]) -> list[Outcome]:
        """All of them."""
        self.mutants = mutants
        with tempfile.TemporaryDirectory() as scratch:
            pytest.main([*ARGUMENTS, f"--basetemp={scratch}/base", *tests], plugins=[self])
        return self.outcomes

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed = self.failed or report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of running them all."""
        self.items = {item.nodeid: item for item in session.items}
        self._know_functions()
        waiting = list(reversed(self.mutants))
        children: list[Child] = []
        while waiting or children:
            while waiting and len(children) < self.at_once:
                mutant = waiting.pop()
                tests = self._chosen(mutant)
                if tests:
                    children.append(self._fork(mutant, tests))
                else:
                    self._ended(Outcome(mutant, None, 0))
            children = [child for child in children if not self._over(child)]
        return True

    def _know_functions(self) -> None:
        package = importlib.import_module("eswitch")
        for module in pkgutil.walk_packages(package.__path__, "eswitch."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        for each in gc.get_objects():
            if isinstance(each, FunctionType):
                code = each.__code__
                key = (code.co_filename, code.co_qualname, code.co_firstlineno)
                self.functions.setdefault(key, []).append(each)
        gc.collect()
        gc.freeze()

    def _chosen(self, mutant: Mutant) -> list[str]:
        """What killed others of the function comes first, then the quickest."""
        path = str(Path(mutant.path).absolute())
        quick = self.recording.tests(path, mutant.lines)
        known = set(quick)
        proven = [test for test in self.killers.get(mutant.function, ()) if test in known]
        return list(dict.fromkeys([*proven, *quick]))

    def _fork(self, mutant: Mutant, tests: list[str]) -> Child:
        chosen: list[str] = []
        expected = 0.0
        for test in tests:
            if chosen and expected > BUDGET:
                break
            chosen.append(test)
            expected += self.recording.seconds[test]
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            self._be_a_child(mutant, chosen, theirs, 5 + int(2 * expected))
        os.close(theirs)
        deadline = time.monotonic() + 60 + 20 * expected
        return Child(mutant, pid, ours, deadline, len(tests) - len(chosen))

    def _be_a_child(self, mutant: Mutant, tests: list[str], pipe: int, seconds: int) -> None:
        said = "cannot be made"
        try:
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            if self._change(mutant):
                said = self._first_failure(tests)
        except BaseException as error:  # noqa: BLE001 (whatever it is, it is what the mutant does)
            said = f"killed {type(error).__name__}"
        finally:
            os.write(pipe, said.encode())
            os._exit(0)

    def _change(self, mutant: Mutant) -> bool:
        path = str(Path(mutant.path).absolute())
        source = Path(path).read_text()
        qualified, line, code = compiled(source, mutant.number, path)
        found = self.functions.get((path, qualified, line), [])
        for function in found:
            if function.__code__.co_freevars != code.co_freevars:
                return False
            function.__code__ = code
        return bool(found)

    def _first_failure(self, tests: list[str]) -> str:
        for test in tests:
            item = self.items[test]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if self.failed:
                return f"killed {test}"
        return "survived"

    def _over(self, child: Child) -> bool:
        """Wait a little; true if it has ended, or was made to."""
        ready, _, _ = select.select([child.pipe], [], [], 0.02)
        if ready:
            more = os.read(child.pipe, 65536)
            child.said += more
            if more:
                return False
        elif time.monotonic() < child.deadline:
            return False
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        os.close(child.pipe)
        word, _, rest = (child.said or b"killed time limit").decode().partition(" ")
        if word == "cannot":
            self._ended(Outcome(child.mutant, "cannot be made", child.left))
        else:
            self._ended(Outcome(child.mutant, rest if word == "killed" else None, child.left))
        return True

    def _ended(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        if outcome.killer in self.items:
            self.killers.setdefault(outcome.mutant.function, []).insert(0, str(outcome.killer))
        done = len(self.outcomes)
        if done % 25 == 0:
            lived = sum(each.killer is None for each in self.outcomes)
            print(f"  {done} of {len(self.mutants)}, {lived} survived", flush=True)
