"""LocalHost on this machine: real files, real programs, in a directory of their own."""

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from eswitch.errors import CommandFailed, HostError, Locked, NotFound, TimedOut
from eswitch.host.local import LocalHost

SOURCE = Path(__file__).parent.parent.parent / "src"
PATIENCE = 20.0


@pytest.fixture
def host() -> LocalHost:
    return LocalHost()


def until(condition: Callable[[], bool]) -> None:
    """Wait on a condition, with a generous deadline."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


# Reading


def test_read_takes_off_one_newline(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"switchdev\n\n")
    assert host.read(str(tmp_path / "a")) == "switchdev\n"
    assert host.read_bytes(str(tmp_path / "a"), 6) == b"switch"


def test_bytes_that_are_no_text_are_replaced(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\xffb")
    assert host.read(str(tmp_path / "a")) == "a\ufffdb"


def test_large_file_is_read_whole(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    assert len(host.read(str(tmp_path / "a"))) == 3_000_000
    assert len(host.read_bytes(str(tmp_path / "a"), 2_500_000)) == 2_500_000


def test_absent_and_unreadable_are_told_apart(host: LocalHost, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as absent:
        host.read(str(tmp_path / "no"))
    assert absent.value.errno == errno.ENOENT
    with pytest.raises(HostError) as directory:
        host.read(str(tmp_path))
    assert not isinstance(directory.value, NotFound)
    assert directory.value.errno == errno.EISDIR
    assert os.strerror(errno.EISDIR) in str(directory.value)


def test_what_could_be_waited_for_without_end_is_not_read(host: LocalHost, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null", "/dev/zero"):
        with pytest.raises(HostError, match="a pipe or a device, not a file"):
            host.read_bytes(str(path), 100)


def test_a_path_that_no_file_can_have(host: LocalHost) -> None:
    with pytest.raises(HostError):
        host.read("/tmp/a\0b")


def test_list_is_sorted(host: LocalHost, tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / name).touch()
    assert host.list(str(tmp_path)) == ("a", "b", "c")
    with pytest.raises(NotFound):
        host.list(str(tmp_path / "no"))


def test_resolve_follows_all_links(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "one").symlink_to("real")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    assert host.resolve(str(tmp_path / "two")) == os.path.realpath(tmp_path / "real")
    (tmp_path / "dangling").symlink_to("nothing")
    with pytest.raises(NotFound):
        host.resolve(str(tmp_path / "dangling"))


def test_reading_leaves_no_file_open(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    host.resolve(str(tmp_path / "a"))
    before = os.listdir("/proc/self/fd")
    for _ in range(5):
        host.read(str(tmp_path / "a"))
        host.resolve(str(tmp_path / "a"))
        host.list(str(tmp_path))
    assert len(os.listdir("/proc/self/fd")) == len(before)


# Attributes


@pytest.mark.parametrize("name", ["sriov_numvfs", "sriov_drivers_autoprobe"])
def test_attribute_is_written_in_place(host: LocalHost, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("0000")
    inode = path.stat().st_ino
    host.write_attribute(str(path), "16", 5)
    assert path.read_text() == "1600"
    assert path.stat().st_ino == inode


@pytest.mark.parametrize("name", ["sriov_numvfs", "sriov_drivers_autoprobe"])
def test_absent_attribute_is_not_created(host: LocalHost, tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound):
        host.write_attribute(str(tmp_path / name), "1", 5)
    assert os.listdir(tmp_path) == []


def test_kernel_refusal_keeps_its_number_and_words(host: LocalHost) -> None:
    with pytest.raises(HostError) as refusal:
        host.write_attribute("/dev/full", "8", 5)
    assert refusal.value.errno == errno.ENOSPC
    assert "No space left on device" in str(refusal.value)
    host.write_attribute("/dev/null", "8", 5)


def full_pipe(path: Path) -> int:
    """A FIFO that takes no more: a write to it blocks, as one to sriov_numvfs may."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 65536)
    os.close(writer)
    return reader


