"""A run from boot to power-off, with fake programs in place of QEMU and ssh."""

import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab import lab_fakes

from machine.deadline import Deadline
from machine.errors import DeadlineError, EmulationError, GuestError
from machine.guest import Files, Guest, booted
from machine.qemu import Hardware

GENEROUS = 60.0


@dataclass(frozen=True)
class Fake:
    """Files of a guest whose QEMU and ssh do what they are told."""

    monkeypatch: pytest.MonkeyPatch
    base: Path
    scratch: Path

    def __call__(self, qemu: str, ssh: str = "exit 0") -> Files:
        self.monkeypatch.setenv("FAKE_QEMU", qemu)
        self.monkeypatch.setenv("FAKE_SSH", ssh)
        return Files(self.base, self.base / "disk.qcow2")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    programs = tmp_path / "bin"
    programs.mkdir()
    lab_fakes.install(programs)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    base = tmp_path / "cache" / "base-1"
    base.mkdir(parents=True)
    for name in ("vmlinuz", "initrd", "disk.qcow2"):
        (base / name).write_bytes(b"x")
    return Fake(monkeypatch, base, scratch)


def test_the_status_is_the_commands_own(fake: Fake, tmp_path: Path) -> None:
    word = tmp_path / "word"
    with Guest(fake(f"report ready;report exit 7;obey {word}", "exit 7"), Hardware()) as guest:
        guest.boot(Deadline(GENEROUS))
        assert guest.run(["false"], Deadline(GENEROUS)) == 7
        guest.power_off()
    assert word.read_text(encoding="utf-8") == "off\n"
    assert list(fake.scratch.iterdir()) == []


def test_a_command_may_end_with_255(fake: Fake, tmp_path: Path) -> None:
    files = fake(f"report ready;report exit 255;obey {tmp_path / 'word'}", "exit 255")
    with Guest(files, Hardware()) as guest:
        guest.boot(Deadline(GENEROUS))
        assert guest.run(["sh"], Deadline(GENEROUS)) == 255


def test_a_broken_connection_is_not_a_status(fake: Fake) -> None:
    with Guest(fake("report ready;hang", "exit 255"), Hardware()) as guest:
        guest.boot(Deadline(GENEROUS))
        with pytest.raises(GuestError, match="connection to the guest broke"):
            guest.run(["true"], Deadline(GENEROUS))


