"""Parity: the twin answers every operation as the lab's machines did (lab/tests/test_parity.py,
lab/boot-tests/test_boot_parity.py)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from parity import boot_operations
from parity.operations import STORIES
from parity.playing import Player, compared, story

from eswitch.twin import Twin, open_machine
from eswitch.twin.catalog import parse
from eswitch.twin.commands.driverkit import archive

ANSWERS = Path(__file__).parent.parent / "parity" / "answers"
PROXMOX = """\
about: The lab's guest with systemd-boot under proxmox-boot-tool
release: 6.12.57+deb13-amd64
options: debian13
cmdline: >-
  initrd=\\EFI\\proxmox\\6.12.57+deb13-amd64\\initrd.img-6.12.57+deb13-amd64
  root=UUID=7b9f2c1e-0d7e-4a52-8f0b-3a2d1c5e6f70 rw intel_iommu=off
platform: {proxmox: true, loader: systemd-boot, naming: 257, iommu: DMAR}
packages: [mstflint, dkms, mokutil, proxmox-kernel]
missing: [wget]
"""


@pytest.mark.parametrize("name", STORIES)
def test_the_twin_answers_as_the_lab(name: str) -> None:
    recorded = json.loads((ANSWERS / f"{name}.json").read_text())
    player = Player(Twin(open_machine("lab")), "0000:01:00.0", "0000:02:00.0")
    assert compared(story(player, STORIES[name]), recorded) == []


@pytest.mark.parametrize("name", boot_operations.STORIES)
def test_the_twin_boots_as_the_lab(name: str) -> None:
    recorded = json.loads((ANSWERS / f"boot-{name}.json").read_text())
    assert compared(story(player(name), boot_operations.STORIES[name]), recorded) == []


def player(name: str) -> Player:
    """The guest of a boot story as the lab has it, archives included."""
    state = open_machine("debian13-bare") if name == "grub" else parse(PROXMOX, "proxmox")
    good = archive("eswitchsim", "1.0", "debian12.1", needs="--skip-distro-check")
    state.files["/root/driver.tgz"] = good
    state.files["/root/broken.tgz"] = good.replace("end\n", "broken: #error\nend\n")
    state.files["/root/cut.tgz"] = good[: len(good) // 2]
    if "wget" in state.packages:
        state.packages.remove("wget")  # the guest has no way out
    for card in state.cards.values():
        card.current["NUM_OF_VFS"] = card.pending["NUM_OF_VFS"] = "8"
    twin = Twin(state)
    return Player(twin, "0000:01:00.0", "0000:02:00.0", lambda action: outside(twin, action))


def outside(twin: Twin, action: str) -> None:
    """What no program in the machine can do."""
    if action == "reboot":
        twin.reboot()
        twin.end_boot()
        return
    key, _, value = action.partition("=")
    if key == "mode":
        twin.state.kernel.lockdown = value == "lockdown"
    else:
        # Debian 12 has mstflint 4.21; its release is told by systemd's.
        twin.state.platform.naming = {"4.21": 252, "4.31": 257}[value]
