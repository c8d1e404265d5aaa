"""Tests of machines that boot by themselves. They run on this side, each with its own guests.

``machine(BootGuest(...))`` makes one that is off and ends with the test; the console logs of a
test that fails are kept and named.
"""

from collections.abc import Generator, Iterator
from contextlib import ExitStack

import pytest

from machine.bootable import BootGuest
from typed import Maker

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def machine(request: pytest.FixtureRequest) -> Iterator[Maker]:
    with ExitStack() as stack:
        guests: list[BootGuest] = []

        def make(guest: BootGuest) -> BootGuest:
            guests.append(stack.enter_context(guest))
            return guest

        yield make
        for guest in guests:
            guest.keep_logs = request.node.stash.get(FAILED, False)
