"""Undoing an edit of a file that somebody else has edited since."""

from __future__ import annotations

import pytest

from eswitch.engine.batch import Operation
from eswitch.engine.execute import execute_all
from eswitch.model.action import Replace
from eswitch.twin import Twin, open_machine

PATH = "/etc/default/grub.d/hunks.cfg"
BEFORE = "[one]\na\n[two]\nb\n"
AFTER = "[one]\nours 1\na\n[two]\nb\nours 2\n"


def undo(found: str | None, inverse: Replace) -> tuple[str | None, tuple[str, ...]]:
    """What stands in the file then, and what was refused."""
    twin = Twin(open_machine("pve8-cx6dx"))
    if found is not None:
        twin.state.files[PATH] = found
    said = execute_all(Operation((inverse,), (0,)), twin)
    return twin.state.files.get(PATH), said


def test_two_hunks_beside_a_line_of_somebody_else() -> None:
    found = AFTER.replace("[two]", "theirs\n[two]") + "more\udce9"
    left, said = undo(found, Replace(PATH, AFTER, BEFORE))
    assert (left, said) == ("[one]\na\ntheirs\n[two]\nb\nmore\udce9", ())


@pytest.mark.parametrize(("old", "new"), [(AFTER, BEFORE), (AFTER, None), (None, BEFORE)])
def test_what_nobody_else_touched_is_put_back_whole(old: str | None, new: str | None) -> None:
    assert undo(old, Replace(PATH, old, new)) == (new, ())
    assert undo(new, Replace(PATH, old, new)) == (new, ())


@pytest.mark.parametrize("found", ["", "theirs\n", AFTER.replace("ours 1", "ours and theirs")])
@pytest.mark.parametrize("new", [BEFORE, None])
def test_what_is_not_certain_is_left_alone(found: str, new: str | None) -> None:
    left, said = undo(found, Replace(PATH, AFTER, new))
    assert left == found
    assert [PATH in text and "was changed" in text for text in said] == [True]
