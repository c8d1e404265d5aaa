"""The command line: the only place that prints.

    argv -> program (click) -> verbs/* -> pages/* (pure: values -> lines) -> screen -> terminal

Nothing heavy is imported before it is needed: `--version` answers before click is there, and each
verb brings its own modules. tests/cli/test_imports.py holds the budget.
"""

from __future__ import annotations

import sys

# Even `typing` and `collections` would cost --version a third of Python's own start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from eswitch.host import Host


def main(argv: Sequence[str] | None = None, *, host: Host | None = None) -> int:
    """Run `eswitch` with these arguments (default: the process's own) and return its exit code.

    `host` is the machine to work on, by default the one that runs this.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    # Without a stdout (closed from the start), with a reader that has left, or on a full disk, the
    # long way knows what to do.
    if words in (["--version"], ["-V"]) and sys.stdout:
        from eswitch import __version__  # noqa: PLC0415 (kept out of nobody's way)

        try:
            sys.stdout.write(f"eswitch {__version__}\n")
            sys.stdout.flush()
        except OSError:
            pass
        else:
            return 0
    # What is imported and observed lives to the end; looking for garbage in it costs a tenth.
    import gc  # noqa: PLC0415 (--version does without)

    gc.set_threshold(100_000)
    from .program import run  # noqa: PLC0415 (click takes longer to import than Python to start)

    return run(words, host)


__all__ = ["main"]