def test_a_kept_disk_is_shut_down_in_order(
    fake: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    word = tmp_path / "word"
    files = fake(f"report ready;report exit 0;obey {word}")
    with Guest(files, Hardware(), keep=True) as guest:
        guest.boot(Deadline(GENEROUS))
        guest.run(["true"], Deadline(GENEROUS))
        guest.power_off()
    assert word.read_text(encoding="utf-8") == "poweroff\n"
    assert guest.disk.exists()
    assert str(guest.disk) in capsys.readouterr().err


def test_a_guest_that_does_not_boot_is_killed_by_the_deadline(fake: Fake) -> None:
    with (
        Guest(fake("print stuck in udev;hang"), Hardware()) as guest,
        pytest.raises(DeadlineError, match="did not boot within") as caught,
    ):
        guest.boot(Deadline(2.0))
    assert "stuck in udev" in caught.value.render()
    assert caught.value.status == 124


def test_a_command_that_hangs_is_killed_by_the_deadline(fake: Fake) -> None:
    with Guest(fake("report ready;hang", "sleep 1000"), Hardware()) as guest:
        guest.boot(Deadline(GENEROUS))
        with pytest.raises(DeadlineError, match="command did not end"):
            guest.run(["sleep", "1000"], Deadline(0.5))


def test_a_panic_is_named(fake: Fake, tmp_path: Path) -> None:
    go = tmp_path / "go"
    act = f"report ready;wait {go};print Kernel panic - not syncing: sysrq triggered crash;exit 0"
    with Guest(fake(act, f"touch {go}; sleep 1000"), Hardware()) as guest:
        guest.boot(Deadline(GENEROUS))
        with pytest.raises(GuestError, match="kernel panicked: sysrq triggered crash") as caught:
            guest.run(["true"], Deadline(GENEROUS))
    assert caught.value.status == 125


BROKEN = "print Oops: int3: 0000 [#1];print Kernel panic - not syncing: Fatal exception;exit 0"


def test_a_boot_that_emulation_broke_is_tried_again(
    fake: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = tmp_path / "second"
    files = fake(f"unless {second};touch {second};{BROKEN}")
    with booted(files, Hardware(), Deadline(GENEROUS)):
        assert second.exists()
    assert "booting again" in capsys.readouterr().err


def test_a_boot_that_emulation_breaks_each_time_is_an_error(fake: Fake) -> None:
    with (
        pytest.raises(EmulationError, match="int3"),
        booted(fake(BROKEN), Hardware(), Deadline(GENEROUS)),
    ):
        pytest.fail("it did not boot")
    assert list(fake.scratch.iterdir()) == []


def test_any_other_panic_at_boot_is_an_error_at_once(fake: Fake, tmp_path: Path) -> None:
    boots = tmp_path / "boots"
    files = fake(f"count {boots};print Kernel panic - not syncing: bad module;exit 0")
    with (
        pytest.raises(GuestError, match="bad module"),
        booted(files, Hardware(), Deadline(GENEROUS)),
    ):
        pytest.fail("it did not boot")
    assert boots.read_text(encoding="utf-8") == "boot\n"


def test_a_guest_that_powers_off_is_not_a_success(fake: Fake, tmp_path: Path) -> None:
    go = tmp_path / "go"
    act = f"report ready;wait {go};exit 0"
    with Guest(fake(act, f"touch {go}; sleep 1000"), Hardware()) as guest:
        guest.boot(Deadline(GENEROUS))
        with pytest.raises(GuestError, match="powered off or rebooted"):
            guest.run(["true"], Deadline(GENEROUS))


def test_qemus_own_complaint_is_shown(fake: Fake, tmp_path: Path) -> None:
    files = fake("hang")
    program = tmp_path / "bin" / "qemu-system-x86_64"
    program.write_text("#!/bin/sh\necho 'no such device' >&2\nexit 1\n", encoding="utf-8")
    with Guest(files, Hardware()) as guest, pytest.raises(GuestError, match="no such device"):
        guest.boot(Deadline(GENEROUS))


def test_the_overlays_are_appended_to_the_initramfs(fake: Fake, tmp_path: Path) -> None:
    module, program = tmp_path / "module.cpio", tmp_path / "program.cpio"
    module.write_bytes(b"module")
    program.write_bytes(b"program")
    plain = fake("report ready;hang")
    with Guest(Files(plain.base, plain.disk, (module, program)), Hardware()) as guest:
        guest.boot(Deadline(GENEROUS))
        assert (guest.scratch / "initrd").read_bytes() == b"xmoduleprogram"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_qemu_outlives_us(fake: Fake, number: signal.Signals) -> None:
    files = fake("report ready;hang", "sleep 1000")
    script = f"""
import sys
sys.path.insert(0, {str(Path(lab_fakes.__file__).parents[2] / "lab")!r})
from pathlib import Path
from machine import cli
from machine.deadline import Deadline
from machine.guest import Files, Guest, booted
from machine.qemu import Hardware
def perform(arguments):
    base = Path({str(files.base)!r})
    with Guest(Files(base, base / "disk.qcow2"), Hardware()) as guest:
        guest.boot(Deadline(60))
        print(guest._process.pid, flush=True)
        return guest.run(["sleep", "1000"], Deadline(60))
cli.perform = perform
sys.exit(cli.main([]))
"""
    lab = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert lab.stdout is not None
    with lab.stdout:
        qemu = os.pidfd_open(int(lab.stdout.readline()))
        try:
            lab.send_signal(number)
            status = lab.wait(timeout=GENEROUS)
            # Readable means ended (pidfd_open(2)).
            assert select.select([qemu], [], [], GENEROUS)[0] == [qemu]
        finally:
            os.close(qemu)
    assert status == (-number if number == signal.SIGKILL else 128 + number)
    if number != signal.SIGKILL:
        assert list(fake.scratch.iterdir()) == []
