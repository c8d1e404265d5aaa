"""Whether passing VFs through is wanted, and so whether anybody asks about the boot loader."""

from __future__ import annotations

import pytest

from eswitch.model.machine import IommuState, Vendor
from eswitch.model.observed import KernelState, ObservedState
from eswitch.model.question import Question, Topic
from eswitch.spec import load
from eswitch.stages.passthrough import questions

OFF = ObservedState(KernelState("6.14"), iommu=IommuState((), "DMAR", Vendor.INTEL))


@pytest.mark.parametrize(
    ("vfs", "said", "wanted"),
    [
        ("2", "", True),
        ("[{}, {driver: host}]", "", True),  # one of them is enough
        ("[{driver: host}, {driver: host}]", "", False),
        ("0", "", False),
        ("2", "passthrough: false", False),
        ("[{driver: host}]", "passthrough: true", True),
    ],
)
def test_a_vf_for_a_guest_wants_it(vfs: str, said: str, wanted: bool) -> None:
    text = f'version: 1\nnics:\n  a: {{match: {{pci: "0000:07:00.0"}}, vfs: {vfs}}}\n{said}\n'
    asked = questions(load(text.encode(), "x"), OFF)
    assert asked == (frozenset({Question(Topic.BOOT)}) if wanted else frozenset())
