"""Reboots that nobody agreed to, applies that are stopped, and what is armed for after a boot."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

import pytest
from twin.box import CMDLINE, DROP_IN, SPEC, WORDS, Box
from twin.test_bare_box import GO, another, rebooting, switching

from eswitch.cli import apply_over_reboot
from eswitch.engine import resume
from eswitch.engine.converge import refuse_guests
from eswitch.engine.resume import RECORD, UNIT_FILE
from eswitch.errors import Locked, NotFound, Refused
from eswitch.files.paths import BOOT_REFRESHED, MODULES
from eswitch.host import Host, Result
from eswitch.host.local import LocalHost
from eswitch.model.observed import ObservedState
from eswitch.twin import Fault, Kind, modules
from eswitch.twin.faults import Plan


def meddle(
    monkeypatch: pytest.MonkeyPatch,
    box: Box,
    matching: str,
    act: Callable[[], None],
    *,
    after: bool = False,
) -> None:
    """Something happens once, before or after that program runs."""
    real = box.twin.run
    done: list[int] = []

    def run(argv: Sequence[str], **keys: Any) -> Result:
        due = not done and matching in f"{' '.join(argv)} {keys.get('input')}"
        done.extend([1] * due)
        if due and not after:
            act()
        ended = real(argv, **keys)
        if due and after:
            act()
        return ended

    monkeypatch.setattr(box.twin, "run", run)


def ctrl_c() -> None:
    """Or `systemctl stop`, or a shutdown: SIGTERM is the same."""
    raise KeyboardInterrupt


def test_a_reboot_that_was_not_foreseen_is_not_agreed_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first plan needs none, so nobody is asked, and guests are not looked for; then one does
    (here: the card offers fewer VFs once its driver is at work)."""
    box = Box.delivered("pve8-cx6dx")
    box.state.functions.pop("0000:07:00.1")  # a card with one port
    box.state.configured = [w for w in box.state.configured if w.function != "0000:07:00.1"]
    box.boot()
    assert box.eswitch(GO) == 0
    box.boot()
    boots = box.state.boots
    real = box.twin.write_attribute

    def write(path: str, value: str, timeout: float) -> None:
        real(path, value, timeout)
        if path.endswith("sriov_numvfs") and value == "2":
            for card in box.state.cards.values():
                card.current["NUM_OF_VFS"] = card.pending["NUM_OF_VFS"] = "1"

    monkeypatch.setattr(box.twin, "write_attribute", write)
    assert box.eswitch("apply --reboot") == 2  # no --yes, no terminal
    assert "a reboot is needed that the plan did not foresee" in box.told
    assert (box.state.boots, box.left) == (boots, [])


def test_ctrl_c_while_the_loader_is_written_leaves_nothing_half_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box = Box.delivered("pve8-zfs-cx6dx")
    meddle(monkeypatch, box, "proxmox-boot-tool refresh", ctrl_c)
    assert box.eswitch(GO) == 130
    assert "kernel command line was put back" in box.told
    assert WORDS not in box.state.files[CMDLINE]
    assert WORDS not in box.state.kernel.next_cmdline
    assert box.left == []


def lose(monkeypatch: pytest.MonkeyPatch, box: Box, path: str) -> None:
    """Whatever is written to that file does not stay."""
    real = box.twin.replace_file

    def replace_file(there: str, content: bytes, mode: int = 0o644) -> None:
        if there != path:
            real(there, content, mode)

    monkeypatch.setattr(box.twin, "replace_file", replace_file)


