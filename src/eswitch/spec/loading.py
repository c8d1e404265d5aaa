"""bytes -> DesiredState, or every problem at once."""

from __future__ import annotations

from eswitch.model.desired import DesiredState

from .building import build
from .checks import check
from .problems import SpecInvalid
from .text import decode
from .tree import parse
from .validation import validate


def load(data: bytes, file: str) -> DesiredState:
    """Read a spec; `file` is its name in places and messages.

    Raises SpecInvalid, with all problems that can be told apart, for anything that is not a sound
    spec; nothing else. Files larger than MAX_SPEC_BYTES are refused unread.
    """
    tree, problems = parse(decode(data, file))
    sound, more = validate(tree)
    problems += more
    if sound:
        problems += check(sound, tree)
    if problems or sound is None:
        raise SpecInvalid(problems)
    return build(sound.spec, tree)
