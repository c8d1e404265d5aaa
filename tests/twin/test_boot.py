"""What a reboot loses, what it activates, and what it keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from eswitch.engine import apply
from eswitch.engine.look import look
from eswitch.errors import CommandFailed, HostError
from eswitch.observe import observe
from eswitch.spec import load
from eswitch.stages import make_plan
from eswitch.twin import Twin, names, open_machine, saved

CASES = Path(__file__).parent.parent / "cases"
SPEC = "/etc/eswitch/eswitch.yaml"
PF = "/sys/bus/pci/devices/0000:07:00.0"


def machine(name: str) -> Twin:
    return Twin(open_machine(name))


def applied(name: str) -> Twin:
    twin = machine(name)
    apply(twin, load(twin.read_bytes(SPEC, 9999), "spec"), "spec", consent=lambda plan: True)
    return twin


@pytest.mark.parametrize("name", names())
def test_every_machine_boots_as_it_was_delivered(name: str) -> None:
    twin = machine(name)
    before = observe(twin)
    twin.reboot()
    assert observe(twin) == before
    again = saved.from_json(saved.to_json(twin.state), "file")
    assert again == twin.state


@pytest.mark.parametrize("name", names())
def test_every_machine_has_a_spec_of_its_own(name: str) -> None:
    twin = machine(name)
    desired = load(twin.read_bytes(SPEC, 9999), "spec")
    plan = make_plan(desired, look(twin, desired))
    assert plan.steps
    possible = {
        *("debian13-bare", "lab", "pve8-cx6dx", "pve8-cx6dx-ready", "pve8-zfs-cx6dx"),
        *("pve9-cx6dx", "pve9-e810"),
    }
    assert (not plan.blockers) == (name in possible)


def test_modes_and_vfs_go_and_the_journal_stays() -> None:
    twin = applied("pve8-cx6dx-ready")
    twin.reboot()
    state = observe(twin)
    assert [vf for nic in state.nics for vf in nic.vfs] == []
    assert {getattr(nic.eswitch, "mode", None) for nic in state.nics if nic.sriov} == {"legacy"}
    assert twin.list("/var/lib/eswitch/journal") == ("000001.jsonl",)


def test_proxmox_deletes_the_database_and_debian_does_not() -> None:
    twin = applied("pve8-cx6dx-ready")
    twin.reboot()
    assert observe(twin).ovs.bridges == ()
    assert observe(twin).ovs.other_config == {}
    lab = applied("lab")
    lab.reboot()
    (bridge,) = observe(lab).ovs.bridges
    assert observe(lab).ovs.other_config == {"hw-offload": "true"}
    errors = {port.name: port.error for port in bridge.ports if port.error}
    assert errors["enp1s0r0"] == "could not open network device enp1s0r0 (No such device)"


def test_after_a_reboot_apply_makes_it_so_again() -> None:
    for name in ("pve8-cx6dx-ready", "lab", "pve9-e810"):
        twin = applied(name)
        twin.reboot()
        desired = load(twin.read_bytes(SPEC, 9999), "spec")
        apply(twin, desired, "spec", consent=lambda plan: True)
        assert make_plan(desired, observe(twin)).steps == ()


def test_the_firmware_and_the_command_line_count_after_a_boot() -> None:
    twin = machine("pve8-cx6dx")
    with pytest.raises(HostError):
        twin.read(f"{PF}/sriov_totalvfs")
    assert "iommu_group" not in twin.list(PF)
    twin.run(["mstconfig", "-d", "07:00.0", "-y", "set", "SRIOV_EN=1", "NUM_OF_VFS=8"])
    twin.replace_file("/etc/default/grub", b'GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=on"\n')
    with pytest.raises(HostError):
        twin.read(f"{PF}/sriov_totalvfs")
    twin.run(["update-grub"])
    twin.reboot()
    assert twin.read(f"{PF}/sriov_totalvfs") == "8"
    assert "intel_iommu=on" in twin.read("/proc/cmdline")
    assert "iommu_group" in twin.list(PF)


def test_systemd_boot_reads_another_file() -> None:
    twin = machine("pve9-cx6dx")
    old = twin.read("/proc/cmdline")
    twin.replace_file("/etc/kernel/cmdline", f"{old} iommu=pt\n".encode())
    twin.reboot()
    assert "iommu=pt" not in twin.read("/proc/cmdline")
    twin.run(["proxmox-boot-tool", "refresh"])
    twin.reboot()
    assert "iommu=pt" in twin.read("/proc/cmdline")


@pytest.mark.parametrize(("name", "version"), [("pve8-cx6dx-ready", "4.21"), ("pve9-bond", "4.31")])
def test_mstconfig_prints_what_mstflint_prints(name: str, version: str) -> None:
    """Facts 2.1; the heads without -e: mlxcfg_ui.cpp of mstflint."""
    text = (CASES / "mstconfig" / f"{version}.txt").read_text()
    twin = machine(name)
    query = ["mstconfig", "-d", "0000:07:00.0"]
    twin.run([*query, "-y", "set", "NUM_OF_VFS=4"])
    assert twin.run([*query, "-e", "q"]).stdout == text
    lines = twin.run([*query, "q"]).stdout.splitlines()
    before = text.splitlines()
    head = next(n for n, each in enumerate(before) if each.startswith("Configurations:"))
    assert lines[:head] == before[:head]
    start = before[head].index("Default")
    assert lines[head] == f"{'Configurations:':<{start}}Next Boot"
    width = len(before[head + 1].split("NUM_OF_VFS")[0])
    assert [each[:1] for each in lines[head + 1 :]] == [" ", " "]
    assert [each[width:].split() for each in lines[head + 1 :]] == [
        ["NUM_OF_VFS", "4"],
        ["SRIOV_EN", "True(1)"],
    ]


def test_mstconfig_marks_what_is_not_the_default_either() -> None:
    lines = machine("pve8-cx6dx").run(["mstconfig", "-d", "07:00.0", "-e", "q"]).stdout.splitlines()
    assert lines[9].split() == ["*", "NUM_OF_VFS", "8", "0", "0"]
    bluefield = machine("pve9-bluefield").run(["mstconfig", "-d", "03:00.0", "q"]).stdout
    assert "Device type:        BlueField2" in bluefield
    assert "Name:               N/A" in bluefield


def test_lockdown_keeps_mstconfig_out() -> None:
    with pytest.raises(CommandFailed, match="Failed to open the device"):
        machine("pve8-secureboot").run(["mstconfig", "-d", "07:00.0", "q"])


def test_udev_takes_its_time_and_says_when_it_is_done() -> None:
    twin = machine("pve8-cx6dx-ready")
    twin.run(["devlink", "dev", "eswitch", "set", "pci/0000:07:00.0", "mode", "switchdev"])
    twin.write_attribute(f"{PF}/sriov_drivers_autoprobe", "0", 10)
    twin.write_attribute(f"{PF}/sriov_numvfs", "2", 60)
    fresh = [name for name in twin.list(f"{PF}/net") if name.startswith("eth")]
    records = []
    while fresh:
        index = twin.read(f"/sys/class/net/{fresh[0]}/ifindex")
        try:
            records.append(twin.read(f"/run/udev/data/n{index}"))
        except HostError:
            records.append("")
        twin.sleep(0.01)
        fresh = [name for name in twin.list(f"{PF}/net") if name.startswith("eth")]
    assert records[0] == ""
    unfinished = [text.splitlines() for text in records if text]
    assert unfinished
    assert all("E:ID_PROCESSING=1" in lines for lines in unfinished)
    assert twin.list(f"{PF}/net") == ("enp7s0f0np0", "enp7s0f0npf0vf0", "enp7s0f0npf0vf1")
    assert twin.read(f"/run/udev/data/n{index}").startswith("I:")


def test_a_name_that_is_too_long_stays_the_kernels() -> None:
    twin = machine("pve8-cx6dx-ready")
    twin.state.cards["cx6dx"].current["NUM_OF_VFS"] = "16"
    twin.run(["devlink", "dev", "eswitch", "set", "pci/0000:07:00.0", "mode", "switchdev"])
    twin.write_attribute(f"{PF}/sriov_numvfs", "11", 60)
    twin.run(["udevadm", "settle"])
    names_ = twin.list(f"{PF}/net")
    assert "enp7s0f0npf0vf9" in names_
    assert sum(name.startswith("eth") for name in names_) == 1


def test_guests_start_at_boot_only_if_their_vf_is_there() -> None:
    twin = applied("pve8-cx6dx-ready")
    twin.guest("vm/101").autostart = True
    twin.start_guest("vm/101")
    twin.reboot()
    guest = twin.guest("vm/101")
    assert guest.pid is None
    assert "no PCI device" in guest.trouble


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"'}, "quiet"),
        ({"grub": "GRUB_CMDLINE_LINUX_DEFAULT='a $b'  # mine\nGRUB_CMDLINE_LINUX=c"}, "c a $b"),
        (
            {
                "grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"',
                "grub.d/eswitch.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT x"',
                "grub.d/a.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT="${GRUB_CMDLINE_LINUX_DEFAULT} y"',
                "grub.d/b.dpkg-old": 'GRUB_CMDLINE_LINUX_DEFAULT="z"',
            },
            "quiet y x",
        ),
    ],
)
def test_grubs_settings_are_sourced_in_order(files: dict[str, str], words: str) -> None:
    twin = machine("pve8-cx6dx")
    for name, text in files.items():
        twin.replace_file(f"/etc/default/{name}", f"{text}\n".encode())
    assert twin.run(["update-grub"]).status == 0
    root = "root=/dev/mapper/pve-root ro"
    assert f"{root} {words}\n" in twin.read("/boot/grub/grub.cfg")
    twin.reboot()
    assert twin.read("/proc/cmdline") == f"BOOT_IMAGE=/boot/vmlinuz {root} {words}"


@pytest.mark.parametrize(
    ("words", "on"),
    [
        ("intel_iommu=on intel_iommu=off", False),
        ("intel_iommu=off intel_iommu=on,sm_on", True),
        ("intel_iommu=on iommu=off", False),
        ("iommu=pt", False),
    ],
)
def test_the_last_word_about_the_iommu_counts(words: str, *, on: bool) -> None:
    twin = machine("pve8-cx6dx")
    twin.state.kernel.next_cmdline += f" {words}"
    twin.reboot()
    assert (twin.list("/sys/class/iommu") != ()) is on


def test_each_boot_has_an_id_and_loads_what_is_listed() -> None:
    twin = machine("pve8-cx6dx")
    first = twin.read("/proc/sys/kernel/random/boot_id")
    twin.replace_file("/etc/modules-load.d/x.conf", b"# for VMs\nvfio_pci\nnosuch\n")
    twin.reboot()
    assert twin.read("/proc/sys/kernel/random/boot_id") != first
    assert "vfio_pci" in twin.list("/sys/module")
    assert "vfio-pci" in twin.list("/sys/bus/pci/drivers")


def test_the_initramfs_loads_what_it_has() -> None:
    """A driver that DKMS built counts at boot only once it is in there, or the kernel has none."""
    twin = machine("pve8-cx6dx")
    twin.state.kernel.dkms["mlx5_core"] = "24.10"
    assert "/updates/dkms/" in twin.run(["modinfo", "-n", "mlx5_core"]).stdout
    twin.reboot()
    assert "version" not in twin.list("/sys/module/mlx5_core")
    twin.run(["update-initramfs", "-u"])
    twin.reboot()
    assert twin.read("/sys/module/mlx5_core/version") == "24.10"
