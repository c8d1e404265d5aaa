"""A host from a recording, and the recorder: what one machine answered, kept as a JSON case.

A case has these members, all optional:

    files         path -> text, {"base64": ...} for what is no text, or a negative answer
    directories   path -> [names], or a negative answer
    links         path -> where it leads with all links followed, or a negative answer
    commands      shell-quoted command -> {"status", "stdout", "stderr"}, or a negative answer;
                  a command with input has ` <<< 'the input'` after it
    programs      name -> path, or null where it is not installed
    environment   name -> value, or null
    root          whether the user is the superuser (default true)

A negative answer is null (not found) or {"refused": the error's text, "errno": number or null}.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn, TypeVar

from eswitch.errors import CommandFailed, HostError, NotFound

from .door import Host, Result

Json = Any
Case = dict[str, Json]
Answer = TypeVar("Answer")


class NotRecorded(LookupError):
    """The case does not say what this command or program does. Not a HostError: nobody must take
    a gap in a recording for a fact about a host."""


class ReadOnly(AssertionError):
    """Something tried to change a recording."""


def command_key(argv: Sequence[str], input: str | None) -> str:
    """The name of a command in a case."""
    return shlex.join(argv) + ("" if input is None else f" <<< {shlex.quote(input)}")


class RecordedHost:
    """Answers from a case. Paths that are not in it do not exist; writes raise ReadOnly."""

    def __init__(self, case: Mapping[str, Json]) -> None:
        self._case = case
        self._clock = 0.0

    def _answer(self, kind: str, key: str) -> Json:
        """The positive answer; raises as the machine did for a negative one."""
        answer = self._case.get(kind, {}).get(key)
        if answer is None:
            raise NotFound(f"{key}: No such file or directory")
        if isinstance(answer, dict) and "refused" in answer:
            raise HostError(answer["refused"], errno=answer.get("errno"))
        return answer

    def _content(self, path: str) -> bytes:
        content = self._answer("files", path)
        if isinstance(content, dict):
            return base64.b64decode(content["base64"])
        return str(content).encode()

    def read(self, path: str) -> str:
        """The recorded file."""
        return self._content(path).decode("utf-8", "replace").removesuffix("\n")

    def read_bytes(self, path: str, limit: int) -> bytes:
        """The recorded file's first bytes."""
        return self._content(path)[: limit if limit >= 0 else None]

    def list(self, path: str) -> tuple[str, ...]:
        """The recorded directory."""
        return tuple(sorted(self._answer("directories", path)))

    def resolve(self, path: str) -> str:
        """Where the recorded link leads."""
        return str(self._answer("links", path))

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,
        timeout: float = 30.0,
        ok: Sequence[int] | None = (0,),
        whole: bool = False,
    ) -> Result:
        """How the recorded command ended; raises NotRecorded for any other."""
        del timeout, whole
        key = command_key(argv, input)
        if self._case.get("programs", {}).get(argv[0], "") is None:
            raise NotFound(f"`{argv[0]}` is not installed")
        if key not in self._case.get("commands", {}):
            raise NotRecorded(key)
        answer = self._answer("commands", key)
        result = Result(answer.get("status", 0), answer.get("stdout", ""), answer.get("stderr", ""))
        if ok is not None and result.status not in ok:
            raise CommandFailed(argv, result.status, result.stdout, result.stderr)
        return result

    def which(self, program: str) -> str | None:
        """Where the program was; raises NotRecorded if the case does not name it."""
        try:
            place = self._case.get("programs", {})[program]
        except KeyError:
            raise NotRecorded(program) from None
        return None if place is None else str(place)

    def is_root(self) -> bool:
        """Whether the recording was made by root."""
        return bool(self._case.get("root", True))

    def environment(self, name: str) -> str | None:
        """The recorded variable."""
        value = self._case.get("environment", {}).get(name)
        return None if value is None else str(value)

    def monotonic(self) -> float:
        """Seconds; only `sleep` makes them pass."""
        return self._clock

    def now(self) -> str:
        """The same moment always."""
        return "2026-01-02T03:04:05Z"

    def sleep(self, seconds: float) -> None:
        """Nothing happens meanwhile."""
        self._clock += seconds

    def lock(self, path: str, *, keep: bool = True) -> AbstractContextManager[None]:
        """Nobody else is there."""
        del path, keep
        return nullcontext()

    def write_attribute(self, path: str, value: str, timeout: float) -> NoReturn:
        """Never."""
        del timeout
        raise ReadOnly(f"write of {value!r} to {path}")

    def replace_file(self, path: str, content: bytes, mode: int = 0o644) -> NoReturn:
        """Never."""
        del content, mode
        raise ReadOnly(f"write of {path}")

    def remove_file(self, path: str) -> NoReturn:
        """Never."""
        raise ReadOnly(f"removal of {path}")

    def check_writable(self, path: str) -> NoReturn:
        """It never is."""
        raise ReadOnly(f"write of {path}")

    def append_lines(self, path: str, lines: Sequence[str]) -> NoReturn:
        """Never."""
        raise ReadOnly(f"append of {lines!r} to {path}")


