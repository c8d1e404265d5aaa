"""Console reading, deadlines, archives, the probe for KVM, layers' keys."""

import os
import stat
import sys
from pathlib import Path

import pytest

from machine import accel, console, layers
from machine.cpio import archive
from machine.deadline import Deadline
from machine.errors import LabError
from machine.recipe import Recipe


def test_a_panic_is_found_among_control_sequences() -> None:
    text = console.CONTROL_SEQUENCE.sub(
        "", "\x1b[!p\x1b]104\x07\x1b[1mKernel panic - not syncing: VFS: x\x1b[0m\r\n"
    )
    assert text == "Kernel panic - not syncing: VFS: x\n"
    assert console.panic(text) == "VFS: x"
    assert console.panic("all is well") is None


@pytest.mark.parametrize(
    "line",
    [
        "BUG: kernel NULL pointer dereference, address: 0000000000000008",
        "WARNING: CPU: 1 PID: 412 at net/core/dev.c:1 unregister_netdevice+0x1/0x2",
        "WARNING: possible circular locking dependency detected",
        "INFO: task kworker/0:1:9 blocked for more than 120 seconds.",
        "refcount_t: underflow; use-after-free.",
        "UBSAN: array-index-out-of-bounds in x.c:1:2",
    ],
)
def test_what_the_kernel_complains_about_is_named_once(line: str) -> None:
    text = f"[    1.0] {line}\n[    2.0] fine\n[    3.0] {line}\n"
    assert console.complaints(text) == [line]


def test_harmless_lines_are_no_complaints() -> None:
    text = "mtrr: your CPUs had inconsistent MTRRdefType settings\nrandom: crng init done\n"
    assert console.complaints(text) == []


