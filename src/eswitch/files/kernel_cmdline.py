"""The kernel's command line: one reading of it, and how words are added where a loader finds them.

Blanks divide words, except between double quotes, which nothing escapes (next_arg in the kernel's
lib/cmdline.c); here a word is what it is without its quotes. What comes after a word `--` is for
init, and no parameter of the kernel's (parse_args in kernel/params.c).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

_BLANKS = " \t\n\v\f\r"
_WORD = re.compile(r'(?:[^ \t\n\v\f\r"]|"[^"]*(?:"|\Z))+')
_FOR_INIT = "--"


def split(text: str) -> tuple[str, ...]:
    """The words of /proc/cmdline, of /etc/kernel/cmdline, or of an entry of systemd-boot."""
    words = (word.replace('"', "") for word in _WORD.findall(text))
    return tuple(word for word in words if word)


def split_grub(text: str) -> tuple[str, ...]:
    """The words of a command in grub.cfg, as the kernel gets them: GRUB takes its own quotes away,
    root=ZFS="rpool/ROOT/pve-1". Raises ValueError where one is not closed."""
    words = (word.replace('"', "") for word in shlex.split(text))
    return tuple(word for word in words if word)


def join(words: Iterable[str]) -> str:
    """A command line of these words, which `split` gives again. It can say no quotes inside them;
    such are left out."""
    return " ".join(_quoted(word.replace('"', "")) for word in words)


def _quoted(word: str) -> str:
    if not _has_blank(word):
        return word
    name, equals, value = word.partition("=")
    return f'{name}="{value}"' if equals and not _has_blank(name) else f'"{word}"'


def _has_blank(text: str) -> bool:
    return any(char in _BLANKS for char in text)


def parameters(words: Sequence[str]) -> tuple[str, ...]:
    """Those that the kernel takes for itself."""
    end = words.index(_FOR_INIT) if _FOR_INIT in words else len(words)
    return tuple(words[:end])


def values(words: Sequence[str], name: str) -> tuple[str, ...]:
    """What a parameter of that name is given, each time; the kernel does not tell `-` from `_`."""
    given = (word.partition("=") for word in parameters(words))
    return tuple(value for key, _, value in given if key.replace("-", "_") == name)


def mentioned(settings: str) -> frozenset[str]:
    """Every word of a file of a loader's settings, GRUB's too, whatever quotes stand around it."""
    return frozenset(settings.replace('"', " ").split())


def lines(content: str) -> tuple[str, ...]:
    """Of /etc/kernel/cmdline: those that have something on them. There should be one."""
    return tuple(line for line in re.split(r"\r?\n", content) if line.strip(_BLANKS))


def with_words(content: str, words: Sequence[str]) -> str:
    """The text of /etc/kernel/cmdline, of one line that counts, with more words for the kernel."""
    (line,) = lines(content)
    ends = (found.start() for found in _WORD.finditer(line) if split(found[0]) == (_FOR_INIT,))
    end = next(ends, None)
    if end is None:
        new = f"{line.rstrip(_BLANKS)} {join(words)}"
    else:
        new = f"{line[:end]}{join(words)} {line[end:]}"
    return content.replace(line, new, 1)


def with_grub_words(content: str | None, words: Sequence[str], why: str) -> str:
    """The text of a drop-in of GRUB's with a line of ours that adds words, which mean nothing to a
    shell, and with all that somebody else wrote into it. A new one says why it is there."""
    line = f'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT {join(words)}"\n'
    if not content:
        return f"# Written by eswitch: {why}\n{line}"
    if f"\n{line}" in f"\n{content}":
        return content
    return content + ("" if content.endswith("\n") else "\n") + line
