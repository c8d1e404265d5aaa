"""`make mutation`: the score of each package, and every mutant that no test noticed.

usage: python -m mutate [--sample N] [--seed N] [--only FUNCTION_PREFIX]... [--tests PATH...]
       python -m mutate --list ...
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .mutants import Mutant, mutants
from .recording import record, recording
from .trial import BUDGET, Outcome, Trials

PROGRAM = Path("src/eswitch")
PACKAGES = ("stages", "topology", "spec", "offload", "engine")
ALLOWED = Path("tests/mutation/allowed.toml")
# The lives take minutes and reach everything by luck: what they alone notice deserves a test that
# says what is wrong. tests/lab, tests/host and tests/parity do not run these packages.
TESTS = tuple(f"tests/{name}" for name in (*("stages", "spec", "offload", "engine"), "twin", "cli"))
LEFT_OUT = ("tests/twin/test_life.py", "tests/twin/test_bare_life.py")


@dataclass(frozen=True)
class Tally:
    """Of one package, or of all."""

    outcomes: Sequence[Outcome]
    allowed: frozenset[str]

    @property
    def made(self) -> list[Outcome]:
        return [
            each
            for each in self.outcomes
            if each.killer != "cannot be made" and each.mutant.name not in self.allowed
        ]

    @property
    def survivors(self) -> list[Outcome]:
        return [each for each in self.made if each.killer is None]

    def line(self, name: str) -> str:
        """For the table."""
        made, lived = len(self.made), len(self.survivors)
        score = f"{100 * (made - lived) / made:5.1f} %" if made else "    -"
        return f"{name:<10}{score:>8}{made:>7} run{lived:>6} survived"


def all_mutants() -> list[Mutant]:
    """Of the packages that decide."""
    found = []
    for package in PACKAGES:
        for path in sorted((PROGRAM / package).rglob("*.py")):
            module = ".".join(path.relative_to(PROGRAM).with_suffix("").parts)
            found += mutants(str(path), module.removesuffix(".__init__"), path.read_text())
    return found


def main(argv: Sequence[str]) -> int:
    """Find, run, report."""
    if argv[:1] == ["--record"]:
        record(argv[2:], Path(argv[1]))
        return 0
    parser = argparse.ArgumentParser(prog="mutate")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--tests", nargs="+", default=TESTS)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args(argv)
    found = all_mutants()
    allowed = {each["mutant"]: each["reason"] for each in _entries()}
    stale = allowed.keys() - {each.name for each in found}
    if options.only:
        found = [each for each in found if each.function.startswith(tuple(options.only))]
    chosen = found
    if 0 < options.sample < len(found):
        chosen = random.Random(options.seed).sample(found, options.sample)
    print(f"{len(found)} mutants, {len(chosen)} of them are run (seed {options.seed})")
    if options.list:
        print("\n".join(each.name for each in chosen))
        return 0
    begin = time.monotonic()
    tests = [*options.tests, *(f"--ignore={path}" for path in LEFT_OUT)]
    at_once = len(os.sched_getaffinity(0))
    outcomes = Trials(recording(tests), at_once).run(chosen, tests)
    _report(outcomes, frozenset(allowed), tests, time.monotonic() - begin)
    if stale:
        print(f"\n{ALLOWED} names what is no mutant any more:", *sorted(stale), sep="\n  ")
    return 1 if stale else 0


def _entries() -> list[dict[str, str]]:
    entries: list[dict[str, str]] = tomllib.loads(ALLOWED.read_text()).get("may_live", [])
    return entries


def _report(
    outcomes: Sequence[Outcome], allowed: frozenset[str], tests: Sequence[str], seconds: float
) -> None:
    whole = Tally(outcomes, allowed)
    print("\nsurvivors:" if whole.survivors else "\nno survivors")
    for each in sorted(whole.survivors, key=lambda each: (each.mutant.path, each.mutant.number)):
        left = f"  [{each.left} slower tests were not run]" if each.left else ""
        print(f"  {each.mutant.path}:{each.mutant.lines.start} {each.mutant.name}{left}")
    print()
    for package in PACKAGES:
        mine = [each for each in outcomes if each.mutant.package == package]
        if mine:
            print(Tally(mine, allowed).line(package))
    print(whole.line("all"))
    lived = sum(each.mutant.name in allowed for each in outcomes)
    made = sum(each.killer == "cannot be made" for each in outcomes)
    late = sum(each.killer == "time limit" for each in outcomes)
    print(f"{lived} may live ({ALLOWED}), {made} could not be made, {late} ran out of time")
    print(f"tests: {', '.join(tests)}")
    print(f"each mutant gets those that run its lines, the quickest {BUDGET:.0f} s of them")
    print(f"{seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
