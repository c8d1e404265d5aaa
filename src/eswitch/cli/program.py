"""The command itself: options, verbs on demand, errors to exit codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from eswitch import __version__
from eswitch.errors import EswitchError, HostError
from eswitch.files import paths

from .session import Options, Session

if TYPE_CHECKING:
    from eswitch.host import Host

USAGE = 64
"""EX_USAGE of sysexits(3): click's own 2 means "changes pending" here."""
INTERRUPTED = 130

VERBS = {
    "show": "What is here: NICs, VFs, representors, bridges, flows.",
    "init": "Write a starter spec for this host.",
    "validate": "Check a spec without looking at the host.",
    "plan": "What apply would do, step by step.",
    "apply": "Make this host what the spec says.",
    "verify": "Is it configured, wired, and in hardware?",
    "flows": "Where each flow of traffic runs, and why.",
    "rollback": "Undo the last apply.",
    "schema": "The JSON schema of the spec, for editors.",
    "demo": "The whole story on a simulated machine.",
    "twin": "Try it all on a simulated machine (--twin NAME).",
}

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 80}


def _shared() -> list[click.Parameter]:
    """Accepted before and after the verb; listed once, in the help of `eswitch` itself, those for a
    simulated machine in that of `eswitch twin`. Whoever needs --debug is told so."""

    def keep(name: str) -> Callable[[click.Context, click.Parameter, object], object]:
        def set_option(ctx: click.Context, param: click.Parameter, value: object) -> object:
            if value == "":
                # An unset shell variable must not turn a trial into a change of the real machine.
                raise click.BadParameter("it is empty", ctx=ctx, param=param)
            if value:
                setattr(ctx.find_object(Session).options, name, value)  # type: ignore[union-attr]
            return value

        return set_option

    return [
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            callback=keep("debug"),
            hidden=True,
            help="Show where a defect happened (ESWITCH_DEBUG=1).",
        ),
        click.Option(
            ["--no-color", "--no-colour"],
            is_flag=True,
            expose_value=False,
            callback=keep("no_colour"),
            help="Plain text (NO_COLOR=1).",
        ),
        click.Option(
            ["--twin"],
            metavar="NAME|FILE",
            expose_value=False,
            callback=keep("twin"),
            hidden=True,
            help="On a simulated machine (`eswitch twin list`).",
        ),
        click.Option(
            ["--twin-state"],
            metavar="FILE",
            expose_value=False,
            callback=keep("twin_state"),
            hidden=True,
            help="Keep that machine in FILE between commands.",
        ),
    ]


