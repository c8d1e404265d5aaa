"""What must not happen to a machine on its way from the box: it keeps its root, its addresses, and
what somebody else wrote."""

from __future__ import annotations

import pytest
from box import CMDLINE, DROP_IN, WORDS, Box

from test_bare_box import GO


@pytest.mark.parametrize(
    "line",
    [
        "intel_iommu=on iommu=pt\n",
        "quiet\n",
        "root=ZFS=oldpool/ROOT/pve-1 boot=zfs\n",
        "# root=ZFS=rpool/ROOT/pve-1 boot=zfs\n",
    ],
)
@pytest.mark.parametrize("typed", ["apply --yes", GO])
def test_a_command_line_without_this_machines_root_never_counts(line: str, typed: str) -> None:
    box = Box.delivered("pve8-zfs-cx6dx")
    box.put(CMDLINE, line)  # never refreshed: the machine has booted with another one until now
    assert box.eswitch(typed) == 4
    assert f"root=ZFS=rpool/ROOT/pve-1 boot=zfs {WORDS}' > {CMDLINE}" in box.told
    assert "root=ZFS=rpool/ROOT/pve-1" in box.state.kernel.next_cmdline
    assert (box.state.files[CMDLINE], box.state.boots) == (line, 1)


def test_a_drop_in_of_the_users_own_is_kept() -> None:
    box = Box.delivered("pve8-cx6dx")
    mine = 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT pci=realloc"\n'
    box.put(DROP_IN, mine)
    box.twin.run(["update-grub"])
    assert box.eswitch("apply --yes") == 8
    assert f"pci=realloc {WORDS}" in box.state.kernel.next_cmdline
    box.roll_back()
    assert box.state.files[DROP_IN] == mine
    assert box.state.kernel.next_cmdline.endswith("pci=realloc")


@pytest.mark.parametrize("machine", ["pve8-cx6dx", "pve8-zfs-cx6dx", "debian13-bare"])
def test_commands_are_shown_as_they_are_typed(machine: str) -> None:
    box = Box.delivered(machine)
    box.eswitch("plan --commands")
    assert "\ufffd" not in box.told
    typed = [line for line in box.told.splitlines() if line.startswith("printf ")]
    assert typed
    assert all(line.count("'") % 2 == 0 for line in typed)
