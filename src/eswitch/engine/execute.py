"""Carries out one operation, and says which step failed and in whose words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eswitch.errors import CommandFailed, EswitchError, HostError, TimedOut
from eswitch.files import edit
from eswitch.host import Host
from eswitch.host.lossless import read_lossless
from eswitch.model.action import (
    Action,
    Command,
    Program,
    Remember,
    Replace,
    Settle,
    SetVfCount,
    Tool,
    Write,
)
from eswitch.observe import names_to_come

from .batch import Operation
from .explain import explain_program, explain_tool, explain_vf_count, not_effective, own_words

# ip and devlink name the failed line of a batch: "Command failed -:3".
_FAILED_LINE = re.compile(r"^Command failed \S*?:(\d+)\s*$", re.MULTILINE)
_BATCH_TIMEOUT = 120.0
_MOST_REMEMBERED = 1 << 20
# `-b` is the one spelling of a batch that all of them know; of `force` there is none.
_FORCE = {Tool.IP: "-force", Tool.TC: "-force", Tool.DEVLINK: "--force"}
# ovs-vsctl waits until ovs-vswitchd has taken the change; with 127 ports that takes seconds.
_OVS_TIMEOUT = 60


class StepFailed(HostError):
    """An operation failed; `action` is where, `step` the index of its step in the plan."""

    def __init__(self, cause: EswitchError, action: Action, step: int) -> None:
        super().__init__(cause.message, hint=cause.hint, where=cause.where)
        self.cause = cause
        self.action = action
        self.step = step


def execute(operation: Operation, host: Host) -> None:
    """Run it; raises StepFailed. What a tool did before the failing line stays done."""
    action = operation.actions[0]
    if isinstance(action, Settle):
        _settle(action, host)
    elif isinstance(action, Command):
        _commands(operation, host)
    else:
        try:
            _alone(action, host)
        except EswitchError as error:
            raise StepFailed(error, action, operation.steps[0]) from error


def _alone(action: Write | SetVfCount | Program | Replace | Remember, host: Host) -> None:
    match action:
        case Write():
            host.write_attribute(action.path, str(action.value), action.timeout)
        case SetVfCount():
            _set_vf_count(action, host)
        case Program():
            _program(action, host)
        case Replace():
            _replace(action, host)
        case Remember():
            content = host.read_bytes(action.path, _MOST_REMEMBERED)
            host.replace_file(action.note, content)


def execute_all(operation: Operation, host: Host) -> tuple[str, ...]:
    """For undoing: run every action, whatever the others do, and return what was refused.

    What is to be undone may be gone, or may never have happened; whether the host is what it was
    is for the caller to see afterwards. Raises TimedOut: then nobody knows, and the rest must wait.
    """
    commands = [action for action in operation.actions if isinstance(action, Command)]
    first = operation.actions[0]
    try:
        if isinstance(first, Replace) and _take_out(first, host):
            return ()
        if commands and commands[0].tool is not Tool.OVS:
            argv, text = invocation(commands, force=True)
            ended = host.run(argv, input=text, timeout=_BATCH_TIMEOUT, ok=None)
            said = own_words(ended.stderr)
            return tuple(f"{argv[0]}: {line}" for line in said.splitlines()) if ended.status else ()
        execute(operation, host)
    except TimedOut:
        raise
    except StepFailed as failed:
        if isinstance(failed.cause, TimedOut):
            raise
        if len(commands) > 1:
            # One refusal undid the whole OVSDB transaction.
            alone = (Operation((command,), operation.steps[:1]) for command in commands)
            return tuple(line for one in alone for line in execute_all(one, host))
        if isinstance(first, Program) and first.brought and "No such file" in failed.message:
            return (f"{failed.action}: it does not exist",)
        return (f"{failed.action}: {failed.message}",)
    return ()


def _set_vf_count(action: SetVfCount, host: Host) -> None:
    """Drivers create fewer VFs than asked for and report success (domain.md 1.2), and what follows
    in the same round, a change of mode above all, counts on their number: it is read back."""
    try:
        host.write_attribute(action.path, str(action.count), action.timeout)
    except HostError as error:
        raise explain_vf_count(action, error, host) from error
    try:
        now = host.read(action.path)
    except HostError:
        return  # the look at the end of the round tells
    if now != str(action.count):
        raise not_effective(action.pf, "the number of VFs", str(action.count), now)


def _replace(action: Replace, host: Host) -> None:
    """Raises HostError if somebody else has changed the file since the plan was made."""
    found = read_lossless(host, action.path)
    if found == action.new:
        return
    if found != action.old:
        state = "is gone" if found is None else "is there" if action.old is None else "was changed"
        raise HostError(
            f"{action.path} {state}: somebody else was at it meanwhile, and it was left as it is",
            hint="look at it, then `eswitch plan` again",
            where=action.path,
        )
    if action.new is None:
        host.remove_file(action.path)
    else:
        host.replace_file(action.path, action.new.encode("utf-8", "surrogateescape"))


def _take_out(action: Replace, host: Host) -> bool:
    """Where others have edited the file since, take out only what was ours; False if there is
    nothing of theirs, or if it is not certain what was ours. Raises StepFailed."""
    if not action.old or action.new is None:
        return False
    try:
        found = read_lossless(host, action.path)
        if found is None or found in (action.old, action.new):
            return False
        text = edit.undone(action.new, action.old, found)
        if text is None:
            return False
        host.replace_file(action.path, text.encode("utf-8", "surrogateescape"))
    except EswitchError as error:
        raise StepFailed(error, action, 0) from error
    return True


def _program(action: Program, host: Host) -> None:
    ended = host.run(
        action.argv, input=action.input, timeout=action.timeout, ok=None, whole=action.whole
    )
    said = f"{ended.stdout}{ended.stderr}"
    if action.log:
        host.replace_file(action.log, said.encode("utf-8", "replace"), mode=0o600)
    if ended.status:
        error = CommandFailed(action.argv, ended.status, ended.stdout, ended.stderr)
        raise explain_program(error, said, action.log)


def _settle(action: Settle, host: Host) -> None:
    """Its time is up when udev is stuck; what matters is read back afterwards anyway."""
    if action.pf is None:
        argv = ["udevadm", "settle", f"--timeout={action.timeout}"]
        host.run(argv, timeout=action.timeout + 10.0, ok=(0, 1))
        return
    deadline = host.monotonic() + action.timeout
    pause = 0.02
    while names_to_come(host, action.pf) and host.monotonic() < deadline:
        host.sleep(pause)
        pause = min(pause * 1.5, 0.25)


def _commands(operation: Operation, host: Host) -> None:
    commands = [action for action in operation.actions if isinstance(action, Command)]
    tool = commands[0].tool
    argv, text = invocation(commands)
    try:
        host.run(argv, input=text, timeout=_BATCH_TIMEOUT)
    except CommandFailed as error:
        at = _failed_at(error, len(commands)) if tool is not Tool.OVS else 0
        cause = explain_tool(tool, error)
        raise StepFailed(cause, commands[at], operation.steps[at]) from error
    except HostError as error:
        raise StepFailed(error, commands[0], operation.steps[0]) from error


def invocation(commands: Sequence[Command], *, force: bool = False) -> tuple[list[str], str | None]:
    """The process that runs these commands of one tool: its arguments and its standard input.

    With `force` a batch of ip or devlink goes on after a line that failed.
    """
    tool = commands[0].tool
    lines = [[str(word) for word in command.args] for command in commands]
    if tool is Tool.OVS:
        argv = [tool.value, f"--timeout={_OVS_TIMEOUT}"]
        for line in lines:
            argv += ["--", *line]
        return argv, None
    if len(lines) == 1:
        return [tool.value, *lines[0]], None
    argv = [tool.value, *([_FORCE[tool]] if force else []), "-b", "-"]
    return argv, "".join(" ".join(line) + "\n" for line in lines)


def _failed_at(error: CommandFailed, count: int) -> int:
    found = _FAILED_LINE.search(error.stderr)
    return min(max(int(found.group(1)) - 1, 0), count - 1) if found else 0