@pytest.mark.parametrize("machine", ["pve8-cx6dx", "pve8-zfs-cx6dx"])
def test_a_command_line_that_reads_back_wrong_is_really_put_back(
    monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    box = Box.delivered(machine)
    if machine == "pve8-cx6dx":  # a later drop-in has the last word
        box.put("/etc/default/grub.d/zz.cfg", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n')
    else:
        lose(monkeypatch, box, BOOT_REFRESHED)
    path = DROP_IN if machine == "pve8-cx6dx" else CMDLINE
    before = box.state.files.get(path)
    assert box.eswitch(GO) == 1
    assert "kernel command line was put back" in box.told
    assert box.state.files.get(path) == before


def test_it_is_not_put_back_where_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box.delivered("pve8-cx6dx")
    meddle(monkeypatch, box, "update-grub", lambda: box.put(DROP_IN, "mine\n"))
    with suppress(KeyboardInterrupt):
        box.eswitch(GO)
    assert "putting it back failed too" in box.told
    assert "was put back" not in box.told
    assert box.state.files[DROP_IN] == "mine\n"


def due(box: Box) -> None:
    """After the next boot more is due than it was for."""
    record = json.loads(box.state.files[RECORD])
    box.put(RECORD, json.dumps({**record, "expected": []}))
    for card in box.state.cards.values():
        card.pending = {"SRIOV_EN": "False", "NUM_OF_VFS": "0"}


def test_guests_that_start_meanwhile_are_not_taken_down(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box.delivered("pve8-cx6dx")
    box.twin.run(["ovs-vsctl", "add-br", "vmbr2"])
    meddle(monkeypatch, box, "update-grub", lambda: box.twin.start_guest("vm/102"))
    assert box.eswitch(GO) == 4
    assert "guests run here, and a reboot would take them down" in box.told
    assert (box.state.boots, box.left) == (1, [])


def test_disarming_forgets_even_where_systemctl_does_not_answer() -> None:
    box = Box.delivered("pve8-cx6dx")
    box.twin.faults = Plan(
        [
            Fault(Kind.FAIL, matching="systemctl reboot"),
            Fault(Kind.HANG, after=1, matching="daemon-reload"),
        ]
    )
    assert box.eswitch(GO) == 1
    assert (box.state.boots, box.left) == (1, [])


def test_no_systemd_is_told_before_anything_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box.delivered("pve8-cx6dx")
    rebooting(box)
    box.twin.reboot()
    before = dict(box.state.files)
    with monkeypatch.context() as patch:
        patch.setattr(box.twin, "which", lambda program: None)
        assert box.eswitch(GO) == 4
        assert "this host does not run systemd" in box.told
        assert box.state.files == before

    def absent() -> None:
        raise NotFound("`systemctl` is not installed")

    meddle(monkeypatch, box, "systemctl", absent)
    assert box.eswitch("apply --yes") == 0, box.told  # and forgets what was armed
    assert box.left == []


def test_a_dry_run_says_what_a_reboot_would_be_refused_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box = Box.delivered("pve8-cx6dx")
    assert box.eswitch("apply --dry-run --reboot") == 2
    box.twin.run(["ovs-vsctl", "add-br", "vmbr2"])
    box.twin.start_guest("vm/102")
    assert box.eswitch("apply --dry-run --reboot") == 4
    assert "guests run here" in box.told
    assert box.eswitch("apply --dry-run") == 2
    monkeypatch.setattr(box.twin, "which", lambda program: None)
    assert box.eswitch("apply --dry-run --reboot") == 4
    assert "this host does not run systemd" in box.told


def test_a_second_reboot_that_was_not_seen_in_time_may_yet_come() -> None:
    box = Box.delivered("pve8-cx6dx")
    rebooting(box)
    due(box)
    box.twin.faults = Plan([Fault(Kind.HANG, matching="systemctl reboot")])
    assert box.boot() == 1
    assert "did not end within 60 s" in box.told
    assert box.left
    assert box.boot() == 0, box.told
    assert switching(box)


def test_a_damaged_record_goes_away() -> None:
    box = Box.delivered("pve8-cx6dx")
    rebooting(box)
    box.put(RECORD, box.state.files[RECORD][:40])
    assert box.boot() == 1
    assert "it is not what eswitch wrote" in box.told
    assert box.left == []


def test_a_lock_that_somebody_holds_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A boot script of the user's own (`@reboot eswitch apply`) is at work when the unit starts."""
    box = Box.delivered("pve8-cx6dx")
    rebooting(box)

    def lock(path: str) -> None:
        raise Locked("another eswitch process is changing this host")

    with monkeypatch.context() as patch:
        patch.setattr(box.twin, "lock", lock)
        assert box.boot() == 7
    assert box.left
    assert not switching(box)
    assert box.boot() == 0
    assert switching(box)


def test_a_lock_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box.delivered("pve8-cx6dx")
    rebooting(box)
    real, begin = box.twin.lock, box.state.clock

    def lock(path: str) -> AbstractContextManager[None]:
        if box.state.clock < begin + 120:
            raise Locked("another eswitch process is changing this host")
        return real(path)

    monkeypatch.setattr(box.twin, "lock", lock)
    assert box.boot() == 0, box.told
    assert switching(box)


@pytest.mark.parametrize("after", ["systemctl enable", "systemctl daemon-reload"])
def test_ctrl_c_before_the_reboot_is_ordered_leaves_nothing_armed(
    monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    box = Box.delivered("pve8-cx6dx")
    meddle(monkeypatch, box, after, ctrl_c, after=True)
    assert box.eswitch(GO) == 130
    assert "before the reboot, which was called off" in box.told
    assert "nothing was changed" not in box.told
    assert (box.state.boots, box.left) == (1, [])
    assert box.eswitch(GO) == 0


def test_the_unit_waits_for_udev() -> None:
    box = Box.delivered("pve8-cx6dx")
    rebooting(box)
    unit = box.state.files[UNIT_FILE]
    assert "Wants=systemd-udev-settle.service\n" in unit
    assert "KillMode=mixed\n" in unit
    assert "TimeoutStartSec=3h\n" in unit
    box.twin.operations.clear()
    assert box.boot() == 0
    first = next(n for n, text in enumerate(box.twin.operations) if "mode switchdev" in text)
    assert any("udevadm settle" in text for text in box.twin.operations[:first])


def test_a_nic_that_is_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box.delivered("pve8-cx6dx")
    rebooting(box)
    late = dict(box.state.functions)
    meddle(monkeypatch, box, "udevadm settle", box.state.functions.clear)
    real = box.twin.sleep

    def sleep(seconds: float) -> None:
        real(seconds)
        box.state.functions.update(late)

    monkeypatch.setattr(box.twin, "sleep", sleep)
    assert box.boot() == 0, box.told
    assert switching(box)


def test_another_card_at_the_same_address_after_the_boot_is_left_alone() -> None:
    """More buses for SR-IOV: the BIOS numbers them anew, and the address is another card's."""
    box = Box.delivered("pve8-cx6dx")
    box.change(SPEC, 'match: {mac: "08:c0:eb:32:98:11"}', 'match: {pci: "0000:07:00.0"}')
    rebooting(box)
    one, other = (box.state.functions[f"0000:07:00.{n}"].pf for n in (0, 1))
    assert one
    assert other
    one.mac, other.mac = other.mac, one.mac
    for wanted in box.state.configured:
        if wanted.function in ("0000:07:00.0", "0000:07:00.1"):
            wanted.mac = ""
    assert box.boot() == 1
    assert "another card, so nothing is done by itself" in box.told
    assert one.mode == "legacy"
    assert box.left == []


def armed_with(*program: str) -> Box:
    """A machine whose unit starts that program."""
    box = Box.delivered("pve8-cx6dx")
    resume.arm(box.twin, resume.Resume(SPEC, "", "", program))
    return box


def test_a_path_with_anything_in_it_is_started() -> None:
    path = '/opt/a b/$HOME/100%/"x"\\y/eswitch'
    box = armed_with("/usr/bin/python3", path, "100%u", "${HOME}", "")
    assert box.state.files[UNIT_FILE].count("ExecStart=/usr/bin/python3 ") == 1
    box.twin.reboot()
    (start,) = box.twin.to_start()
    assert start.argv == (
        *("/usr/bin/python3", path, "100%u", "${HOME}", ""),
        *("apply", "--resume"),
    )


def test_a_program_that_systemd_could_not_start_is_told_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = LocalHost()
    resume.refuse_program(host, ("/bin/echo",))
    with pytest.raises(Refused, match="could not start eswitch after the reboot: `/bin/false`"):
        resume.refuse_program(host, ("/bin/false",))
    with pytest.raises(Refused, match="will not be there after the reboot"):
        resume.refuse_program(host, ("/run/venv/bin/eswitch",))
    with pytest.raises(Refused, match="systemd starts no program with such a path"):
        resume.refuse_program(host, ("/home/o'brien/bin/eswitch",))
    with pytest.raises(Refused, match="will not be there after the reboot"):
        resume.refuse_fleeting(host, "/var/run/x.yaml")
    resume.refuse_fleeting(host, SPEC)
    monkeypatch.setattr(host, "resolve", lambda path: "/tmp/x.yaml")
    with pytest.raises(Refused, match=f"{SPEC} will not be there after the reboot"):
        resume.refuse_fleeting(host, SPEC)


def test_what_was_rolled_back_does_not_come_again_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box = Box.delivered("pve8-cx6dx")
    rebooting(box)
    meddle(monkeypatch, box, "add-br", ctrl_c)
    assert box.boot() == 130
    assert box.left
    assert box.eswitch("rollback --dry-run") == 0
    assert "left to go on after a reboot is called off first" in box.told
    assert box.left
    box.twin.operations.clear()
    assert box.eswitch("rollback --yes") in (0, 8), box.told
    assert box.left == []
    changes = [o for o in box.twin.operations if o.startswith(("write ", "remove ", "append "))]
    assert changes[0] == f"remove {RECORD}"
    assert box.boot() is None
    assert not switching(box)


def test_rollback_whose_loader_cannot_be_written_is_no_success() -> None:
    box = Box.delivered("pve8-zfs-cx6dx")
    assert box.eswitch("apply --yes") == 8
    box.state.esp_full = True
    assert box.eswitch("rollback --yes") == 1
    assert "proxmox-boot-tool refresh: " in box.told
    assert "No space left" in box.told
    assert "was gone already" not in box.told
    assert WORDS in box.state.kernel.next_cmdline
    box.state.esp_full = False
    assert box.eswitch("rollback --yes") == 8, box.told
    assert WORDS not in box.state.kernel.next_cmdline


@pytest.mark.parametrize("kernels_own", [True, False])
def test_rollback_whose_initramfs_cannot_be_written_is_no_success(
    monkeypatch: pytest.MonkeyPatch, *, kernels_own: bool
) -> None:
    box = Box.delivered("debian13-bare")
    if kernels_own:
        monkeypatch.setattr(modules, "OUTSIDE", {})  # as if it were one of the kernel's own
        box.state.kernel.lacks.clear()
        box.boot()
    else:
        assert box.eswitch(GO) == 0
        another(box)
    assert box.eswitch("apply --yes") == 8, box.told
    box.twin.faults = Plan([Fault(Kind.FAIL, matching="update-initramfs")])
    assert box.eswitch("rollback --yes") == 1
    assert "was gone already" not in box.told


def test_rollback_that_leaves_our_file_is_no_success() -> None:
    box = Box.delivered("pve8-cx6dx")
    assert box.eswitch("apply --yes") == 8
    box.put(MODULES, box.state.files[MODULES] + "nbd\n")
    assert box.eswitch("rollback --yes") == 1
    assert MODULES in box.state.files
    assert "was changed: somebody else was at it meanwhile" in box.told
    assert "was gone already: rm" not in box.told


@pytest.mark.parametrize("program", ["tar", "mkdir", "./install"])
def test_a_driver_that_was_not_built_can_be_rolled_back(program: str) -> None:
    box = Box.delivered("debian13-bare")
    box.twin.faults = Plan([Fault(Kind.FAIL, matching=program)])
    assert box.eswitch("apply --yes") == 1
    box.twin.faults = Plan()
    assert box.eswitch("rollback --yes") in (0, 8), box.told
    assert box.eswitch("rollback --yes") == 0
    assert "nothing to roll back" in box.told


def test_firmware_of_the_card_with_my_session_can_be_rolled_back() -> None:
    box = Box.delivered("pve8-cx6dx")
    (pf,) = [ln for ln in box.state.links if ln.function == "0000:07:00.0"]
    box.twin.run(["ip", "addr", "add", "10.9.9.9/24", "dev", pf.name])
    box.state.environment = {}
    assert box.eswitch("apply --yes") == 8
    box.state.environment = {"SSH_CONNECTION": "10.9.9.1 50022 10.9.9.9 22"}
    assert box.eswitch("rollback --yes") == 8, box.told


def test_ctrl_c_once_the_reboot_is_ordered_keeps_what_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may be the reboot itself that stops us."""
    box = Box.delivered("pve8-cx6dx")
    meddle(monkeypatch, box, "systemctl reboot", ctrl_c)
    assert box.eswitch(GO) == 130
    assert "the reboot was ordered before, and it goes on after it" in box.told
    assert box.left
    assert box.boot() == 0
    assert switching(box)


def test_ctrl_c_while_guests_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box.delivered("pve8-cx6dx")
    real = refuse_guests

    def interrupted(host: Host, observed: ObservedState) -> None:
        real(host, observed)
        ctrl_c()

    monkeypatch.setattr(apply_over_reboot, "refuse_guests", interrupted)
    assert box.eswitch(GO) == 130
    assert "before the reboot, which was called off" in box.told
    assert (box.state.boots, box.left) == (1, [])


def test_the_session_that_began_before_the_reboot_counts_after_it() -> None:
    """The unit has none of its own; whoever typed the apply comes back the same way. What is done
    to the card was agreed to, while that way was over another one."""
    box = Box.delivered("pve8-cx6dx")
    (name,) = [link.name for link in box.state.links if link.function == "0000:07:00.0"]
    box.twin.run(["ip", "addr", "add", "10.9.9.9/24", "dev", name])
    rebooting(box)
    assert json.loads(box.state.files[RECORD])["sessions"] == ["192.168.1.10"]
    box.state.environment = {}
    box.twin.reboot()
    box.twin.run(["ip", "addr", "del", "192.168.1.10/24", "dev", "vmbr0"])
    box.twin.run(["ip", "addr", "add", "192.168.1.10/24", "dev", name])
    assert box.eswitch("apply --resume") == 4, box.told
    assert f"your session comes in through 192.168.1.10/24 on {name}" in box.told
    assert not switching(box)
    assert box.left == []
