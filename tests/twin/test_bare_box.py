"""From the box as it arrives, over its reboots, and every way in which that can go wrong."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest
from twin.box import CMDLINE, DROP_IN, GRUB, SPEC, WORDS, Box
from twin.faults import Fault, FaultyTwin, Kind, Plan, PowerLoss

from eswitch.engine import apply, journal
from eswitch.engine.converge import LOCK
from eswitch.engine.execute import StepFailed
from eswitch.engine.outcome import Events, Reboot
from eswitch.engine.resume import RECORD
from eswitch.errors import NotConfirmed
from eswitch.files.paths import MODULES
from eswitch.observe import observe
from eswitch.spec import load
from eswitch.stages.driver.archive import INSTALLED, LOG
from eswitch.twin import names, parse
from eswitch.twin.commands.driverkit import archive

GO = "apply --reboot --yes"
BARE = ("debian13-bare", "pve8-cx6dx", "pve8-zfs-cx6dx")
PROXMOX = ("pve8-cx6dx", "pve8-zfs-cx6dx")
PACKAGE = "/root/eswitchsim-1.0-debian12.5-x86_64.tgz"
WRITES = ("write ", "replace ", "remove ", "append ")


def switching(box: Box) -> bool:
    """An e-switch with two VFs, each in an IOMMU group of its own."""
    pfs = [function for function in box.state.functions.values() if function.pf is not None]
    vfs = box.state.vfs_of(pfs[0].pci)
    groups = {vf.group for vf in vfs}
    return (
        pfs[0].pf is not None
        and pfs[0].pf.mode == "switchdev"
        and len(vfs) == 2
        and None not in groups
        and len(groups) == 2
    )


def done(box: Box) -> bool:
    """All is as the spec wants it, and nothing stays behind."""
    return box.eswitch("plan") == 0 and switching(box) and not box.left


def power(box: Box, matching: str, after: int = 0) -> None:
    """The power goes at that operation of an apply."""
    box.twin.faults = Plan([Fault(Kind.POWER, after=after, matching=matching, changes=False)])
    with pytest.raises(PowerLoss):
        box.eswitch(GO)
    box.twin.faults = Plan()


@pytest.mark.parametrize("machine", BARE)
class TestStory:
    """As it should go."""

    def test_from_the_bare_box_with_one_command(self, machine: str) -> None:
        box = Box.delivered(machine)
        assert box.eswitch("plan") == 2
        assert "one reboot" in box.told
        assert box.eswitch(GO) == 0, box.told
        assert done(box)
        assert box.state.boots == 2
        assert box.state.kernel.cmdline.endswith(WORDS)
        (card,) = box.state.cards.values()
        assert (card.current["SRIOV_EN"], card.current["NUM_OF_VFS"]) == ("True", "2")
        before = len(box.twin.operations)
        assert box.eswitch(GO) == 0
        assert [o for o in box.twin.operations[before:] if o.startswith(WRITES)] == []
        assert box.state.boots == 2

    def test_a_person_reboots(self, machine: str) -> None:
        box = Box.delivered(machine)
        assert box.eswitch("apply --yes") == 8
        assert "A reboot is needed" in box.told
        assert box.state.boots == 1
        assert box.left == []
        assert box.eswitch("apply --yes") == 8
        assert "nothing to change before a reboot" in box.told
        assert box.boot() is None
        assert box.eswitch("apply --yes") == 0
        assert done(box)

    def test_and_back(self, machine: str) -> None:
        box = Box.delivered(machine)
        before, files = observe(box.twin), dict(box.state.files)
        assert box.eswitch(GO) == 0
        box.roll_back()
        box.boot()
        assert observe(box.twin) == before
        ours = ("/var/lib/eswitch/", "/var/log/eswitch", "/run/")
        left = {path: text for path, text in box.state.files.items() if not path.startswith(ours)}
        assert left == files


@pytest.mark.parametrize("machine", BARE)
@pytest.mark.parametrize(
    "matching",
    ["mstconfig", "modprobe", "replace /etc/modules-load.d", '{"end"', "replace /var/lib/eswitch"],
)
def test_power_is_lost_before_the_reboot(machine: str, matching: str) -> None:
    """Whatever is in force after the boot that follows, the next apply goes on from there."""
    box = Box.delivered(machine)
    power(box, matching if matching != '{"end"' else "systemctl reboot")
    box.boot()
    assert box.eswitch(GO) == 0, box.told
    assert done(box)
    assert box.state.boots <= 4


@pytest.mark.parametrize("matching", ["replace /var/lib/eswitch/resume", "daemon-reload", "enable"])
def test_power_is_lost_while_the_unit_is_written(matching: str) -> None:
    """It goes on by itself, or it does not; nothing is half armed."""
    box = Box.delivered("pve8-cx6dx")
    power(box, matching)
    code = box.boot()
    assert code in (None, 0)
    assert box.eswitch("apply --reboot --yes") == 0
    assert done(box)
    assert box.state.boots == 2


def test_power_is_lost_while_it_goes_on() -> None:
    """The unit starts anew; three starts are the most."""
    box = Box.delivered("pve8-cx6dx")
    box.twin.faults = Plan(
        [Fault(Kind.POWER, after=n, matching="mode switchdev") for n in range(9)]
    )
    with pytest.raises(PowerLoss):
        box.eswitch(GO)
    for _ in range(2):
        with pytest.raises(PowerLoss):
            box.boot()
    assert box.boot() == 1
    assert "it was begun 3 times already" in box.told
    assert box.left == []
    assert box.boot() is None


@pytest.mark.parametrize("machine", PROXMOX)
def test_somebody_edits_the_command_line_once_it_is_planned(machine: str) -> None:
    box = Box.delivered(machine)
    path = CMDLINE if machine == "pve8-zfs-cx6dx" else DROP_IN
    mine = "root=ZFS=rpool/ROOT/pve-1 boot=zfs mine\n"
    desired = load(box.twin.read_bytes(SPEC, 9999), SPEC)

    def edit(_plan: object) -> None:
        box.put(path, mine)

    events = Events(planned=edit)
    with pytest.raises(StepFailed, match="somebody else was at it meanwhile"):
        apply(box.twin, desired, SPEC, consent=lambda plan: True, events=events)
    assert box.state.files[path] == mine
    assert WORDS not in box.state.kernel.next_cmdline


@pytest.mark.parametrize("machine", PROXMOX)
def test_somebody_edits_the_command_line_between(machine: str) -> None:
    """Their words count, and stay; ours are added to them."""
    box = Box.delivered(machine)
    if machine == "pve8-cx6dx":
        box.change(GRUB, "quiet", "quiet mitigations=off")
    else:
        box.change(CMDLINE, "boot=zfs", "boot=zfs mitigations=off")
    assert box.eswitch("apply --yes") == 8
    path = GRUB if machine == "pve8-cx6dx" else CMDLINE
    box.change(path, "mitigations=off", "mitigations=auto")
    refresh = ["update-grub"] if path == GRUB else ["proxmox-boot-tool", "refresh"]
    box.twin.run(refresh)
    assert box.eswitch(GO) == 0, box.told
    assert done(box)
    assert "mitigations=auto" in box.state.kernel.cmdline
    box.roll_back()
    box.boot()
    assert "mitigations=auto" in box.state.kernel.cmdline
    assert WORDS not in box.state.kernel.cmdline


def test_our_words_are_taken_away_again_before_the_boot() -> None:
    """The reboot does not bring them, and there is no second one for it."""
    box = Box.delivered("pve8-zfs-cx6dx")
    box.twin.faults = Plan([Fault(Kind.POWER, matching="systemctl reboot")])
    with pytest.raises(PowerLoss):
        box.eswitch(GO)
    box.change(CMDLINE, f" {WORDS}", "")
    box.twin.powered = True
    box.twin.run(["proxmox-boot-tool", "refresh"])
    boots = box.state.boots
    assert box.boot() == 1
    assert "the reboot did not bring what it was for" in box.told
    assert "kernel command line" in box.told
    assert box.left == []
    assert box.state.boots == boots + 1


@pytest.mark.parametrize(
    ("machine", "program", "path"),
    [("pve8-cx6dx", "update-grub", DROP_IN), ("pve8-zfs-cx6dx", "proxmox-boot-tool", CMDLINE)],
)
@pytest.mark.parametrize("kind", [Kind.FAIL, Kind.HALF, Kind.HANG])
def test_the_loaders_files_cannot_be_written(
    machine: str, program: str, path: str, kind: Kind
) -> None:
    """What was set for it is put back, and nobody reboots."""
    box = Box.delivered(machine)
    before = box.state.files.get(path)
    box.twin.faults = Plan([Fault(kind, matching=f"run {program}", changes=True)])
    assert box.eswitch(GO) == 1
    assert "kernel command line was put back" in box.told
    assert box.state.files.get(path) == before
    assert WORDS not in box.state.kernel.next_cmdline
    assert (box.state.boots, box.left) == (1, [])
    box.twin.faults = Plan()
    assert box.eswitch(GO) == 0
    assert done(box)


def test_the_esp_is_full() -> None:
    box = Box.delivered("pve8-zfs-cx6dx")
    box.state.esp_full = True
    assert box.eswitch(GO) == 1
    assert "No space left on device" in box.told
    assert "hint: make room on the EFI system partition" in box.told
    assert WORDS not in box.state.files[CMDLINE]
    assert (box.state.boots, box.left) == (1, [])
    box.state.esp_full = False
    assert box.eswitch(GO) == 0
    assert done(box)


def reset(box: Box) -> bool:
    """Whether the machine has never rebooted, and has its old driver or none."""
    return (box.state.boots, box.state.kernel.dkms, box.left) == (1, {}, [])


def test_the_archive_was_cut_short() -> None:
    box = Box.delivered("debian13-bare")
    box.put(PACKAGE, box.state.files[PACKAGE][:60])
    assert box.eswitch(GO) == 4
    assert "it was cut short, or is another file" in box.told
    assert reset(box)


def by_url(box: Box, content: str) -> None:
    """The archive is to be downloaded, and the web has another one than the spec means."""
    url = "https://example.org/eswitchsim-1.0-debian12.5-x86_64.tgz"
    box.change(SPEC, PACKAGE, url)
    box.state.web[url] = content


def test_a_download_that_was_cut_short() -> None:
    box = Box.delivered("debian13-bare")
    whole = box.state.files[PACKAGE]
    by_url(box, whole[:60])
    assert box.eswitch(GO) == 1
    assert "computed checksum did NOT match" in box.told
    assert reset(box)
    by_url_again = next(iter(box.state.web))
    box.state.web[by_url_again] = whole
    assert box.eswitch(GO) == 0, box.told
    assert done(box)


def test_nothing_to_download_from() -> None:
    box = Box.delivered("debian13-bare")
    by_url(box, "")
    box.state.web.clear()
    assert box.eswitch(GO) == 1
    assert "unable to resolve host address" in box.told
    assert reset(box)


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("linux-headers-6.12.57+deb13-amd64", "the headers of kernel 6.12.57+deb13-amd64"),
        ("dkms", "dkms is not installed"),
        ("wget", "neither wget nor curl is installed"),
    ],
)
def test_what_a_build_needs_is_missing(package: str, words: str) -> None:
    box = Box.delivered("debian13-bare")
    if package == "wget":
        by_url(box, box.state.files[PACKAGE])
    box.state.packages.remove(package)
    assert box.eswitch(GO) == 4
    assert words in box.told
    assert "apt install" in box.told
    assert reset(box)


def another(box: Box, **words: str) -> None:
    """Another archive, which the spec means."""
    text = archive("eswitchsim", "1.1", "debian12.5", **words)
    old = sha256(box.state.files[PACKAGE].encode()).hexdigest()
    box.put(PACKAGE, text)
    box.change(SPEC, old, sha256(text.encode()).hexdigest())


def test_the_compiler_says_no() -> None:
    box = Box.delivered("debian13-bare")
    another(box, broken="main.c:12:10: fatal error: linux/nosuch.h: No such file or directory")
    assert box.eswitch(GO) == 1
    assert f"what it said is in {LOG}" in box.told
    assert "Failed to install eswitchsim-dkms DEB" in box.state.files[LOG]
    compiler = box.told.partition(": See ")[2].partition("\n")[0]
    assert "fatal error: linux/nosuch.h" in box.state.files[compiler]
    assert reset(box)
    assert INSTALLED not in box.state.files


def test_a_newer_archive_beside_a_driver_that_runs() -> None:
    """The old one goes on until the boot, and that loads the new one: also from the initramfs."""
    box = Box.delivered("debian13-bare")
    assert box.eswitch(GO) == 0
    another(box)
    box.twin.faults = Plan([Fault(Kind.POWER, matching="systemctl reboot")])
    with pytest.raises(PowerLoss):
        box.eswitch(GO)
    assert box.state.kernel.dkms == {"eswitchsim": "1.1"}
    assert box.boot() == 0
    assert box.state.versions == {"eswitchsim": "1.1"}
    assert done(box)


def test_a_broken_build_leaves_the_driver_that_runs() -> None:
    box = Box.delivered("debian13-bare")
    assert box.eswitch(GO) == 0
    another(box, broken="error")
    assert box.eswitch(GO) == 1
    assert box.state.kernel.dkms == {"eswitchsim": "1.0"}
    assert switching(box)
    box.boot()
    assert box.state.versions == {"eswitchsim": "1.0"}


def test_secure_boot_without_a_key() -> None:
    box = Box.delivered("debian13-bare")
    box.state.platform.secure_boot = True
    assert box.eswitch(GO) == 4
    assert "the firmware does not know the key with which DKMS signs" in box.told
    assert reset(box)


def test_twice_at_once() -> None:
    box = Box.delivered("pve8-cx6dx")
    with box.twin.lock(LOCK):
        assert box.eswitch(GO) == 7
    assert "another eswitch process is changing this host" in box.told
    assert (box.state.boots, box.left) == (1, [])


def rebooting(box: Box) -> None:
    """It is armed, and the power goes with the reboot."""
    box.twin.faults = Plan([Fault(Kind.POWER, matching="systemctl reboot")])
    with pytest.raises(PowerLoss):
        box.eswitch(GO)
    box.twin.faults = Plan()
    assert box.left


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_the_spec_changes_between(how: str) -> None:
    box = Box.delivered("pve8-cx6dx")
    rebooting(box)
    if how == "changed":
        box.change(SPEC, "192.168.100.101/24", "192.168.100.102/24")
    else:
        del box.state.files[SPEC]
    assert box.boot() == 1
    assert "so nothing is done by itself" in box.told
    assert box.left == []
    assert not switching(box)
    assert box.boot() is None


def test_the_nic_is_gone_after_the_boot() -> None:
    box = Box.delivered("pve8-cx6dx")
    rebooting(box)
    for pci in [pci for pci, f in box.state.functions.items() if f.pf is not None]:
        del box.state.functions[pci]
    boots = box.state.boots
    assert box.boot() == 4
    assert "no NIC has mac 08:c0:eb:32:98:11" in box.told
    assert (box.state.boots, box.left) == (boots + 1, [])


def holds_back(box: Box) -> Callable[[], None]:
    """A firmware that forgets what it was told."""

    def forget() -> None:
        for card in box.state.cards.values():
            card.pending = {"SRIOV_EN": "False", "NUM_OF_VFS": "0"}

    return forget


def test_a_boot_that_does_not_bring_it() -> None:
    box = Box.delivered("pve8-cx6dx")
    rebooting(box)
    holds_back(box)()
    boots = box.state.boots
    assert box.boot() == 1
    assert "the reboot did not bring what it was for" in box.told
    assert "firmware" in box.told
    assert (box.state.boots, box.left) == (boots + 1, [])
    assert box.boot() is None


@pytest.mark.parametrize("machine", PROXMOX)
def test_no_reboot_while_guests_run(machine: str) -> None:
    box = Box.delivered(machine)
    box.twin.run(["ovs-vsctl", "add-br", "vmbr2"])
    box.twin.start_guest("vm/102")
    assert box.eswitch(GO) == 4
    assert "guests run here, and a reboot would take them down: VM 102 (vm102)" in box.told
    assert (box.state.boots, box.left) == (1, [])
    assert box.state.cards["cx6dx"].pending["SRIOV_EN"] == "False"


def test_somebody_forbids_a_reboot() -> None:
    box = Box.delivered("pve8-cx6dx")
    box.state.inhibitors = ['"apt" (PID 812 "apt", user root), reason is "dpkg running"']
    assert box.eswitch(GO) == 1
    assert 'Operation inhibited by "apt"' in box.told
    assert "`systemd-inhibit --list` names who forbids it" in box.told
    assert (box.state.boots, box.left) == (1, [])
    box.state.inhibitors = []
    assert box.eswitch(GO) == 0
    assert done(box)


def test_guests_start_once_their_vfs_are_there() -> None:
    """The unit comes before them (Before=pve-guests.service)."""
    box = Box.delivered("pve8-cx6dx")
    box.state.guests["vm/101"].autostart = True
    assert box.eswitch(GO) == 0
    assert box.state.guests["vm/101"].pid is not None


def test_a_reset_of_the_card_instead_of_a_reboot() -> None:
    box = Box.delivered("pve8-cx6dx")
    box.state.platform.iommu_default = True
    box.boot()
    box.change(SPEC, "    match:", "    firmware_reset: true\n    match:")
    assert box.eswitch("apply --yes") == 0, box.told
    assert done(box)
    assert box.state.boots == 2


def test_the_bios_offers_no_iommu() -> None:
    box = Box.delivered("pve8-cx6dx")
    box.state.platform.iommu = ""
    box.boot()
    assert box.eswitch(GO) == 4
    assert "by hand:" in box.told
    assert "VT-d is off there" in box.told


def test_what_is_written_down_on_the_way() -> None:
    """The journal has both halves, and the unit's record is for nobody else to read."""
    box = Box.delivered("pve8-cx6dx")
    rebooting(box)
    assert '"reboots": 1' in box.state.files[RECORD]
    assert box.boot() == 0
    assert MODULES in box.state.files
    assert box.twin.list(journal.DIRECTORY) == ("000001.jsonl", "000002.jsonl")


