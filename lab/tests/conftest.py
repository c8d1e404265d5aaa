"""Fixtures of the lab's tests. They run as root inside the lab's guest only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guest import Guest, MakeGuest, make_guest
from nic import DRIVER, Nic, nics
from reset import reset


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not DRIVER.is_dir():
        pytest.exit("these tests run inside the lab: lab/test", returncode=2)
    del items


@pytest.fixture
def machine() -> list[Nic]:
    """The lab's NICs on a machine as it booted."""
    reset()
    return nics()


@pytest.fixture
def nic(machine: list[Nic]) -> Nic:
    """The first NIC."""
    return machine[0]


@pytest.fixture
def guest(machine: list[Nic]) -> Iterator[MakeGuest]:
    """Makes guests: `guest(name, netdev, address)`; they end with the test."""
    del machine
    made: list[Guest] = []

    def make(name: str, netdev: str, address: str) -> Guest:
        made.append(make_guest(name, netdev, address))
        return made[-1]

    yield make
    for one in made:
        one.close()
