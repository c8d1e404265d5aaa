"""Machines that boot by themselves: firmware store, mstconfig, driver archive, reboots."""

import importlib.machinery
import importlib.util
import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab import lab_fakes

from machine import bootable, bootimage, driverarchive, host, nicstore, qemu
from machine.bootable import BootGuest
from machine.errors import GuestError
from machine.nicstore import Firmware
from machine.qemu import Disk, Efi, Hardware


def line(hardware: Hardware) -> list[str]:
    return qemu.command(
        "qemu",
        hardware,
        disk=Path("/c/disk.qcow2"),
        console=Path("/c/console.log"),
        sockets={"qmp": 3, "report": 4, "control": 5},
    )


# -- the command line ---------------------------------------------------------------------


def test_without_a_kernel_the_firmware_boots() -> None:
    words = line(Hardware(efi=Efi(Path("/code"), Path("/variables"))))
    assert "-kernel" not in words
    assert "if=pflash,unit=0,format=raw,readonly=on,file=/code" in words
    assert "if=pflash,unit=1,format=raw,file=/variables" in words


@pytest.mark.parametrize("iommu", ["intel", "amd", None])
def test_the_iommu_is_chosen(iommu: str | None) -> None:
    found = [word for word in line(Hardware(iommu=iommu)) if word.endswith("-iommu")]
    assert found == ([f"{iommu}-iommu"] if iommu else [])


def test_each_slot_has_what_the_firmware_says() -> None:
    words = line(Hardware(bodies=(None, 0, 3)))
    assert len([word for word in words if word.startswith("pcie-root-port,")]) == 3
    plain, sriov = (word for word in words if word.startswith("nvme,"))
    assert "bus=port1," in plain
    assert "sriov" not in plain
    assert "sriov_max_vfs=3," in sriov


def test_more_disks_come_after_the_root_disk() -> None:
    words = line(Hardware(disks=(Disk("a", Path("/a")), Disk("b", Path("/b"), "raw", False))))
    found = [word for word in words if word.startswith("virtio-blk-pci,")]
    assert [word.split("addr=")[1].split(",")[0] for word in found] == ["0x1d", "0x1d.1", "0x1d.2"]
    assert "multifunction=on" in found[0]


# -- the store ----------------------------------------------------------------------------


def test_what_is_set_becomes_current_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "store"
    nicstore.create(path, Firmware(), nics=2)
    assert path.stat().st_size == nicstore.SIZE
    assert nicstore.bodies(path) == (0, 0)
    store = nicstore.load(path)
    for known in store["nics"]["0000:02:00.0"]["parameters"]:
        known["next"] = {"SRIOV_EN": 1, "NUM_OF_VFS": 4}.get(known["name"], known["next"])
    nicstore.save(path, store)
    assert nicstore.bodies(path) == (0, 0)
    nicstore.start(path, cold=False)
    assert nicstore.bodies(path) == (0, 4)
    assert nicstore.values(path, 1)["NUM_OF_VFS"] == {"default": 8, "current": 4, "next": 4}


def test_some_firmware_wants_the_power_off(tmp_path: Path) -> None:
    path = tmp_path / "store"
    nicstore.create(path, Firmware(cold=True), nics=1)
    store = nicstore.load(path)
    store["nics"]["0000:01:00.0"]["parameters"][8]["next"] = 1
    nicstore.save(path, store)
    nicstore.start(path, cold=False)
    assert nicstore.bodies(path) == (0,)
    nicstore.start(path, cold=True)
    assert nicstore.bodies(path) == (8,)


def test_a_mode_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such mode"):
        nicstore.create(tmp_path / "store", Firmware(mode="odd"), nics=1)


# -- mstconfig ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Mstconfig:
    """The program, on a store of its own."""

    main: Callable[[list[str]], object]
    refused: type[Exception]
    store: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> str:
        self.main(list(words))
        return self.capsys.readouterr().out


