"""Bytes of a spec -> text that a YAML parser may see.

Everything refused here would otherwise be shown differently from what it means, or take the parser
long: wrong encodings, control characters, files that are no specs at all.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from .problems import Problem, SpecInvalid

MAX_SPEC_BYTES = 1024 * 1024
"""A spec for four NICs with 256 VFs each needs a tenth of it. Readers of files stop one byte later,
so that a file of any size is refused without being read."""

_BREAK = re.compile(r"\r\n|\r|\n")

# YAML's printable characters without those that make a file read differently from how it looks:
# U+0085, U+2028 and U+2029 (line breaks for some tools only), U+202A..E and U+2066..9 (direction
# of writing), U+FEFF (invisible).
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff"
    "\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)

_UTF8_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


class SpecText:
    """The text of a spec and its lines, for places and for quoting them."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self._starts = [0, *(found.end() for found in _BREAK.finditer(text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of a character offset from 0."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """A line's text without its end, by its number from 1; empty past the end."""
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = _BREAK.search(self.text, start)
        return self.text[start : end.start() if end else len(self.text)]

    def problem(self, line: int, column: int, message: str, hint: str) -> Problem:
        """A problem at a place, both from 1, with the line's text."""
        return Problem(self.file, line, column, message, hint, self.line(line))


def decode(data: bytes, file: str) -> SpecText:
    """Check size, encoding and characters; raises SpecInvalid. A UTF-8 BOM is dropped."""
    if len(data) > MAX_SPEC_BYTES:
        limit = f"{MAX_SPEC_BYTES // 1024} KiB"
        message = f"the file is larger than {limit}"
        hint = "a spec is a short text; is this the right file?"
        raise SpecInvalid([Problem(file, 1, 1, message, hint)])
    for mark, name in _OTHER_BOMS.items():
        if data.startswith(mark):
            problem = Problem(file, 1, 1, f"the file is {name}, not UTF-8", "save it as UTF-8")
            raise SpecInvalid([problem])
    data = data.removeprefix(_UTF8_BOM)
    try:
        text = SpecText(data.decode("utf-8"), file)
    except UnicodeDecodeError as error:
        raise SpecInvalid([_not_utf8(data, file, error.start)]) from None
    if found := _FORBIDDEN.search(text.text):
        code = f"U+{ord(found.group()):04X}"
        line, column = text.place(found.start())
        message = f"the character {code} is not allowed in a spec"
        hint = "delete it: it is invisible, or not shown as what it is"
        raise SpecInvalid([text.problem(line, column, message, hint)])
    return text


def _not_utf8(data: bytes, file: str, offset: int) -> Problem:
    sound = SpecText(data[:offset].decode("utf-8"), file)
    line, column = sound.place(len(sound.text))
    shown = SpecText(data.decode("utf-8", "replace"), file).line(line)
    message = f"byte {data[offset]:#04x} (offset {offset}) is not UTF-8"
    return Problem(file, line, column, message, "save the file as UTF-8 text", shown)