class RecordingHost:
    """Another host whose answers, negative ones too, are collected in `case`.

    Changes go through to that host and are not recorded.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self.case: Case = {
            "root": host.is_root(),
            "programs": {},
            "environment": {},
            "files": {},
            "directories": {},
            "links": {},
            "commands": {},
        }
        self.write_attribute = host.write_attribute
        self.replace_file = host.replace_file
        self.remove_file = host.remove_file
        self.check_writable = host.check_writable
        self.append_lines = host.append_lines
        self.lock = host.lock
        self.is_root = host.is_root
        self.monotonic = host.monotonic
        self.now = host.now
        self.sleep = host.sleep

    def _keep(
        self, kind: str, key: str, ask: Callable[[], Answer], form: Callable[[Answer], Json]
    ) -> Answer:
        """Ask, and keep the answer in the form that a case has."""
        try:
            answer = ask()
        except NotFound:
            self.case[kind][key] = None
            raise
        except HostError as refusal:
            self.case[kind][key] = {"refused": refusal.message, "errno": refusal.errno}
            raise
        self.case[kind][key] = form(answer)
        return answer

    def read(self, path: str) -> str:
        """Read and keep a file."""
        return self._keep("files", path, lambda: self._host.read(path), str)

    def read_bytes(self, path: str, limit: int) -> bytes:
        """Read and keep a file's first bytes."""
        return self._keep("files", path, lambda: self._host.read_bytes(path, limit), _text_form)

    def list(self, path: str) -> tuple[str, ...]:
        """List and keep a directory."""
        return self._keep("directories", path, lambda: self._host.list(path), _list_form)

    def resolve(self, path: str) -> str:
        """Follow and keep a link."""
        return self._keep("links", path, lambda: self._host.resolve(path), str)

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,
        timeout: float = 30.0,
        ok: Sequence[int] | None = (0,),
        whole: bool = False,
    ) -> Result:
        """Run a program and keep how it ended."""
        result = self._keep(
            "commands",
            command_key(argv, input),
            lambda: self._host.run(argv, input=input, timeout=timeout, ok=None, whole=whole),
            _result_form,
        )
        if ok is not None and result.status not in ok:
            raise CommandFailed(argv, result.status, result.stdout, result.stderr)
        return result

    def which(self, program: str) -> str | None:
        """Look for a program and keep where it is."""
        place = self._host.which(program)
        self.case["programs"][program] = place
        return place

    def environment(self, name: str) -> str | None:
        """Look up and keep a variable."""
        value = self._host.environment(name)
        self.case["environment"][name] = value
        return value


def _text_form(content: bytes) -> Json:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _list_form(names: tuple[str, ...]) -> Json:
    return [*names]


def _result_form(result: Result) -> Json:
    return {"status": result.status, "stdout": result.stdout, "stderr": result.stderr}
