"""What rollback leaves alone on a host that others change too."""

from __future__ import annotations

import pytest

from eswitch.engine import Undo, apply, prepare, rollback
from eswitch.errors import Refused
from eswitch.observe import observe
from eswitch.spec import load
from eswitch.twin import Twin, open_machine

SPEC = """\
version: 1
nics: {nic: {match: {mac: "08:c0:eb:32:98:11"}, vfs: [{driver: host}, {driver: none}]}}
bridges: {vmbr2: {ports: [nic], address: 10.1.0.1/24}}
"""


def go(twin: Twin, spec: str = SPEC) -> None:
    apply(twin, load(spec.encode(), "spec"), "spec", consent=lambda plan: True)


def shown(twin: Twin) -> Undo:
    """What a person is shown before the question."""
    undo = prepare(twin)
    assert undo is not None
    return undo


def refused(twin: Twin, undo: Undo) -> Refused:
    """The refusal, before which nothing was touched."""
    files, state = dict(twin.state.files), observe(twin)
    with pytest.raises(Refused) as told:
        rollback(twin, undo)
    assert (twin.state.files, observe(twin)) == (files, state)
    return told.value


@pytest.fixture
def twin() -> Twin:
    twin = Twin(open_machine("lab"))
    go(twin)
    return twin


def test_no_port_of_somebody_else_goes_with_our_bridge(twin: Twin) -> None:
    add = "ovs-vsctl add-port vmbr2 mine -- set interface mine type=internal"
    twin.run(add.split())
    refusal = refused(twin, shown(twin))
    assert refusal.message == (
        "vmbr2 has port mine, which somebody else put there; undoing this would delete it"
    )
    assert refusal.hint == "ovs-vsctl del-port vmbr2 mine, or move it, then roll back again"
    twin.run(["ovs-vsctl", "del-port", "vmbr2", "mine"])
    assert rollback(twin, shown(twin)) == ()
