"""Lives of machines that arrive bare: one command is to bring each to its e-switch, over reboots,
whatever fails, loses power, or is changed by somebody meanwhile.

What must hold: once nothing fails any more, an apply that may reboot converges within two boots; no
chain of them is longer; what others wrote into the loader's files stays; rolled back, and after a
boot, the firmware and those files say what they said; no unit and no record stays behind.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from twin.box import CMDLINE, GRUB, SPEC, WORDS, Box
from twin.faults import Fault, FaultyTwin, Kind, Plan, PowerLoss

from eswitch.engine import prepare
from eswitch.engine.over_reboot import MOST_REBOOTS
from eswitch.engine.resume import RECORD, UNIT_FILE
from eswitch.twin import open_machine
from eswitch.twin.state import State

MACHINES = ("debian13-bare", "pve8-cx6dx", "pve8-zfs-cx6dx")
DELIVERED = {name: open_machine(name) for name in MACHINES}
GO = "apply --reboot --yes"
KINDS = st.sampled_from([kind for kind in Kind if kind is not Kind.LIE] + [Kind.POWER] * 3)
TIMES = st.sampled_from([1, 1, 1, 3])
FAULTS = (
    st.builds(Fault, kind=KINDS, after=st.integers(0, 40), times=TIMES)
    | st.builds(
        Fault, kind=KINDS, after=st.integers(0, 500), changes=st.just(value=False), times=TIMES
    )
    | st.builds(Fault, kind=st.just(Kind.LIE), after=st.integers(0, 20))
)
"""From the first look to the last thing that is read back after the boot."""
VFS = st.sampled_from(["3", "2", "[{}, {driver: host}]", "[{driver: host}]", "1"])
MINE = st.sampled_from(["quiet", "mitigations=off", "nomodeset", "mitigations=off nomodeset"])


class BareLife(RuleBasedStateMachine):
    """One machine, from its delivery on."""

    box: Box
    delivered: State

    def __init__(self) -> None:
        super().__init__()
        self.mine = ""

    @initialize(machine=st.sampled_from(MACHINES))
    def deliver(self, machine: str) -> None:
        self.delivered = deepcopy(DELIVERED[machine])
        self.box = Box(FaultyTwin(deepcopy(self.delivered)))
        self.mine = self.words_of_mine()

    # ---- what happens

    @rule(vfs=VFS, passthrough=st.booleans())
    def edit(self, vfs: str, passthrough: bool) -> None:
        lines = self.delivered.files[SPEC].splitlines(keepends=True)
        text = "".join(line for line in lines if 'mac: "ba:' not in line)
        text = text.replace("    vfs:\n", f"    vfs: {vfs}\n")
        self.box.put(SPEC, text + f"passthrough: {str(passthrough).lower()}\n")

    @rule(words=MINE)
    def somebody_edits_the_command_line(self, words: str) -> None:
        """With an editor; half of them forget what makes it count."""
        state = self.box.state
        if state.platform.loader == "grub":
            self.box.put(GRUB, f'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT="{words}"\n')
        else:
            ours = f" {WORDS}" if WORDS in state.files[CMDLINE] else ""
            self.box.put(CMDLINE, f"root=ZFS=rpool/ROOT/pve-1 boot=zfs {words}{ours}\n")
        if "nomodeset" in words:
            self.refresh()
        self.mine = self.words_of_mine()

    def refresh(self) -> None:
        grub = self.box.state.platform.loader == "grub"
        self.box.twin.run(["update-grub"] if grub else ["proxmox-boot-tool", "refresh"])

    def words_of_mine(self) -> str:
        """What stands in the user's file, without our words."""
        state = self.box.state
        path = GRUB if state.platform.loader == "grub" else CMDLINE
        return state.files[path].replace(f" {WORDS}", "")

    @rule()
    def reboot(self) -> None:
        self.box.boot()

    @rule(fault=FAULTS)
    def apply_and_fail(self, fault: Fault) -> None:
        """A loss of power is followed by a boot, and that by whatever is to go on."""
        self.box.twin.faults = Plan([fault])
        self.until_it_stands(lambda: self.box.eswitch(GO))
        self.box.twin.faults = Plan()

    @rule(fault=FAULTS.filter(lambda fault: fault.kind is not Kind.LIE))
    def a_person_applies_and_fails(self, fault: Fault) -> None:
        self.box.twin.faults = Plan([fault])
        self.until_it_stands(lambda: self.box.eswitch("apply --yes"))
        self.box.twin.faults = Plan()

    def until_it_stands(self, act: Callable[[], object]) -> None:
        try:
            act()
        except PowerLoss:
            self.until_it_stands(self.box.boot)

    # ---- what must hold

    @rule()
    def it_converges(self) -> None:
        boots = self.box.state.boots
        assert self.box.eswitch(GO) == 0, self.box.told
        assert self.box.state.boots - boots <= MOST_REBOOTS
        assert self.box.eswitch("plan") == 0, self.box.told
        self.nothing_is_left()
        before = len(self.box.twin.operations)
        assert self.box.eswitch(GO) == 0, self.box.told
        done = self.box.twin.operations[before:]
        assert [o for o in done if o.startswith(("write ", "replace ", "remove "))] == []

    def nothing_is_left(self) -> None:
        files = self.box.state.files
        assert RECORD not in files
        assert UNIT_FILE not in files
        assert "eswitch-resume" not in self.box.state.units

    @rule()
    def all_of_it_goes_back(self) -> None:
        """From an apply that came to its end; entries of those that did not stay in its way."""
        box = self.box
        if prepare(box.twin) is not None:
            return
        files = dict(box.state.files)
        pending = {name: dict(card.pending) for name, card in box.state.cards.items()}
        assert box.eswitch(GO) == 0, box.told
        box.roll_back()
        self.refresh()
        box.boot()
        assert {name: card.pending for name, card in box.state.cards.items()} == pending
        ours = ("/var/lib/eswitch/", "/var/log/eswitch", "/run/")
        left = {path: text for path, text in box.state.files.items() if not path.startswith(ours)}
        assert left == {p: text for p, text in files.items() if not p.startswith(ours)}
        assert WORDS not in box.state.kernel.cmdline

    @invariant()
    def others_words_stay(self) -> None:
        assert self.words_of_mine() == self.mine
        assert self.box.state.incidents == []

    @invariant()
    def nobody_reboots_for_ever(self) -> None:
        assert self.box.state.boots < 60


TestBareLife = BareLife.TestCase
TestBareLife.settings = settings(
    max_examples=max(150, settings().max_examples),
    stateful_step_count=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