def test_a_write_that_blocks_ends_at_its_deadline(host: LocalHost, tmp_path: Path) -> None:
    reader = full_pipe(tmp_path / "numvfs")
    (tmp_path / "other").write_text("")
    started = time.monotonic()
    with pytest.raises(TimedOut, match="still busy"):
        host.write_attribute(str(tmp_path / "numvfs"), "8", 0.1)
    assert time.monotonic() - started < PATIENCE
    # The next write is not behind it, and the blocked one completes by itself.
    host.write_attribute(str(tmp_path / "other"), "4", 5)
    assert (tmp_path / "other").read_text() == "4"
    seen = b""
    end = time.monotonic() + PATIENCE
    while not seen.endswith(b"8"):
        assert time.monotonic() < end
        try:
            seen += os.read(reader, 65536)
        except BlockingIOError:
            time.sleep(0.01)
    os.close(reader)


SCRIPT = """
import sys
from eswitch.errors import TimedOut
from eswitch.host.local import LocalHost
host = LocalHost()
with host.lock(sys.argv[2]):
    try:
        host.write_attribute(sys.argv[1], "8", 0.1)
    except TimedOut:
        print("left behind")
"""


def test_a_blocked_write_holds_neither_the_program_nor_its_output_nor_the_lock(
    host: LocalHost, tmp_path: Path
) -> None:
    reader = full_pipe(tmp_path / "numvfs")
    lock = str(tmp_path / "lock")
    # Ends only when nobody has the output pipe open any more.
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "numvfs"), lock],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        timeout=PATIENCE,
        check=True,
        text=True,
    )
    assert ended.stdout == "left behind\n"
    with host.lock(lock):
        pass
    os.close(reader)  # lets the child that was left behind end, with EPIPE


