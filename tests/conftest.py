"""Hypothesis profiles: the same examples in every ordinary run, new ones with `make test-deep`.

A run that decides whether work may land must not depend on luck, nor on how busy the machine is.
"""

import signal

import pytest
from hypothesis import HealthCheck, settings

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("suite", PATIENT, derandomize=True)
settings.register_profile("deep", PATIENT, max_examples=20_000)
settings.register_profile(
    "mutation", PATIENT, derandomize=True, max_examples=20, database=None
)  # make mutation: each test is run hundreds of times
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """Where SIGINT is ignored (a CI runner or a script that starts this in the background), tests
    that send one to themselves, or to programs that inherit it, would wait for nothing."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
