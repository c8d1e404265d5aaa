"""Finds and reads the spec that a verb was given."""

from __future__ import annotations

import errno
import sys

from eswitch.errors import HostError, NotFound, SpecError
from eswitch.files import paths
from eswitch.model.desired import DesiredState

from .session import Session

DEFAULT = paths.SPEC
STDIN = "-"


def is_there(session: Session) -> bool:
    """Whether the default spec exists; unreadable counts as there, so that reading it says why."""
    try:
        session.host.read_bytes(DEFAULT, 1)
    except NotFound:
        return False
    except HostError:
        return True
    return True


def load(session: Session, path: str | None) -> tuple[DesiredState, str]:
    """The spec and its name for messages. Raises SpecError with a hint, SpecInvalid if wrong."""
    from eswitch.spec import MAX_SPEC_BYTES, load  # noqa: PLC0415 (pydantic)

    name = path or DEFAULT
    if name == STDIN:
        return load(_from_stdin(session, MAX_SPEC_BYTES + 1), "<stdin>"), "<stdin>"
    try:
        # A file that the user names is the user's; the default one is the machine's own.
        holder = session.here if path else session.host
        data = holder.read_bytes(name, MAX_SPEC_BYTES + 1)
    except HostError as refusal:
        raise _unreadable(refusal, name) from None
    return load(data, name), name


def digest(session: Session, name: str) -> str | None:
    """SHA-256 of the spec of that name, None if it cannot be read."""
    import hashlib  # noqa: PLC0415 (only a reboot asks)

    from eswitch.spec import MAX_SPEC_BYTES  # noqa: PLC0415 (pydantic)

    holder = session.host if name == DEFAULT else session.here
    try:
        data = holder.read_bytes(name, MAX_SPEC_BYTES + 1)
    except HostError:
        return None
    return hashlib.sha256(data).hexdigest()


def _from_stdin(session: Session, limit: int) -> bytes:
    if sys.stdin is None:
        raise SpecError("standard input is closed; nothing was touched", where="<stdin>")
    if sys.stdin.isatty():
        session.err.say("reading the spec from the terminal; Ctrl-D ends it")
    return sys.stdin.buffer.read(limit)


def _unreadable(refusal: HostError, name: str) -> SpecError:
    if isinstance(refusal, NotFound):
        folder = "mkdir -p /etc/eswitch; " if name == DEFAULT else ""
        hint = f"`{folder}eswitch init > {name}` writes one from what is here"
        return SpecError("there is no such file", hint=hint, where=name)
    if refusal.errno == errno.EISDIR:
        return SpecError(
            "it is a directory, not a spec", hint=f"try {name}/eswitch.yaml", where=name
        )
    if refusal.errno in (errno.EACCES, errno.EPERM):
        hint = "run it as a user who may read the file"
        return SpecError("this user may not read the file", hint=hint, where=name)
    return SpecError(refusal.message, hint=refusal.hint, where=name)
