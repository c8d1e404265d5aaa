"""Fixtures of the lab's tests. They run as root inside the lab's guest only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab import Guest, Nic, fresh_machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not Path("/sys/bus/pci/drivers/eswitchsim").is_dir():
        pytest.exit("these tests run inside the lab: lab/test", returncode=2)
    del items


@pytest.fixture
def machine() -> Iterator[list[Nic]]:
    """The lab's NICs on a machine as it booted."""
    yield from fresh_machine()


@pytest.fixture
def nic(machine: list[Nic]) -> Nic:
    """The first NIC."""
    return machine[0]


@pytest.fixture
def guest(machine: list[Nic]) -> Iterator[Callable[[str, str, str], Guest]]:
    """Makes guests: `guest(name, address, netdev)`; they end with the test."""
    del machine
    made: list[Guest] = []

    def make(name: str, address: str, netdev: str) -> Guest:
        made.append(Guest(name, address))
        return made[-1].take(netdev)

    yield make
    for one in made:
        one.close()
