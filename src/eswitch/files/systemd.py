"""How a command is written into a unit so that systemd starts just that.

Its rules are those of systemd.service(5), "Command lines", and of systemd.syntax(7): quotes and C
escapes are taken away first, then `%` begins a specifier, and in arguments `$` a variable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_PLAIN = re.compile(r"[\w@%+=:,./$-]+", re.ASCII)
_NOT_IN_A_PROGRAM = re.compile(r"[\x00-\x1f\x7f\"'\\\udc80-\udcff]")


def can_start(program: str) -> bool:
    """Whether a unit can name it: by an absolute path without quotes, backslashes or control
    characters, for which systemd has no escape there."""
    return program.startswith("/") and not _NOT_IN_A_PROGRAM.search(program)


def command_line(words: Sequence[str]) -> str:
    """For `ExecStart=`: a program that `can_start` allows, and any arguments without a NUL."""
    program, *arguments = (word.replace("%", "%%") for word in words)
    # The program's own path is no place for variables.
    return " ".join(map(_quoted, (program, *(word.replace("$", "$$") for word in arguments))))


def _quoted(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    return f'"{"".join(map(_escaped, word))}"'


def _escaped(char: str) -> str:
    """A control character would end the line, and a byte that is no UTF-8 make systemd skip it."""
    if char in '"\\':
        return f"\\{char}"
    if char < " " or char == "\x7f" or "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) & 0xFF:02x}"
    return char
