"""Case files as values."""

from __future__ import annotations

from typing import Any, TypeVar

from eswitch.model.observed import ObservedState
from eswitch.model.typed import from_plain

T = TypeVar("T")

# What a case says nothing about: a VM could be given a VF.
_USUAL = {
    "iommu": {"units": ["dmar0"], "table": "DMAR", "vendor": "intel"},
    "vfio_loaded": True,
}


def host_of(case: dict[str, Any]) -> ObservedState:
    """The host of a plan case."""
    observed = case["observed"]
    assert isinstance(observed, dict)
    return hydrate(ObservedState, {**_USUAL, **observed})


def hydrate(kind: type[T], data: object) -> T:
    """A value of that class; missing fields take their defaults."""
    return from_plain(kind, data)
