"""What must not happen to a machine on its way from the box: it keeps its root, its addresses, and
what somebody else wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from twin.box import CMDLINE, DROP_IN, SPEC, WORDS, Box
from twin.faults import FaultyTwin
from twin.test_bare_box import GO, PACKAGE, another

from eswitch.host import Result
from eswitch.stages.driver.archive import DIRECTORY, INSTALLED
from eswitch.twin import parse
from eswitch.twin.commands.driverkit import archive


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


def test_an_archive_that_changes_once_it_is_copied_is_not_run() -> None:
    box = Box.delivered("debian13-bare")
    real = box.twin.run

    def run(argv: Sequence[str], **keys: Any) -> Result:
        result = real(argv, **keys)
        if argv[0] in ("cp", "sha256sum"):
            box.put(PACKAGE, archive("eswitchsim", "6.66", "debian12.5"))
        return result

    box.twin.run = run  # type: ignore[method-assign]
    box.eswitch(GO)
    assert box.state.kernel.dkms.get("eswitchsim") != "6.66"


def test_the_initramfs_of_the_kernel_that_runs() -> None:
    box = Box.delivered("debian13-bare")
    assert box.eswitch(GO) == 0
    another(box)
    box.twin.operations.clear()
    box.eswitch("apply --yes")
    ran = [text for text in box.twin.operations if "update-initramfs" in text]
    assert ran == [f"run update-initramfs -u -k {box.state.kernel.release}"]


def test_undoing_a_newer_archive_brings_the_one_before_back() -> None:
    box = Box.delivered("debian13-bare")
    assert box.eswitch(GO) == 0
    first = box.state.files[INSTALLED]
    another(box)
    assert box.eswitch("apply --yes") == 8
    assert box.state.files[INSTALLED] != first
    assert box.eswitch("rollback --yes") == 8, box.told
    assert (box.state.kernel.dkms, box.state.files[INSTALLED]) == ({"eswitchsim": "1.0"}, first)
    assert box.state.kernel.initramfs == {"eswitchsim": "1.0"}
    box.boot()
    assert box.state.versions == {"eswitchsim": "1.0"}


def test_a_newer_archive_where_the_files_of_the_one_before_are_gone() -> None:
    """Whoever agrees knows that there is no way back, and none is tried."""
    box = Box.delivered("debian13-bare")
    assert box.eswitch(GO) == 0
    another(box)
    box.twin.run(["rm", "-rf", f"{DIRECTORY}/{box.state.files[INSTALLED][:12]}"])
    assert box.eswitch("apply") == 2
    assert "a rollback leaves the new driver there" in box.told
    assert box.eswitch("apply --yes") == 8
    second = box.state.files[INSTALLED]
    box.eswitch("rollback --yes")
    assert (box.state.kernel.dkms, box.state.files[INSTALLED]) == ({"eswitchsim": "1.1"}, second)


def resetting() -> Box:
    """A machine whose card need only be reset."""
    box = Box.delivered("pve8-cx6dx")
    box.state.platform.iommu_default = True
    box.boot()
    box.change(SPEC, "    match:", "    firmware_reset: true\n    match:")
    return box


def test_a_reset_of_the_card_can_be_undone() -> None:
    box = resetting()
    before = dict(box.state.cards["cx6dx"].current)
    assert box.eswitch("apply --yes") == 0, box.told
    assert box.eswitch("rollback --yes") == 0, box.told
    assert box.state.cards["cx6dx"].current == before
    assert box.eswitch("apply --yes") == 0, box.told


def test_undoing_a_reset_pulls_no_vf() -> None:
    box = resetting()
    assert box.eswitch("apply --yes") == 0, box.told
    box.twin.start_guest("vm/101")
    assert box.eswitch("rollback --yes") == 4
    assert box.state.guests["vm/101"].pid is not None


def test_no_reset_of_a_card_that_has_the_hosts_address() -> None:
    """The administrator sits at the console: no session tells of it."""
    box = resetting()
    box.state.environment = {}
    (name,) = [link.name for link in box.state.links if link.function == "0000:07:00.1"]
    box.twin.run(["ip", "addr", "add", "10.9.9.9/24", "dev", name])
    assert box.eswitch("apply --yes") == 4
    assert "resetting the card would take 10.9.9.9/24" in box.told
    assert "or leave `firmware_reset` out" in box.told
    assert [link.addresses for link in box.state.links if link.name == name] != [[]]


ONLY_CARD = """\
about: a host whose only card is the one that is to become an e-switch; somebody is at the console
release: 6.8.12-4-pve
options: proxmox
ovs: 3.1.0
packages: [mstflint, grub2-common]
platform: {proxmox: true, loader: grub, naming: 252, iommu: DMAR, iommu_default: true}
nics:
  cx:
    driver: mlx5_core
    id: "15b3:101d"
    vf_id: "15b3:101e"
    ports: {"0000:07:00.0": "08:c0:eb:32:98:11", "0000:07:00.1": "08:c0:eb:32:98:12"}
    firmware: {SRIOV_EN: "False", NUM_OF_VFS: "0"}
interfaces:
  - {pci: "0000:07:00.0", up: true, addresses: [192.168.1.10/24]}
routes:
  - {family: 4, gateway: 192.168.1.1, device: enp7s0f0np0}
files:
  /etc/eswitch/eswitch.yaml: |
    version: 1
    nics: {nic: {match: {pci: "0000:07:00.0"}, vfs: 2}}
"""


def test_nothing_cuts_the_host_off_while_nobody_is_there() -> None:
    box = Box(FaultyTwin(parse(ONLY_CARD, "only-card")))
    assert box.eswitch(GO) == 4
    assert "nobody would be there to bring 192.168.1.10/24 back" in box.told
    assert "do this part from the console without --reboot" in box.told
    assert (box.state.boots, box.left) == (1, [])
    assert box.eswitch("apply --yes") == 8
    box.boot()
    assert box.eswitch("apply --yes") == 0, box.told


def test_a_host_that_is_reached_another_way_too_goes_on_by_itself() -> None:
    other = '  - {name: vmbr0, kind: bridge, mac: "3c:ec:ef:00:00:10", up: true, '
    other += "addresses: [10.0.0.2/24]}"
    text = ONLY_CARD.replace("interfaces:\n", f"interfaces:\n{other}\n")
    box = Box(FaultyTwin(parse(text.replace("device: enp7s0f0np0", "device: vmbr0"), "two-ways")))
    assert box.eswitch(GO) == 0, box.told
