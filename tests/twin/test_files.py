"""Directories of the twin: what several of them at once and `rm -rf` leave."""

from __future__ import annotations

import pytest

from eswitch.errors import HostError
from eswitch.twin import Twin, open_machine


def test_a_tree_goes_with_its_directories() -> None:
    twin = Twin(open_machine("lab"))
    tree = "/var/lib/eswitch/driver/tree"
    twin.run(["mkdir", "-p", "-m", "700", "/var/lib/eswitch/driver", f"{tree}/empty"])
    twin.replace_file(f"{tree}/file", b"x")
    twin.replace_file(f"{tree}2", b"y")
    assert twin.list(tree) == ("empty", "file")
    twin.run(["rm", "-rf", tree])
    twin.run(["rm", "-rf", "/nosuch/tree"])
    assert twin.list("/var/lib/eswitch/driver") == ("tree2",)
    for gone in (tree, "/nosuch"):
        with pytest.raises(HostError, match="No such file"):
            twin.list(gone)


def test_a_directory_that_cannot_be_does_not_stop_the_others() -> None:
    twin = Twin(open_machine("lab"))
    twin.replace_file("/root/file", b"x")
    ended = twin.run(["mkdir", "-p", "/root/file", "/root/a"], ok=None)
    assert ended.status == 1
    assert ended.stderr == "mkdir: cannot create directory '/root/file': File exists\n"
    assert twin.list("/root/a") == ()