PLAIN = """\
about: Debian 13 with systemd-boot, its ESP mounted, and a kernel that sets the firmware itself
release: 6.18.3-amd64
options: proxmox
ovs: 3.5.0
platform: {loader: systemd-boot, naming: 257, iommu: DMAR, iommu_default: false}
nics:
  cx7:
    driver: mlx5_core
    id: "15b3:1021"
    vf_id: "15b3:101e"
    ports: {"0000:05:00.0": "02:00:00:00:00:01"}
    firmware: {SRIOV_EN: "False", NUM_OF_VFS: "0"}
files:
  /etc/eswitch/eswitch.yaml: |
    version: 1
    nics: {nic: {match: {pci: "0000:05:00.0"}, vfs: 2}}
"""


def test_the_kernels_own_parameters_and_kernel_install() -> None:
    """Neither mstflint nor proxmox-boot-tool (facts 1.5)."""
    box = Box(FaultyTwin(parse(PLAIN, "plain")))
    before = dict(box.state.files)
    assert box.eswitch(GO) == 0, box.told
    ran = [text for text in box.twin.operations if "cmode permanent" in text or "add-all" in text]
    assert ran == [
        "run devlink dev param set pci/0000:05:00.0 name enable_sriov value true cmode permanent",
        "run devlink dev param set pci/0000:05:00.0 name total_vfs value 2 cmode permanent",
        "run kernel-install add-all",
    ]
    assert done(box)
    assert WORDS in box.twin.read("/boot/efi/loader/entries/debian-6.18.3-amd64.conf")
    box.roll_back()
    box.boot()
    assert box.state.files[CMDLINE] == before[CMDLINE]
    assert box.state.cards["cx7"].current == {"SRIOV_EN": "False", "NUM_OF_VFS": "0"}


@pytest.mark.parametrize("machine", names())
@pytest.mark.parametrize("spec", [True, False])
def test_every_verb_works_on_every_machine(machine: str, *, spec: bool) -> None:
    box = Box.delivered(machine)
    if not spec:
        del box.state.files[SPEC]
    for typed in (
        *("show", "show -v", "init", "validate", "plan", "plan -v", "plan --commands"),
        *("plan -o json", "verify --timeout 0", "flows", "rollback --yes", "twin status"),
        *("apply --reboot --yes", "verify --timeout 0", "show -o json", "rollback --yes"),
        *("twin run systemctl reboot", "plan", "twin reboot", "show"),
    ):
        assert box.eswitch(typed) in (0, 2, 3, 4, 8), (typed, box.told)
    assert box.left == []


def test_nobody_is_rebooted_unasked_for_what_is_set_already() -> None:
    box = Box.delivered("pve8-cx6dx")
    assert box.eswitch("apply --yes") == 8
    desired = load(box.twin.read_bytes(SPEC, 9999), SPEC)
    with pytest.raises(NotConfirmed, match="would reboot"):
        apply(box.twin, desired, SPEC, consent=lambda plan: False, reboot=Reboot())