@pytest.fixture
def mstconfig(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Mstconfig:
    path = str(bootimage.BOOT / "mstconfig")
    loader = importlib.machinery.SourceFileLoader("mstconfig", path)
    spec = importlib.util.spec_from_loader("mstconfig", loader)
    assert spec is not None
    program = importlib.util.module_from_spec(spec)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(program)
    store = tmp_path / "store"
    nicstore.create(store, Firmware(), nics=1)
    monkeypatch.setattr(program, "STORE", str(store))
    monkeypatch.setattr(program.os.path, "exists", lambda path: path.endswith("0000:01:00.0"))
    return Mstconfig(program.main, program.Refused, store, capsys)


# Facts 2.1, the columns of both versions.
WIDE = """
Configurations:                                          Default             Current         Next Boot
*       NUM_OF_VFS                                  8                    8                    4                   
        LAG_RESOURCE_ALLOCATION                     DEVICE_DEFAULT(0)    DEVICE_DEFAULT(0)    DEVICE_DEFAULT(0)   
The '*' shows parameters with next value different from default/current value.
"""  # noqa: E501, W291
NARROW = """
Configurations:                              Default         Current         Next Boot
*        NUM_OF_VFS                          8               8               4               
         LAG_RESOURCE_ALLOCATION             DEVICE_DEFAULT(0) DEVICE_DEFAULT(0) DEVICE_DEFAULT(0) 
The '*' shows parameters with next value different from default/current value.
"""  # noqa: W291


@pytest.mark.parametrize(("layout", "table"), [("4.31", WIDE), ("4.21", NARROW)])
def test_both_layouts(
    mstconfig: Mstconfig, monkeypatch: pytest.MonkeyPatch, layout: str, table: str
) -> None:
    said = mstconfig("-d", "01:00.0", "-y", "set", "NUM_OF_VFS=4")
    assert "Applying... Done!\n-I- Please reboot machine to load new configurations.\n" in said
    monkeypatch.setenv("MSTCONFIG_LAYOUT", layout)
    names = ("NUM_OF_VFS", "LAG_RESOURCE_ALLOCATION")
    said = mstconfig("-d", "0000:01:00.0", "-e", "q", *names)
    assert said.startswith("\nDevice #1:\n----------\n\nDevice type:")
    assert said.endswith(table)


def test_a_file_of_json(mstconfig: Mstconfig, tmp_path: Path) -> None:
    target = tmp_path / "j"
    mstconfig("-d", "0000:01:00.0", "-e", "-j", str(target), "q", "SRIOV_EN", "NUM_OF_VFS")
    text = target.read_text(encoding="utf-8")
    assert '"current_value": "False(0)"' in text
    assert '"next_value": 8' in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("q", "NO_SUCH"), "doesn't support NO_SUCH parameter"),
        (("-y", "set", "NUM_OF_VFS=900"), "NUM_OF_VFS"),
        (("-y", "set", "ALLOW_RD_COUNTERS=0"), "read only"),
    ],
)
def test_what_mstconfig_refuses(mstconfig: Mstconfig, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(mstconfig.refused, match=message):
        mstconfig("-d", "0000:01:00.0", *words)


def test_a_device_that_is_gone_or_locked(mstconfig: Mstconfig) -> None:
    with pytest.raises(mstconfig.refused, match="Failed to open the device"):
        mstconfig("-d", "0000:09:00.0", "q")
    store = nicstore.load(mstconfig.store)
    nicstore.save(mstconfig.store, {**store, "mode": "lockdown"})
    with pytest.raises(mstconfig.refused, match="semaphore: Operation not permitted"):
        mstconfig("-d", "0000:01:00.0", "q")


def test_a_set_that_keeps_nothing(mstconfig: Mstconfig) -> None:
    store = nicstore.load(mstconfig.store)
    nicstore.save(mstconfig.store, {**store, "mode": "forgets"})
    assert "Done!" in mstconfig("-d", "0000:01:00.0", "-y", "set", "NUM_OF_VFS=4")
    assert nicstore.values(mstconfig.store, 0)["NUM_OF_VFS"]["next"] == 8


# -- the driver archive -------------------------------------------------------------------


def test_the_archive_has_what_nvidias_has(tmp_path: Path) -> None:
    driverarchive.write_all(tmp_path, host.LAB / "eswitchsim", bootimage.DRIVER)
    good = (tmp_path / f"{driverarchive.NAME}.tgz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(good)) as tar:
        names = tar.getnames()
        assert {name.split("/")[0] for name in names} == {driverarchive.NAME}
        assert tar.getmember(f"{driverarchive.NAME}/install").mode == 0o755
    for wanted in ("distro", ".supported_kernels", "uninstall.sh", "src/eswitchsim-1.0/dkms.conf"):
        assert f"{driverarchive.NAME}/{wanted}" in names
    cut = (tmp_path / "truncated" / f"{driverarchive.NAME}.tgz").read_bytes()
    assert good.startswith(cut)
    assert len(cut) < len(good)


# -- the launcher -------------------------------------------------------------------------


@dataclass(frozen=True)
class Maker:
    """Makes guests whose QEMU and ssh do what they are told."""

    monkeypatch: pytest.MonkeyPatch
    logs: Path
    scratch: Path

    def __call__(self, qemu_acts: str, ssh: str = "exit 0") -> BootGuest:
        self.monkeypatch.setenv("FAKE_QEMU", qemu_acts)
        self.monkeypatch.setenv("FAKE_SSH", ssh)
        return BootGuest("grub", logs=self.logs)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maker:
    programs = tmp_path / "bin"
    programs.mkdir()
    lab_fakes.install(programs)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setenv("ESWITCH_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ESWITCH_LAB_ACCEL", "tcg")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    (tmp_path / "variables").write_bytes(b"v")
    files = bootimage.BootFiles(
        tmp_path, tmp_path / "d", tmp_path / "e", Efi(Path("/c"), tmp_path / "variables"),
        tmp_path / "m",
    )  # fmt: skip
    monkeypatch.setattr(bootimage, "ensure", lambda *_: files)
    return Maker(monkeypatch, tmp_path / "logs", scratch)


def test_a_command_has_a_status_and_streams(machine: Maker) -> None:
    with machine("report ready;report exit 3;hang", "echo out; echo err >&2; exit 3") as guest:
        guest.boot()
        assert guest.run(["x"]) == bootable.Result(3, "out\n", "err\n")
    assert list(machine.scratch.iterdir()) == []


def test_a_reboot_under_a_command_has_no_status_and_is_followed(
    machine: Maker, tmp_path: Path
) -> None:
    # The first life ends by a reset, the second one is ready and stays.
    acts = f"unless {tmp_path / 'again'};touch {tmp_path / 'again'};report ready;reset"
    with machine(acts, "exit 255") as guest:
        guest.boot()
        assert guest.run(["reboot"]).status is None
        assert guest.wait_for_reboot() == 1
        assert guest.boots == 2


def test_a_loop_of_reboots_ends(machine: Maker) -> None:
    with machine("reset") as guest, pytest.raises(GuestError, match="again and again"):
        guest.boot()


def test_a_power_off_is_no_reboot_and_the_logs_are_kept(machine: Maker, tmp_path: Path) -> None:
    with machine("print bye;report ready;shutdown") as guest:
        guest.boot()
        with pytest.raises(GuestError, match="did not reboot"):
            guest.wait_for_reboot()
        guest.keep_logs = True
    assert "bye" in (tmp_path / "logs" / "console-1.log").read_text(encoding="utf-8")
