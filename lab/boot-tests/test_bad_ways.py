"""What goes wrong on the way from the bare box, and how it ends."""

from bare_box import (
    ARCHIVE,
    DROP_IN,
    SPEC,
    arrive,
    eswitch,
    nothing_left,
    reboots,
    story,
    write_spec,
)
from machine.driverarchive import NAME
from typed import PF, Maker, done, shell

LOG = "/var/log/eswitch-driver.log"
# As Proxmox VE starts a guest: its arguments are all that tells.
VM = 'exec -a kvm python3 -c "import time; time.sleep(1000)" -id 104 -name web'


def test_nothing_is_rebooted_for(machine: Maker) -> None:
    guest = arrive(machine, "grub", archive=ARCHIVE)
    before = guest.firmware()

    # Another file than the one that was agreed to.
    spec = done(guest, "cat", SPEC)
    guest.push(spec.replace(ARCHIVE, f"/srv/driver/truncated/{NAME}.tgz").encode(), SPEC)
    refused = eswitch(guest, "apply", "--reboot", "--yes")
    assert (refused.status, "it was cut short" in refused.stderr) == (4, True), refused
    assert "nothing was touched" in refused.stderr

    write_spec(guest, archive=f"/srv/driver/broken/{NAME}.tgz")
    failed = eswitch(guest, "apply", "--reboot", "--yes")
    assert (failed.status, LOG in failed.stderr) == (1, True), failed
    assert "Failed to install" in done(guest, "cat", LOG)
    assert done(guest, "dkms", "status") == ""
    assert guest.firmware() == before

    write_spec(guest)
    shell(guest, f"setsid bash -c '{VM}' >/dev/null 2>&1 </dev/null & echo $! >/run/vm.pid")
    refused = eswitch(guest, "apply", "--reboot", "--yes")
    assert (refused.status, "VM 104 (web)" in refused.stderr) == (4, True), refused
    assert guest.firmware() == before
    shell(guest, "kill $(cat /run/vm.pid)")

    # A tool that says success and keeps nothing.
    guest.behave(mode="forgets")
    lied = eswitch(guest, "apply", "--reboot", "--yes")
    assert (lied.status, "reads back" in lied.stderr) == (1, True), lied
    guest.behave(mode="lockdown")
    locked = eswitch(guest, "apply", "--reboot", "--yes")
    assert (locked.status, "Operation not permitted" in locked.stderr) == (4, True), locked
    assert guest.boots == 1
    nothing_left(guest)


def test_power_cut_and_back_again(machine: Maker) -> None:
    guest = arrive(machine, "grub")
    before = guest.firmware()
    grub = done(guest, "cat", "/boot/grub/grub.cfg")

    shell(guest, "dpkg-divert --quiet --local --rename --add /usr/sbin/update-grub")
    guest.push(b"#!/bin/sh\necho 'update-grub: no space' >&2\nexit 1\n", "/usr/sbin/update-grub")
    done(guest, "chmod", "755", "/usr/sbin/update-grub")
    failed = eswitch(guest, "apply", "--reboot", "--yes")
    assert (failed.status, "update-grub: no space" in failed.stderr) == (1, True), failed
    assert guest.run(["test", "-e", DROP_IN]).status == 1
    assert done(guest, "cat", "/boot/grub/grub.cfg") == grub
    shell(
        guest,
        "rm /usr/sbin/update-grub; dpkg-divert --quiet --local --rename --remove "
        "/usr/sbin/update-grub",
    )

    went = eswitch(guest, "apply", "--yes")
    assert (went.status, "A reboot is needed" in went.stdout) == (8, True), went
    guest.power_cut()
    assert guest.firmware()["SRIOV_EN"]["current"] == 1
    went = eswitch(guest, "apply", "--yes")
    if went.status == 8:
        # GRUB reads ext4 without its journal, so it may have found yesterday's grub.cfg.
        assert "boot: kernel command line" in went.stdout, went
        assert "firmware" not in went.stdout, went
        guest.reboot()
        went = eswitch(guest, "apply", "--yes")
    assert went.status == 0, went
    assert eswitch(guest, "plan").status == 0

    # And all the way back, the last apply first.
    codes = []
    for _ in range(4):
        back = eswitch(guest, "rollback", "--yes")
        if "nothing to roll back" in back.stdout:
            break
        codes.append(back.status)
    assert set(codes) <= {0, 8}, back
    assert 8 in codes
    after = guest.firmware()
    assert {name: after[name]["next"] for name in after} == {
        name: before[name]["next"] for name in before
    }
    assert done(guest, "dkms", "status") == ""
    assert (
        shell(guest, "ls /etc/default/grub.d /etc/modules-load.d | grep -c eswitch || true")
        == "0\n"
    )
    assert "intel_iommu=on" not in done(guest, "cat", "/boot/grub/grub.cfg")


def test_a_full_esp(machine: Maker) -> None:
    guest = arrive(machine, "proxmox")
    before = done(guest, "cat", "/etc/kernel/cmdline")
    shell(
        guest,
        """
        head -c 9000000 /dev/zero >/boot/vmlinuz-9.9.9
        cp /boot/vmlinuz-9.9.9 /boot/initrd.img-9.9.9
        esp=/dev/disk/by-uuid/$(head -n 1 /etc/kernel/proxmox-boot-uuids)
        mount "$esp" /mnt
        dd if=/dev/zero of=/mnt/filler bs=64k 2>/dev/null || true
        umount /mnt
        """,
    )
    failed = eswitch(guest, "apply", "--reboot", "--yes")
    assert (failed.status, "No space left on device" in failed.stderr) == (1, True), failed
    assert "EFI system partition" in failed.stderr
    assert done(guest, "cat", "/etc/kernel/cmdline") == before
    assert guest.boots == 1
    nothing_left(guest)


def test_a_boot_that_does_not_bring_it(machine: Maker) -> None:
    guest = arrive(machine, "grub")
    # Its slot keeps the power: only switching off and on would do.
    guest.behave(cold=True)
    assert reboots(guest) == 1
    told = story(guest)
    assert "did not bring what it was for" in told, told
    assert f"{PF}: firmware" in told
    nothing_left(guest, failed=True)
    assert eswitch(guest, "plan").status == 2
    assert done(guest, "cat", "/proc/cmdline").split().count("intel_iommu=on") == 1

    # The next time the card does not come back at all.
    guest.unplugged = {0}
    assert reboots(guest) == 1
    told = story(guest)
    assert f"no NIC has pci {PF}" in told, told
    nothing_left(guest, failed=True)
    assert guest.boots == 3