def _help(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: FBT001
    """Print the help as everything else is printed: a full disk is an error, a reader's leave none.

    click's own would fail, and then once more when Python flushes the stream at exit.
    """
    del param
    session = ctx.find_object(Session)
    if value and session and not ctx.resilient_parsing:
        session.out.write(ctx.get_help() + "\n")
        ctx.exit()


class _Helpful(click.Command):
    """A command whose help goes through the session's screen."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """The option of click, with our way to print."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _help
        return option


class Verb(_Helpful):
    """A verb: its help ends with two examples, and it takes the shared options too."""

    def __init__(self, name: str, *, examples: tuple[str, str], **rest: object) -> None:
        super().__init__(name, context_settings=CONTEXT, **rest)  # type: ignore[arg-type]
        self.examples = examples
        for option in _shared():
            option.hidden = True  # type: ignore[attr-defined]
            self.params.append(option)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, each on its own line."""
        del ctx
        _examples(formatter, self.examples)


class VerbGroup(_Helpful, click.Group):
    """A verb with verbs of its own; lists the shared options that are named in `shows`."""

    def __init__(
        self, name: str, *, examples: tuple[str, str], shows: tuple[str, ...], **rest: object
    ) -> None:
        super().__init__(name, context_settings=CONTEXT, **rest)  # type: ignore[arg-type]
        self.examples = examples
        for option in _shared():
            option.hidden = option.opts[0] not in shows  # type: ignore[attr-defined]
            self.params.append(option)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, each on its own line."""
        del ctx
        _examples(formatter, self.examples)


def _examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    formatter.write("\nExamples:\n" + "".join(f"  {text}\n" for text in examples))


class Program(_Helpful, click.Group):
    """`eswitch`: imports a verb's module when that verb is called, and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a person meets them."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb, or None for a word that is none."""
        del ctx
        if cmd_name not in VERBS:
            return None
        command = import_module(f".verbs.{cmd_name}", __package__).command
        return command if isinstance(command, click.Command) else None

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Whoever reads the help has found it: its line is worth more to a verb."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.hidden = True
        return option

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """All verbs with one line each, without importing them."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, each on its own line."""
        del ctx
        _examples(formatter, (f"eswitch init > {paths.SPEC}", "eswitch plan"))


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: FBT001
    """Reached together with other options, and where `main` could not answer a lone --version."""
    del param
    session = ctx.find_object(Session)
    if value and session:
        session.out.write(f"eswitch {__version__}\n")
        ctx.exit()


def _program() -> Program:
    version = click.Option(
        ["-V", "--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_version,
        help="Print the version.",
    )
    return Program(
        "eswitch",
        params=[*_shared(), version],
        context_settings=CONTEXT,
        no_args_is_help=False,
        help="An SR-IOV NIC as a hardware-offloaded virtual switch, and the proof.",
    )


def verb(name: str, *, examples: tuple[str, str]) -> Callable[[Callable[..., int]], Verb]:
    """Make a verb of a function; its docstring is the help."""
    return click.command(name, cls=Verb, examples=examples)


class Seconds(click.FloatRange):
    """A number of seconds in a range; NaN is in none, although click finds it in all."""

    name = "seconds"

    def convert(
        self,
        value: Any,  # noqa: ANN401 (click's own signature)
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """The number, or click's refusal."""
        found: float = super().convert(value, param, ctx)
        if found != found:  # noqa: PLR0124 (that is what NaN is)
            self.fail(f"{value} is no number of seconds", param, ctx)
        return found


def output(function: Callable[..., int]) -> Callable[..., int]:
    """The option `-o`, kept in the session."""

    def keep(ctx: click.Context, param: click.Parameter, value: str) -> None:
        del param
        session = ctx.find_object(Session)
        if session:
            session.options.output = value

    return click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json", "yaml"]),
        default="text",
        expose_value=False,
        callback=keep,
        help="For people or for machines.",
    )(function)


def verbose(text: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The option `-v`, kept in the session; `text` says what it adds to this verb."""

    def keep(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: FBT001
        del param
        session = ctx.find_object(Session)
        if session:
            session.options.verbose = value

    return click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=keep, help=text
    )


def run(words: list[str], host: Host | None) -> int:
    """Run the words on this host and return the exit code."""
    if host is None:
        from eswitch.host.local import LocalHost  # noqa: PLC0415 (tests bring their own)

        host = LocalHost()
    options = Options(debug=bool(host.environment("ESWITCH_DEBUG")))
    return carry_out(words, Session(host, options))


def carry_out(words: list[str], session: Session) -> int:
    """Parse, call the verb, and turn whatever happens into an exit code."""
    try:
        with session:
            code = _invoke(words, session)
            return _follow(session, code) if session.is_simulated else code
    except click.exceptions.Exit as end:
        return int(end.exit_code)
    except click.ClickException as wrong:
        return _usage(wrong, session)
    except EswitchError as error:
        from .complaint import complain  # noqa: PLC0415 (only failures pay for it)

        session.err.show(complain(error))
        _refuse(error, session)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as stop:
        said = str(stop) or "interrupted; nothing was changed"
        session.err.write(f"\n{said}\n" if session.err.live else f"{said}\n")
        return INTERRUPTED
    except Exception as problem:  # noqa: BLE001 (the last line of defence: a sentence, no traceback)
        return _defect(problem, session)


def _follow(session: Session, code: int) -> int:
    """If the simulated machine has booted meanwhile: what systemd starts then, and how it ends."""
    from .twin_boot import started_by_systemd  # noqa: PLC0415 (only --twin pays for it)

    for words, inner in started_by_systemd(session):
        code = carry_out(words, inner)
    return code


def _refuse(error: EswitchError, session: Session) -> None:
    with suppress(HostError):  # an output that cannot be written: the error itself was told
        session.refuse(error)


def _invoke(words: list[str], session: Session) -> int:
    program = _program()
    if not words:
        bare = click.Context(program, info_name="eswitch", **CONTEXT)  # type: ignore[arg-type]
        session.err.write(program.get_help(bare) + "\n")
        return USAGE
    with program.make_context("eswitch", words, obj=session) as context:
        code = program.invoke(context)
    return code if isinstance(code, int) else 0


def _usage(wrong: click.ClickException, session: Session) -> int:
    context = getattr(wrong, "ctx", None)
    path = context.command_path if context else "eswitch"
    session.err.write(f"error: {wrong.format_message()}\nhint: {path} --help\n")
    return USAGE


def _defect(problem: Exception, session: Session) -> int:
    if session.options.debug:
        import traceback  # noqa: PLC0415 (nobody else needs it)

        session.err.write("".join(traceback.format_exception(problem)))
    from .complaint import defect  # noqa: PLC0415

    session.err.show(defect(problem))
    return 1
