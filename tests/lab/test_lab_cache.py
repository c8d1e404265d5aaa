"""Images by hash: nothing half built, one builder, few old ones."""

import fcntl
import os
from pathlib import Path

import pytest

from machine.cache import KEPT, Cache, digest, digest_tree
from machine.errors import LabError


def build(cache: Cache, kind: str, key: str, when: float | None = None) -> None:
    with cache.building(kind, key) as scratch:
        (scratch / "file").write_text(key, encoding="utf-8")
    if when is not None:
        os.utime(cache.entry(kind, key), (when, when))


def test_lists_of_parts_do_not_collide() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("a") != digest("a", "")


def test_a_tree_is_known_by_names_contents_and_executable_bits(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("x", encoding="utf-8")
    keys = [digest_tree(tmp_path)]
    script.chmod(0o755)
    keys.append(digest_tree(tmp_path))
    script.write_text("y", encoding="utf-8")
    keys.append(digest_tree(tmp_path))
    script.rename(tmp_path / "other")
    keys.append(digest_tree(tmp_path))
    assert len(set(keys)) == 4


def test_a_finished_image_is_found(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.find("base", "1") is None
    build(cache, "base", "1")
    assert cache.find("base", "1") == tmp_path / "base-1"


def test_an_interrupted_build_leaves_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def interrupted() -> None:
        with cache.building("base", "1") as scratch:
            (scratch / "disk").write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_builder_left_is_removed_by_the_next(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    (tmp_path / "tmp-base-1-abc").mkdir()
    (tmp_path / "tmp-deps-2-abc").mkdir()
    with cache.lock("base", "1", pytest.fail):
        assert [path.name for path in tmp_path.glob("tmp-*")] == ["tmp-deps-2-abc"]


def test_a_second_builder_waits_and_says_for_whom(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    waited = []
    with cache.lock("base", "1", pytest.fail):
        holder = os.open(tmp_path / "locks" / "base-1", os.O_RDWR)

    def waiting(pid: str) -> None:
        waited.append(pid)
        os.close(holder)

    fcntl.flock(holder, fcntl.LOCK_EX)
    with cache.lock("base", "1", waiting):
        assert waited == [str(os.getpid())]


def test_other_images_may_be_built_meanwhile(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    with cache.lock("base", "1", pytest.fail), cache.lock("module", "2", pytest.fail):
        pass


def test_the_least_recently_used_are_pruned_but_never_the_new_one(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    keep = KEPT["deps"]
    for number in range(keep):
        build(cache, "deps", str(number), when=1000.0 + number)
    cache.find("deps", "0")
    build(cache, "deps", "new", when=None)
    left = {path.name for path in tmp_path.glob("deps-*")}
    assert "deps-new" in left
    assert "deps-0" in left
    assert "deps-1" not in left
    assert len(left) == keep


def test_a_cache_that_cannot_be_written_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with (
        pytest.raises(LabError, match="cannot be written") as caught,
        Cache(tmp_path / "file").lock("base", "1", pytest.fail),
    ):
        pass
    assert "ESWITCH_LAB_CACHE" in caught.value.render()