def test_a_writer_that_was_killed_is_replaced(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    before = children_of(os.getpid())
    host.write_attribute(str(tmp_path / "a"), "1", 5)
    (child,) = children_of(os.getpid()) - before
    os.kill(child, signal.SIGKILL)
    until(lambda: state_of(child) in "Z?")
    host.write_attribute(str(tmp_path / "a"), "2", 5)
    assert (tmp_path / "a").read_text() == "2"


def children_of(pid: int) -> set[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in listed}


def state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "?"


# Files


def test_replace_makes_no_file_of_a_pipe_or_a_directory(host: LocalHost, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name, number in (("pipe", errno.EINVAL), ("link", errno.EINVAL), (".", errno.EISDIR)):
        with pytest.raises(HostError) as refused:
            host.replace_file(str(tmp_path / name), b"new")
        assert refused.value.errno == number
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"]


def test_replace_keeps_mode_and_link(host: LocalHost, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("old")
    real.chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    host.replace_file(str(tmp_path / "link"), b"new", mode=0o600)
    assert (tmp_path / "link").is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


def test_replace_makes_directories_and_ignores_the_umask(host: LocalHost, tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        host.replace_file(str(tmp_path / "a" / "b" / "c"), b"new", mode=0o644)
    finally:
        os.umask(old)
    assert (tmp_path / "a" / "b" / "c").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "a" / "b" / "c").stat().st_mode) == 0o644


def test_failed_replace_leaves_the_old_file_and_nothing_else(
    host: LocalHost, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "inside").touch()
    with pytest.raises(HostError):
        host.replace_file(str(tmp_path / "a"), b"new")
    assert os.listdir(tmp_path) == ["a"]
    assert os.listdir(tmp_path / "a") == ["inside"]


def test_replace_is_atomic_for_readers(host: LocalHost, tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    contents = [b"a" * 100_000, b"b" * 100_000]
    host.replace_file(path, contents[0])
    done = threading.Event()

    def write() -> None:
        for number in range(50):
            host.replace_file(path, contents[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reader = LocalHost()
    while not done.is_set():
        assert reader.read_bytes(path, -1) in contents
    writer.join(PATIENCE)


def test_append_ends_a_torn_line_first(host: LocalHost, tmp_path: Path) -> None:
    path = tmp_path / "made" / "journal"
    host.append_lines(str(path), ["one"])
    host.append_lines(str(path), ["two"])
    assert path.read_text() == "one\ntwo\n"
    with path.open("a") as file:
        file.write('{"half')
    host.append_lines(str(path), ["three"])
    assert path.read_text() == 'one\ntwo\n{"half\nthree\n'
    with pytest.raises(ValueError, match="newline"):
        host.append_lines(str(path), ["a\nb"])


def test_whether_a_file_could_be_written(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nowhere/file")
    for name in ("file", "link", "new"):
        host.check_writable(str(tmp_path / name))
    for name in (".", "file/below", "missing/new", "dangling"):
        with pytest.raises(HostError, match="cannot write /"):
            host.check_writable(str(tmp_path / name))
    with pytest.raises(NotFound) as refused:
        host.check_writable(str(tmp_path / "missing" / "new"))
    assert refused.value.hint == f"make it first: mkdir -p {tmp_path}/missing"
    with pytest.raises(HostError):
        host.check_writable("/proc/new")
    assert sorted(os.listdir(tmp_path)) == ["dangling", "file", "link"]
    assert (tmp_path / "file").read_text() == "old"


# The lock


def test_second_holder_is_told_who_has_it(host: LocalHost, tmp_path: Path) -> None:
    path = str(tmp_path / "run" / "lock")
    with host.lock(path):
        with pytest.raises(Locked) as locked, LocalHost().lock(path):
            pytest.fail("two holders")
        assert f"process {os.getpid()} " in locked.value.message
        assert "since 20" in locked.value.message
    with LocalHost().lock(path):
        pass


def test_a_lock_that_leaves_no_file(host: LocalHost, tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with host.lock(path, keep=False):
        with pytest.raises(Locked), LocalHost().lock(path, keep=False):
            pytest.fail("it was locked")
        assert os.listdir(tmp_path) == ["lock"]
    assert os.listdir(tmp_path) == []


def test_a_lock_whose_file_was_removed_meanwhile_is_none(
    host: LocalHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our open and our lock its holder ends, and a third one begins."""
    path = str(tmp_path / "lock")
    really = fcntl.flock
    seen: list[int] = []

    def late(file: int, how: int) -> None:
        if not seen:
            seen.append(file)
            (tmp_path / "lock").unlink()
        really(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with host.lock(path), pytest.raises(Locked), LocalHost().lock(path):
        pytest.fail("it was locked")


def test_lock_file_with_anything_in_it(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b'\xff{"pid": [')
    with host.lock(str(tmp_path / "lock")):
        (tmp_path / "lock").write_bytes(b"")
        with (
            pytest.raises(Locked, match="another eswitch process"),
            LocalHost().lock(str(tmp_path / "lock")),
        ):
            pytest.fail("two holders")


def test_lock_ends_with_a_killed_holder(host: LocalHost, tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    code = (
        "import sys; from eswitch.host.local import LocalHost\n"
        "with LocalHost().lock(sys.argv[1]): print('mine', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path],
        env={"PYTHONPATH": str(SOURCE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"mine\n"
        with pytest.raises(Locked, match=f"process {holder.pid} "), host.lock(path):
            pytest.fail("two holders")
        holder.kill()
        holder.wait(PATIENCE)
        with host.lock(path):
            pass


# Programs


def test_environment_is_minimal(host: LocalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD_NOT", "x")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    names = {line.partition("=")[0] for line in host.run(["env"]).stdout.splitlines()}
    assert names == {"PATH", "LC_ALL"}
    assert "/usr/sbin" in host.run(["env"]).stdout


def test_input_output_and_status(host: LocalHost) -> None:
    assert host.run(["cat"], input="port show\n").stdout == "port show\n"
    assert host.run(["cat"]).stdout == ""  # its stdin is /dev/null, not ours
    result = host.run(["sh", "-c", "printf 'a\\377b'; echo no >&2; exit 3"], ok=None)
    assert (result.status, result.stdout, result.stderr) == (3, "a\ufffdb", "no\n")
    assert host.run(["sh", "-c", "exit 3"], ok=(0, 3)).status == 3


def test_unexpected_status_keeps_the_programs_words(host: LocalHost) -> None:
    argv = ["sh", "-c", "echo out; echo 'Error: mlx5_core: busy' >&2; exit 1"]
    with pytest.raises(CommandFailed) as failed:
        host.run(argv)
    assert failed.value.stdout == "out\n"
    assert failed.value.status == 1
    assert "Error: mlx5_core: busy" in str(failed.value)


def test_a_signal_is_a_status_as_in_a_shell(host: LocalHost) -> None:
    assert host.run(["sh", "-c", "kill -ALRM $$"], ok=None).status == 128 + signal.SIGALRM


def test_large_input_and_output_do_not_block_each_other(host: LocalHost) -> None:
    text = "0123456789abcdef\n" * 100_000
    assert host.run(["cat"], input=text, timeout=PATIENCE).stdout == text
    assert host.run(["true"], input=text, ok=None).status == 0


def test_deadline_kills_the_whole_group(host: LocalHost, tmp_path: Path) -> None:
    script = f"sleep 1000 & echo $! > {tmp_path}/pid; wait"
    started = time.monotonic()
    with pytest.raises(TimedOut, match=r"`sh` did not end within 0.5 s"):
        host.run(["sh", "-c", script], timeout=0.5)
    assert time.monotonic() - started < PATIENCE
    child = int((tmp_path / "pid").read_text())
    until(lambda: state_of(child) in "Z?")


def test_absent_and_unusable_programs(host: LocalHost, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="`no-such-program` is not installed"):
        host.run(["no-such-program"])
    script = tmp_path / "broken"
    script.write_bytes(b"\x7fELF")
    script.chmod(0o755)
    with pytest.raises(HostError, match="Exec format error") as refusal:
        host.run([str(script)])
    assert not isinstance(refusal.value, NotFound)
    script.chmod(0o644)
    with pytest.raises(NotFound):
        host.run([str(script)])
    with pytest.raises(HostError, match="null byte"):
        host.run(["true", "a\0b"])


def test_which(host: LocalHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "devlink-of-somebody"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert host.which("devlink-of-somebody") is None  # the user's PATH is not asked
    assert host.which(str(program)) == str(program)
    assert host.which("sh") in ("/usr/bin/sh", "/bin/sh")
    assert host.which("") is None


# The rest


def test_time_and_environment(host: LocalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    assert time.strptime(host.now(), "%Y-%m-%dT%H:%M:%SZ").tm_year >= 2024
    first = host.monotonic()
    host.sleep(0.001)
    assert host.monotonic() > first
    monkeypatch.setenv("SSH_CONNECTION", "a 1 b 2")
    assert host.environment("SSH_CONNECTION") == "a 1 b 2"
    assert host.environment("NO_SUCH_VARIABLE") is None
    assert host.is_root() == (os.geteuid() == 0)


def test_a_program_that_must_not_be_cut_short_ends_before_the_interrupt(
    host: LocalHost, tmp_path: Path
) -> None:
    for whole in (False, True):
        target = tmp_path / str(whole)
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        script = f"sleep 0.8; cat > {target}"
        with pytest.raises(KeyboardInterrupt):
            host.run(["sh", "-c", script], input="all of it", timeout=PATIENCE, whole=whole)
        timer.join()
        assert target.exists() is whole
    assert target.read_text() == "all of it"
