"""`eswitch` on a bare machine: its spec, and how to see what became of it."""

import json

from machine.bootable import BootGuest, Result
from machine.driverarchive import NAME
from machine.nicstore import Firmware
from typed import DEVICE, OFF, PF, Maker, done, shell

SPEC = "/etc/eswitch/eswitch.yaml"
ARCHIVE = f"/srv/driver/{NAME}.tgz"
UNIT = "/etc/systemd/system/eswitch-resume.service"
RECORD = "/var/lib/eswitch/resume.json"
DROP_IN = "/etc/default/grub.d/eswitch.cfg"


def arrive(machine: Maker, loader: str, *, archive: str = ARCHIVE, **hardware: object) -> BootGuest:
    """A booted machine as the box is delivered, with a spec in it that wants it all."""
    few = Firmware(vfs=1)
    guest = machine(BootGuest(loader, arguments=OFF, firmware=few, **hardware))  # type: ignore[arg-type]
    guest.boot()
    write_spec(guest, archive=archive)
    return guest


def write_spec(guest: BootGuest, *, archive: str = ARCHIVE) -> None:
    """Two VFs for guests in namespaces, one for a VM."""
    sha256 = done(guest, "sha256sum", archive).split()[0]
    text = f"""\
version: 1
driver:
  package: {archive}
  sha256: "{sha256}"
nics:
  nic:
    match: {{pci: "{PF}"}}
    vfs:
      - {{mac: "ba:dd:ad:de:ad:30", driver: host}}
      - {{mac: "ba:dd:ad:de:ad:31", driver: host}}
      - {{mac: "ba:dd:ad:de:ad:32"}}
bridges:
  vmbr2:
    ports: [nic]
    address: 192.168.77.1/24
"""
    done(guest, "mkdir", "-p", "/etc/eswitch")
    guest.push(text.encode(), SPEC)


def eswitch(guest: BootGuest, *words: str) -> Result:
    """The program, as somebody types it."""
    return guest.run(["eswitch", *words])


def reboots(guest: BootGuest, *words: str) -> int:
    """`eswitch apply --reboot --yes` that reboots; returns how often the machine did."""
    went = eswitch(guest, "apply", "--reboot", "--yes", *words)
    assert went.status in (None, 8), went
    return guest.wait_for_reboot()


def story(guest: BootGuest) -> str:
    """What the unit wrote into the journal of this boot."""
    return done(guest, "journalctl", "-b", "-u", "eswitch-resume", "--no-pager", "-o", "cat")


def nothing_left(guest: BootGuest, *, failed: bool = False) -> None:
    """No unit, no record: nothing happens at the next boot. systemd remembers one that `failed`."""
    for path in (
        UNIT,
        RECORD,
        f"{UNIT.rpartition('/')[0]}/multi-user.target.wants/{UNIT.rpartition('/')[2]}",
    ):
        assert guest.run(["test", "-e", path]).status == 1, path
    units = shell(guest, "systemctl --failed --plain --no-legend").splitlines()
    assert [unit.split()[0] for unit in units] == ["eswitch-resume.service"] * failed


def offloaded(guest: BootGuest) -> None:
    """Two guests in namespaces talk, and their flows run in the NIC."""
    shell(
        guest,
        """
        for vf in 0 1; do
            netdev=$(ls /sys/bus/pci/devices/0000:01:00.0/virtfn$vf/net)
            ip netns add guest$vf
            ip link set "$netdev" netns guest$vf name eth0
            ip -n guest$vf addr add 192.168.77.1$vf/24 dev eth0
            ip -n guest$vf link set eth0 up
        done
        ip netns exec guest0 ping -c 20 -i 0.2 -w 60 192.168.77.11 >/dev/null
        """,
    )
    flows = json.loads(done(guest, "eswitch", "flows", "-o", "json"))
    placed = [flow["placement"] for flow in flows["flows"]]
    assert placed.count("hardware") >= 2, flows


def bare(guest: BootGuest) -> None:
    """Booted by the loader; no driver, no SR-IOV, no IOMMU; nothing has failed."""
    facts = shell(guest, "cat /proc/cmdline; ls /sys/firmware/efi; echo units; "
                  "systemctl --failed --plain --no-legend")  # fmt: skip
    words = facts.split()
    assert ("BOOT_IMAGE=" in facts) == (guest.loader == "grub")
    assert "runtime-map" in words
    assert words[-1] == "units"
    if guest.loader == "grub":
        assert guest.run(["sh", "-c", "command -v bootctl"]).status == 127
    else:
        assert "Product: systemd-boot" in done(guest, "bootctl", "status")
        assert guest.run(["sh", "-c", "command -v update-grub"]).status == 127
    if guest.loader == "proxmox":
        assert "is configured with: uefi (versions: 6." in done(
            guest, "proxmox-boot-tool", "status"
        )
    assert guest.run(["modinfo", "eswitchsim"]).status == 1
    assert shell(guest, "lsmod | grep -c '^nvme' || true") == "0\n"
    assert done(guest, "lspci", "-s", PF, "-vv").count("SR-IOV") == 0
    assert guest.run(["test", "-e", f"{DEVICE}/sriov_totalvfs"]).status == 1
    assert shell(guest, "ls /sys/class/iommu /sys/kernel/iommu_groups | grep -v :").split() == []
    assert done(guest, "ls", "/sys/firmware/acpi/tables/DMAR")
    assert done(guest, "eswitch", "--version").startswith("eswitch")
