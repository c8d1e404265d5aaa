"""Parity of boots: what the real machine answers is what tests/parity/answers says.

The twin has to answer the same (tests/twin/test_parity.py). To record anew after a change of the
operations: PARITY_OUT=tests/parity/answers lab/test-boot test_boot_parity
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from parity.boot_operations import STORIES
from parity.playing import Json, Numbers, compared, masked

from machine.bootable import BootGuest
from machine.driverarchive import NAME
from typed import OFF, PF, Maker, done, shell

TESTS = Path(__file__).parent.parent.parent / "tests"
ANSWERS = TESTS / "parity" / "answers"
PLAY = """
import json, sys
sys.path[1:1] = ["/opt/eswitch-program", "/root"]
from eswitch.host.local import LocalHost
from parity.playing import Player
player = Player(LocalHost(), *sys.argv[1:3])
print(json.dumps([player.play(operation) for operation in json.load(sys.stdin)]))
"""


@pytest.mark.parametrize("name", STORIES)
def test_the_real_machine_answers_as_recorded(machine: Maker, name: str) -> None:
    guest = machine(BootGuest(name, arguments=OFF))
    guest.boot()
    shell(
        guest,
        f"cd /srv/driver; cp {NAME}.tgz /root/driver.tgz; cp broken/{NAME}.tgz /root/broken.tgz; "
        f"cp truncated/{NAME}.tgz /root/cut.tgz; mkdir /root/parity",
    )
    guest.push(TESTS / "parity" / "playing.py", "/root/parity/playing.py")
    file = f"boot-{name}.json"
    numbers = Numbers()
    found: list[tuple[str, Json]] = []
    for operation, answer in play(guest, STORIES[name]):
        found.append((operation, numbers.of(masked(answer))))
        if os.environ.get("PARITY_OUT"):
            text = json.dumps(found, indent=1)
            (Path(os.environ["PARITY_OUT"]) / file).write_text(text + "\n")
    if not os.environ.get("PARITY_OUT"):
        assert compared(found, json.loads((ANSWERS / file).read_text())) == []


def play(guest: BootGuest, operations: tuple[str, ...]) -> Iterator[tuple[str, Json]]:
    """Everything, each stretch between two actions from outside in one process in the guest."""
    stretch: list[str] = []
    for operation in (*operations, ""):
        if operation and not operation.startswith("outside "):
            stretch.append(operation)
            continue
        if stretch:
            argv = ["python3", "-c", PLAY, PF, "0000:02:00.0"]
            ended = guest.run(argv, stdin=json.dumps(stretch).encode())
            assert ended.status == 0, ended
            yield from zip(stretch, json.loads(ended.stdout), strict=True)
            stretch = []
        if operation:
            outside(guest, operation.removeprefix("outside "))
            yield operation, "done"


def outside(guest: BootGuest, action: str) -> None:
    """What no program in the machine can do."""
    if action == "reboot":
        guest.reboot()
        return
    key, _, value = action.partition("=")
    done(guest, "sync")
    guest.behave(**{key: value})
