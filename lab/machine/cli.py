"""The command line of ``lab/vm``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from . import accel, host, layers, qemu
from .cache import Cache
from .deadline import Deadline
from .errors import LabError, UsageError
from .guest import Files, booted
from .guest_slots import guest_slot
from .recipe import SUITES, Recipe

DEFAULT_DEADLINE = 1800.0
# A shell ends when the person leaves it.
SHELL_DEADLINE = 7 * 24 * 3600.0

EXIT_STATUS = """exit status:
  the command's own (128 + N if signal N ended it); 64 wrong usage; 124 killed by
  --deadline; 125 the lab itself failed (no image, the guest panicked or went away);
  130 interrupted.

examples:
  lab/vm run -- eswitch show
  lab/vm run --vfs-max 127 -- python3 -m pytest lab/tests
  lab/vm shell
"""


class Parser(argparse.ArgumentParser):
    """argparse with the exit status 64 for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise UsageError(f"{message}.", hint=f"{self.prog} --help explains")


def parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    top = Parser(
        prog="lab/vm",
        description="A virtual machine with virtual e-switch NICs, and this checkout in it.",
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--debian", choices=sorted(SUITES), default="13", help=argparse.SUPPRESS)
    verbs = top.add_subparsers(dest="verb", metavar="build|run|shell", required=True)
    build = verbs.add_parser("build", help="make the image and its layers, if they are missing")
    build.add_argument("--debian", choices=sorted(SUITES), default="13")
    for name, text in (
        ("run", "boot, run a command as root, power off, exit with its status"),
        ("shell", "boot and give an interactive shell"),
    ):
        verb = verbs.add_parser(
            name, help=text, epilog=EXIT_STATUS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        add_run_options(verb, DEFAULT_DEADLINE if name == "run" else SHELL_DEADLINE)
        if name == "run":
            verb.usage = "lab/vm run [options] -- COMMAND [ARGUMENT...]"
    return top


def add_run_options(verb: argparse.ArgumentParser, deadline: float) -> None:
    """The options that ``run`` and ``shell`` share."""
    verb.add_argument("--debian", choices=sorted(SUITES), default="13")
    verb.add_argument("--vfs-max", type=int, default=16, metavar="N", help="VFs a NIC can have, "
                      f"1 to {qemu.MAX_VFS} (default: %(default)s)")  # fmt: skip
    verb.add_argument("--nics", type=int, default=2, metavar="M",
                      help="NICs, each a switch of its own (default: %(default)s)")  # fmt: skip
    verb.add_argument("--memory", type=int, default=2048, metavar="MIB",
                      help="the guest's memory in MiB (default: %(default)s)")  # fmt: skip
    verb.add_argument("--deadline", type=seconds, default=deadline, metavar="SECONDS",
                      help="kill the guest after this time, boot included "
                      "(default: %(default).0f)")  # fmt: skip
    verb.add_argument("--append", default="", metavar="ARGUMENTS",
                      help="more arguments for the guest's kernel")  # fmt: skip
    verb.add_argument("--out", type=Path, metavar="DIRECTORY",
                      help="a directory here, writable in the guest as /out")  # fmt: skip
    verb.add_argument("--no-module", action="store_true",
                      help="an image without eswitchsim (to try one by hand)")  # fmt: skip
    verb.add_argument("--keep", action="store_true",
                      help="keep the guest's disk and console log, and print where")  # fmt: skip
    verb.add_argument("-v", "--verbose", action="store_true", help="say what happens, on stderr")


def seconds(text: str) -> float:
    """A positive number of seconds, for argparse."""
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def split_command(arguments: list[str]) -> tuple[list[str], list[str]]:
    """(our arguments, the guest's command): the first ``--`` divides them."""
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


def perform(arguments: list[str]) -> int:
    """Parse, then build, run or give a shell; returns the exit status."""
    own, command = split_command(arguments)
    options = parser().parse_args(own)
    if options.verb == "run" and not command:
        raise UsageError("no command was given.", hint="lab/vm run -- COMMAND [ARGUMENT...]")
    if options.verb != "run" and command:
        raise UsageError(f"{options.verb} takes no command.", hint="lab/vm run -- COMMAND")
    cache = Cache(host.cache_directory())
    recipe = Recipe(options.debian)
    if options.verb == "build":
        layers.ensure(cache, host.CHECKOUT, recipe)
        return 0
    if options.verb == "shell" and not (os.isatty(0) and os.isatty(1)):
        raise UsageError("shell needs a terminal.", hint="lab/vm run -- COMMAND")
    return run(cache, recipe, options, command)


def run(cache: Cache, recipe: Recipe, options: argparse.Namespace, command: list[str]) -> int:
    """Boot, run the command (a login shell if there is none), power off."""
    wanted = hardware(options, accel="tcg")
    paths = host.tools("qemu-system-x86_64", "qemu-img", "ssh")
    files = layers.ensure(cache, host.CHECKOUT, recipe, module=not options.no_module)
    chosen = accel.choose(cache.root, paths["qemu-system-x86_64"], files.base / "vmlinuz")
    wanted = hardware(options, accel=chosen)
    with guest_slot(cache.root, lambda: host.say("waiting for another guest to end")):
        return boot(files, wanted, options, command)


def boot(
    files: Files, wanted: qemu.Hardware, options: argparse.Namespace, command: list[str]
) -> int:
    """One guest's life; its deadline begins here."""
    shell = options.verb == "shell"
    chosen = wanted.accel
    deadline = Deadline(options.deadline)
    say = stopwatch(deadline) if options.verbose or shell else quiet
    say(f"booting with {chosen.upper()}: {wanted.nics} NICs, up to {wanted.vfs} VFs each")
    with booted(files, wanted, deadline, keep=options.keep) as guest:
        say("booted")
        status = guest.run(command or ["bash", "-l"], deadline, terminal=shell)
        say("command ended")
        guest.power_off()
        say("powered off")
        for line in guest.complaints():
            host.say(f"warning: the guest's kernel said: {line}")
    return status


def stopwatch(deadline: Deadline) -> Callable[[str], None]:
    """Says things with the seconds since the run began."""
    return lambda message: host.say(f"{deadline.seconds - deadline.remaining():5.1f} s  {message}")


def quiet(_message: str) -> None:
    """Says nothing."""


def hardware(options: argparse.Namespace, accel: str) -> qemu.Hardware:
    """The machine that the options ask for. Raises UsageError for an impossible one."""
    shares = [qemu.Share("checkout", host.CHECKOUT)]
    if options.out is not None:
        if not options.out.is_dir():
            raise UsageError(f"--out {options.out} is not a directory.")
        shares.append(qemu.Share("out", options.out.resolve(), writable=True))
    wanted = qemu.Hardware(
        nics=options.nics,
        vfs=options.vfs_max,
        memory=options.memory,
        accel=accel,
        append=options.append,
        shares=tuple(shares),
    )
    wanted.check()
    return wanted


class Stopped(BaseException):
    """A signal asked us to end. BaseException: no handler of errors may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def stop(number: int, _frame: object) -> NoReturn:
    """Signal handler: unwind, so that the guest is ended and scratch files are removed."""
    raise Stopped(number)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGINT:
            signal.signal(number, stop)
    try:
        return perform(sys.argv[1:] if arguments is None else arguments)
    except LabError as error:
        print(error.render(), file=sys.stderr)
        return error.status
    except Stopped as reason:
        host.say("interrupted; the guest is stopped")
        return 128 + reason.number