def test_the_tail_is_the_last_lines_that_are_not_blank(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    assert console.read(log) == ""
    log.write_bytes(b"one\r\n\r\ntwo\xff\r\nthree\r\n")
    assert console.tail(console.read(log), 2) == "two\ufffd\nthree"
    assert console.tail("") == "(nothing was printed)"


def test_a_deadline_never_goes_below_zero() -> None:
    now = [100.0]
    deadline = Deadline(10, clock=lambda: now[0])
    assert deadline.remaining() == 10
    now[0] = 107.0
    assert deadline.sooner(60).remaining() == 3
    assert deadline.sooner(1).remaining() == 1
    now[0] = 120.0
    assert deadline.remaining() == 0
    assert deadline.passed()


def read_archive(data: bytes) -> dict[str, tuple[int, bytes]]:
    """A reader of the newc format, from the kernel's description of it."""
    found: dict[str, tuple[int, bytes]] = {}
    offset = 0
    while True:
        assert data[offset : offset + 6] == b"070701"
        fields = [int(data[offset + 6 + 8 * i : offset + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = data[offset + 110 : offset + 110 + name_size - 1].decode()
        start = (offset + 110 + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = (mode, data[start : start + size])
        offset = (start + size + 3) // 4 * 4


def test_the_archive_has_directories_before_their_files() -> None:
    found = read_archive(archive({"overlay/usr/lib/a.ko": b"12345", "overlay/b": b""}))
    assert list(found) == [
        "overlay",
        "overlay/b",
        "overlay/usr",
        "overlay/usr/lib",
        "overlay/usr/lib/a.ko",
    ]
    assert found["overlay/usr/lib/a.ko"] == (stat.S_IFREG | 0o644, b"12345")
    assert stat.S_ISDIR(found["overlay/usr"][0])


def program(path: Path, text: str) -> str:
    path.write_text(f"#!{sys.executable}\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("text", "works"),
    [
        ("print('Kernel panic - not syncing: VFS: Unable to mount root fs')", True),
        ("import time; time.sleep(1000)", False),
        ("print('Could not access KVM kernel module'); raise SystemExit(1)", False),
        ("print('KVM internal error. Suberror: 1')", False),
    ],
)
def test_kvm_works_only_if_the_kernel_ran_to_its_end(
    tmp_path: Path, text: str, works: bool
) -> None:
    # Time enough for a slow machine to start Python; only the sleeper uses it up.
    timeout = 3.0 if "sleep" in text else 60.0
    assert accel.kvm_works(program(tmp_path / "qemu", text), tmp_path, timeout) is works


def test_the_environment_decides_about_kvm(tmp_path: Path) -> None:
    for wish in ("kvm", "tcg"):
        assert accel.choose(tmp_path, "qemu", tmp_path, {"ESWITCH_LAB_ACCEL": wish}) == wish
    with pytest.raises(LabError, match="ESWITCH_LAB_ACCEL is 'xen'"):
        accel.choose(tmp_path, "qemu", tmp_path, {"ESWITCH_LAB_ACCEL": "xen"})


def test_the_probes_answer_is_kept_until_the_next_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: True)
    asked: list[Path] = []

    def no_kvm(_qemu: str, kernel: Path, *_: object) -> bool:
        asked.append(kernel)
        return False

    monkeypatch.setattr(accel, "kvm_works", no_kvm)
    assert accel.choose(tmp_path, "qemu", tmp_path, {}) == "tcg"
    assert accel.choose(tmp_path, "qemu", tmp_path, {}) == "tcg"
    assert len(asked) == 1
    boot = tmp_path / "boot_id"
    boot.write_text("another\n", encoding="ascii")
    monkeypatch.setattr(accel, "BOOT_ID", boot)
    accel.choose(tmp_path, "qemu", tmp_path, {})
    assert len(asked) == 2


def checkout(root: Path, *, module: bool = True, requirements: bool = True) -> Path:
    sources = root / "lab" / "eswitchsim"
    sources.mkdir(parents=True)
    (sources / "main.c").write_text("int x;", encoding="utf-8")
    if module:
        (sources / "Makefile").write_text("obj-m += eswitchsim.o", encoding="utf-8")
    if requirements:
        (root / "requirements").mkdir()
        (root / "requirements" / "py313.txt").write_text("a==1", encoding="utf-8")
    return sources


def keys(
    root: Path, scratch: Path, base: str = "base"
) -> tuple[str | None, str | None, str | None]:
    scratch.mkdir()
    plan = layers.snapshot(root, Recipe(), scratch)
    found = {archive.kind: archive.key for archive in plan.archives(base)}
    return plan.deps_key(base), found.get("module"), found.get("program")


def test_each_input_changes_its_own_layer_only(tmp_path: Path) -> None:
    sources = checkout(tmp_path / "c")
    program = tmp_path / "c" / "src" / "eswitch"
    program.mkdir(parents=True)
    (program / "cli.py").write_text("", encoding="utf-8")
    start = keys(tmp_path / "c", tmp_path / "1")
    deps, module, bytecode = start
    (sources / "main.c").write_text("int y;", encoding="utf-8")
    changed = keys(tmp_path / "c", tmp_path / "2")
    assert changed[0] == deps
    assert changed[1] != module
    assert changed[2] == bytecode
    (sources / "main.c").write_text("int x;", encoding="utf-8")
    (tmp_path / "c/requirements/py313.txt").write_text("a==2", encoding="utf-8")
    changed = keys(tmp_path / "c", tmp_path / "3")
    assert changed[0] != deps
    assert changed[1:] == start[1:]
    (program / "cli.py").write_text("x = 1", encoding="utf-8")
    changed = keys(tmp_path / "c", tmp_path / "4")
    assert changed[1] == module
    assert changed[2] != bytecode


def test_what_was_made_on_one_base_is_not_used_on_another(tmp_path: Path) -> None:
    checkout(tmp_path / "c")
    one = keys(tmp_path / "c", tmp_path / "1", base="one")
    other = keys(tmp_path / "c", tmp_path / "2", base="other")
    assert one[0] != other[0]
    assert one[1] != other[1]


def test_two_builds_of_a_recipe_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("key one", encoding="ascii")
    one = layers.identity(tmp_path)
    (tmp_path / "known_hosts").write_text("key two", encoding="ascii")
    assert layers.identity(tmp_path) != one


def test_bytecode_in_the_checkout_is_no_input(tmp_path: Path) -> None:
    checkout(tmp_path / "c")
    program = tmp_path / "c" / "src" / "eswitch"
    (program / "__pycache__").mkdir(parents=True)
    before = keys(tmp_path / "c", tmp_path / "1")
    (program / "__pycache__" / "cli.cpython-311.pyc").write_bytes(b"x")
    assert keys(tmp_path / "c", tmp_path / "2") == before


def test_what_a_compiler_leaves_behind_is_no_input(tmp_path: Path) -> None:
    sources = checkout(tmp_path / "c")
    before = keys(tmp_path / "c", tmp_path / "1")
    for name in ("main.o", "eswitchsim.ko", "eswitchsim.mod.c", ".main.o.cmd", "Module.symvers"):
        (sources / name).write_text("x", encoding="utf-8")
    assert keys(tmp_path / "c", tmp_path / "2") == before


def test_absent_inputs_are_skipped_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout(tmp_path / "c", module=False, requirements=False)
    assert keys(tmp_path / "c", tmp_path / "1") == (None, None, None)
    said = capsys.readouterr().err
    assert "no requirements/py313.txt" in said
    assert "no lab/eswitchsim/Makefile" in said
