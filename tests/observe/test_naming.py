"""A name that udev is about to change is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eswitch.engine.batch import Operation
from eswitch.engine.execute import execute
from eswitch.host.recorded import RecordedHost
from eswitch.model.action import Settle
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import LinkState
from eswitch.observe import names_to_come
from eswitch.observe.naming import unnamed

PF = PciAddress("0000:07:00.0")
FRESH = LinkState("eth3", 9, None, up=False, carrier=None, mtu=1500)
# As udev of systemd 257 writes them: just before it renames, and at the end, where no rule renames.
RENAMING = "I:17453134\nE:ID_RENAMING=1\nE:ID_PROCESSING=1\nV:1"
DONE = "I:21482345\nE:ID_BUS=pci\nE:ID_NET_NAME=eth3\nG:systemd\nQ:systemd\nV:1"


class Machine(RecordedHost):
    """Interfaces by name with their index, and what udev wrote about each index."""

    def __init__(
        self, names: dict[str, int], records: dict[int, str], *, udev: bool = True
    ) -> None:
        self.renamed_after: float | None = None
        super().__init__(
            {
                "files": {
                    **{f"/sys/class/net/{name}/ifindex": f"{n}\n" for name, n in names.items()},
                    **{f"/run/udev/data/n{n}": text for n, text in records.items()},
                },
                "directories": {
                    f"/sys/bus/pci/devices/{PF}/net": sorted(names),
                    **({"/run/udev/data": ["+input:input0", "n1"]} if udev else {}),
                },
            }
        )

    def list(self, path: str) -> tuple[str, ...]:
        if path.endswith("/net") and self.renamed_after is not None:
            return ("eth0",) if self.monotonic() < self.renamed_after else ("enp7s0f0r0",)
        return super().list(path)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (None, {"eth3"}),
        (RENAMING, {"eth3"}),
        (RENAMING.replace("E:ID_PROCESSING=1\n", ""), {"eth3"}),  # systemd 252
        ("V:1", {"eth3"}),
        (DONE, set()),
    ],
    ids=["not yet seen", "about to rename", "about to rename, older", "no time", "done"],
)
def test_until_udev_is_done(record: str | None, expected: set[str]) -> None:
    host = Machine({"eth3": 9}, {} if record is None else {9: record})
    assert unnamed(host, [FRESH]) == expected
    assert names_to_come(host, PF) == bool(expected)


@pytest.mark.parametrize(
    "link",
    [
        replace(FRESH, up=True),  # in use under this name
        replace(FRESH, name="enp7s0f0r0"),
        replace(FRESH, name="ethernet3"),
        replace(FRESH, name="eth3.5"),
    ],
    ids=lambda link: f"{link.name} {link.up}",
)
def test_names_that_stay(link: LinkState) -> None:
    assert unnamed(Machine({}, {}), [link]) == set()


def test_without_udev_the_kernels_names_stay() -> None:
    host = Machine({"eth3": 9}, {}, udev=False)
    assert unnamed(host, [FRESH]) == set()
    assert not names_to_come(host, PF)


def test_one_that_is_renamed_between_two_looks_is_looked_at_again() -> None:
    host = Machine({"eth3": 9}, {9: DONE})
    del host._case["files"]["/sys/class/net/eth3/ifindex"]
    assert names_to_come(host, PF)


def test_a_pf_without_interfaces_has_nothing_to_wait_for() -> None:
    assert not names_to_come(RecordedHost({}), PF)


def test_the_wait_ends_with_the_last_name() -> None:
    host = Machine({"eth0": 9}, {})
    host.renamed_after = 3.0
    execute(Operation((Settle(pf=PF),), (0,)), host)
    assert 3.0 <= host.monotonic() < 3.5


def test_the_wait_has_an_end_when_udev_is_stuck() -> None:
    host = Machine({"eth0": 9}, {})
    execute(Operation((Settle(timeout=7, pf=PF),), (0,)), host)
    assert 7.0 <= host.monotonic() < 8.0
