"""The recorder and the player agree, for facts and for refusals."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from eswitch.errors import CommandFailed, HostError, NotFound
from eswitch.host.door import Host
from eswitch.host.local import LocalHost
from eswitch.host.recorded import NotRecorded, ReadOnly, RecordedHost, RecordingHost


def outcome(ask: Callable[[], object]) -> object:
    """What a question ends in, as a value."""
    try:
        return ask()
    except HostError as refusal:
        return type(refusal), refusal.errno, isinstance(refusal, CommandFailed)


def questions(host: Host, place: Path) -> list[Callable[[], object]]:
    return [
        lambda: host.read(f"{place}/text"),
        lambda: host.read_bytes(f"{place}/bytes", 100),
        lambda: host.read(f"{place}/absent"),
        lambda: host.read(f"{place}/directory"),
        lambda: host.list(f"{place}/directory"),
        lambda: host.list(f"{place}/text"),
        lambda: host.resolve(f"{place}/link"),
        lambda: host.resolve(f"{place}/absent"),
        lambda: host.run(["cat"], input="one\n"),
        lambda: host.run(["cat"], input="two\n"),
        lambda: host.run(["sh", "-c", "echo no >&2; exit 4"], ok=None),
        lambda: host.run(["sh", "-c", "exit 5"]),
        lambda: host.run(["no-such-program"]),
        lambda: host.which("sh"),
        lambda: host.which("no-such-program"),
        lambda: host.environment("HOME"),
        lambda: host.environment("NO_SUCH_VARIABLE"),
        host.is_root,
    ]


def test_a_recording_answers_as_the_machine_did(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("a\nb\n")
    (tmp_path / "bytes").write_bytes(b"\x1f\x8b\xff")
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "x").touch()
    (tmp_path / "link").symlink_to("directory")
    recorder = RecordingHost(LocalHost())
    live = [outcome(ask) for ask in questions(recorder, tmp_path)]
    case = json.loads(json.dumps(recorder.case))
    (tmp_path / "text").unlink()
    replayed = [outcome(ask) for ask in questions(RecordedHost(case), tmp_path)]
    # What the kernel calls NotFound is kept as absent, without its number.
    assert [strip(value) for value in replayed] == [strip(value) for value in live]
    assert live[3] == (HostError, errno.EISDIR, False)


def strip(value: object) -> object:
    return NotFound if isinstance(value, tuple) and NotFound in value else value


def test_what_is_not_in_the_case() -> None:
    host = RecordedHost({"programs": {"ip": "/usr/sbin/ip", "devlink": None}})
    for ask in (host.read, host.list, host.resolve):
        with pytest.raises(NotFound):
            ask("/sys/anything")
    with pytest.raises(NotFound, match="not installed"):
        host.run(["devlink", "dev"])
    # A gap in the recording is never taken for a fact.
    with pytest.raises(NotRecorded):
        host.run(["ip", "link"])
    with pytest.raises(NotRecorded):
        host.which("ethtool")


def test_a_recording_cannot_be_changed(tmp_path: Path) -> None:
    host = RecordedHost({})
    with pytest.raises(ReadOnly):
        host.write_attribute("/sys/x", "1", 1)
    with pytest.raises(ReadOnly):
        host.replace_file(str(tmp_path / "a"), b"")
    with pytest.raises(ReadOnly):
        host.append_lines(str(tmp_path / "a"), [""])
    with pytest.raises(ReadOnly):
        host.check_writable(str(tmp_path / "a"))
    assert os.listdir(tmp_path) == []
    with host.lock("/run/x"):
        pass


def test_changes_reach_the_recorded_machine(tmp_path: Path) -> None:
    recorder = RecordingHost(LocalHost())
    recorder.check_writable(str(tmp_path / "a"))
    recorder.replace_file(str(tmp_path / "a"), b"one\n")
    recorder.append_lines(str(tmp_path / "a"), ["two"])
    recorder.write_attribute(str(tmp_path / "a"), "ONE", 5)
    assert recorder.read(str(tmp_path / "a")) == "ONE\ntwo"
    with recorder.lock(str(tmp_path / "lock")):
        pass


def test_time_passes_only_in_sleep() -> None:
    host = RecordedHost({})
    assert host.monotonic() == 0
    host.sleep(2.5)
    assert host.monotonic() == 2.5
    assert host.now() == host.now()


def test_all_implement_the_door() -> None:
    hosts: list[Host] = [LocalHost(), RecordedHost({}), RecordingHost(LocalHost())]
    wanted = {name for name in vars(Host) if not name.startswith("_")}
    for host in hosts:
        assert {name for name in wanted if callable(getattr(host, name))} == wanted
