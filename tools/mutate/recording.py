"""Which tests run which lines, and how long each takes: one run of the tests under coverage.py."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest

CACHE = Path(".mutation")
# What the tests are given in every run of this tool: no output, few examples, always the same.
ARGUMENTS = (
    *("-o", "addopts=", "-p", "no:terminal", "-p", "no:cacheprovider", "-s"),
    "--hypothesis-profile=mutation",
)


@dataclass(frozen=True)
class Recording:
    """`seconds` by test; `lines`: file, line, and the tests that run it."""

    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]

    def tests(self, path: str, lines: range) -> list[str]:
        """Those that run one of the lines, the quickest first."""
        known = self.lines.get(path, {})
        found = {test for line in lines for test in known.get(line, ())}
        return sorted(found, key=lambda test: (self.seconds[test], test))


class Recorder:
    """A pytest plugin: coverage.py's context is the test that runs."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []
        self.coverage = coverage.Coverage(
            data_file=None, config_file=False, source_pkgs=["eswitch"]
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        begin = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - begin
        self.coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def lines(self) -> dict[str, dict[int, list[str]]]:
        """As a recording has them."""
        data = self.coverage.get_data()
        return {
            file: {
                line: [test for test in tests if test]
                for line, tests in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }


def record(tests: Sequence[str], target: Path) -> None:
    """Run the tests in this process and write the recording."""
    recorder = Recorder()
    recorder.coverage.start()
    status = pytest.main([*ARGUMENTS, *tests], plugins=[recorder])
    recorder.coverage.stop()
    if recorder.failed or status != pytest.ExitCode.OK:
        sys.exit(f"without any mutant, {status!r}: {', '.join(recorder.failed) or 'no test ran'}")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps([recorder.seconds, recorder.lines()]))


def recording(tests: Sequence[str]) -> Recording:
    """The one of this state of the tree; made by a process of its own if there is none."""
    target = CACHE / f"{_digest(tests)}.json"
    if not target.exists():
        print("running the tests once, to see which of them run which lines", flush=True)
        begin = time.monotonic()
        command = [sys.executable, "-m", "mutate", "--record", str(target), *tests]
        subprocess.run(command, check=True)
        print(f"  {time.monotonic() - begin:.0f} s")
    seconds, lines = json.loads(target.read_text())
    by_line = {file: {int(line): found for line, found in of.items()} for file, of in lines.items()}
    return Recording(seconds, by_line)


def _digest(tests: Sequence[str]) -> str:
    digest = hashlib.sha256("\0".join(tests).encode())
    for folder in ("src", "tests"):
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
