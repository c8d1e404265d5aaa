"""Takes an edit of ours out of a file that somebody else has edited since. Pure.

The edit is cut into hunks: lines, or words that were put into a line. Lines that do not tell by
themselves which ones they are (they are gone, blank, or there more than once) are taken together
with as many lines around them as do. In the file as it is now every hunk must be found, in their
order and in one way only; then each is replaced by what it was. Else nothing is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_TOKEN = re.compile(r"\r?\n|[ \t\r\v\f]|[^ \t\r\n\v\f]+")
"""Every byte is in one: an end of a line, one blank, or a word."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Lines `start` to `end` of ours, and those of before that they replaced. `first` and `last`:
    the file begins, or ends, with them. `gone` if no line of ours is among them: we took some out,
    and others tell where; `wide` if those around it are among them."""

    start: int
    end: int
    old_start: int
    old_end: int
    first: bool = False
    last: bool = False
    gone: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class _Hunk:
    """Tokens of ours and what they were before. `fresh` if they begin a line."""

    ours: tuple[str, ...]
    before: tuple[str, ...]
    fresh: bool = True
    first: bool = False
    last: bool = False

    @property
    def leaves_open(self) -> bool:
        """Whether the end of a line was ours too: the file before ended without one."""
        ends = [_ends_line(tokens[-1]) for tokens in (self.before, self.ours) if tokens]
        return ends == [False, True]

    def places(self, tokens: Sequence[str]) -> list[int]:
        """Where they stand among these tokens, as they stood among ours."""
        size = len(self.ours)
        return [
            place
            for place in ((0,) if self.first else range(len(tokens) - size + 1))
            if tuple(tokens[place : place + size]) == self.ours
            and _is_fresh(tokens, place) == self.fresh
            and (not self.last or place + size == len(tokens))
        ]


def undone(before: str, after: str, found: str) -> str | None:
    """What `found` is without the edit that made `after` of `before`, every other byte as it is;
    None where that is not certain. Texts have what is no UTF-8 as surrogates."""
    hunks = _hunks(_LINE.findall(before), _LINE.findall(after))
    tokens = _TOKEN.findall(found)
    places = _only_places(hunks, tokens)
    if places is None:
        return None
    pieces: list[str] = []
    end = 0
    for hunk, place in zip(hunks, places, strict=True):
        pieces += tokens[end:place]
        end = place + len(hunk.ours)
        pieces += hunk.before
        if end < len(tokens) and hunk.leaves_open:
            pieces.append(hunk.ours[-1])  # somebody else's line has come behind it
    pieces += tokens[end:]
    text = "".join(pieces)
    # Two words, or the halves of an end of a line, must not become one.
    return text if _TOKEN.findall(text) == pieces else None


def _only_places(hunks: Sequence[_Hunk], tokens: Sequence[str]) -> list[int] | None:
    """Where the hunks stand, one behind the other; None if nowhere, or if it might be elsewhere."""
    each = [hunk.places(tokens) for hunk in hunks]
    earliest, latest = [], []
    begin, end = 0, len(tokens)
    for hunk, places in zip(hunks, each, strict=True):
        place = next((place for place in places if place >= begin), None)
        if place is None:
            return None
        earliest.append(place)
        begin = place + len(hunk.ours)
    for hunk, places in zip(reversed(hunks), reversed(each), strict=True):
        end = max(place for place in places if place + len(hunk.ours) <= end)
        latest.append(end)
    return earliest if earliest == latest[::-1] else None


def _hunks(old: Sequence[str], new: Sequence[str]) -> list[_Hunk]:
    tokens = _TOKEN.findall("".join(new))
    found: list[_Hunk] = []
    for span in _spans(old, new):
        ours, before = new[span.start : span.end], old[span.old_start : span.old_end]
        whole = _Hunk(
            tuple(_TOKEN.findall("".join(ours))),
            tuple(_TOKEN.findall("".join(before))),
            first=span.first,
            last=span.last or (span.end == len(new) and not new[-1].endswith("\n")),
        )
        words = [] if span.wide else list(_words(whole))
        told = bool(words) and all(len(word.places(tokens)) == 1 for word in words)
        found += words if told else [whole]
    return found


def _words(lines: _Hunk) -> Iterator[_Hunk]:
    """The hunks within these lines, if all that was done to them is to put words in."""
    ours = lines.ours
    codes = SequenceMatcher(None, ours, lines.before).get_opcodes()
    inserted = [(start, end) for tag, start, end, _, _ in codes if tag != "equal"]
    if any(tag not in ("equal", "delete") for tag, *_ in codes):
        return
    if any(not _tells(ours[start:end]) for start, end in inserted):
        return
    if any(_ends_line(token) for start, end in inserted for token in ours[start:end]):
        return
    for start, end in inserted:
        yield _Hunk(ours[start:end], (), fresh=_is_fresh(ours, start))


def _spans(old: Sequence[str], new: Sequence[str]) -> list[_Span]:
    """The lines that differ, each with as many around it as tell in `new` which ones they are."""
    spans = _differing(old, new)
    number = 0
    while number < len(spans):
        if _is_known(spans[number], new):
            number += 1
            continue
        start, end, span = _widened(spans, number, len(new))
        spans[start:end] = [span]
        number = start
    return spans


def _differing(old: Sequence[str], new: Sequence[str]) -> list[_Span]:
    # difflib takes the longest equal part first, which may not be that at the beginning.
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    codes = SequenceMatcher(None, new[same:], old[same:]).get_opcodes()
    spans: list[_Span] = []
    for number, (tag, start, end, old_start, old_end) in enumerate(codes):
        if tag == "equal":
            continue
        span = _Span(same + start, same + end, same + old_start, same + old_end)
        if tag == "insert":
            least = spans[-1].end if spans else 0
            most = same + (codes[number + 1][2] if number + 1 < len(codes) else end)
            span = _anywhere(span, old, new, range(least, most))
        spans.append(span)
    return spans


def _anywhere(span: _Span, old: Sequence[str], new: Sequence[str], within: range) -> _Span:
    """Lines that we took out, and where: of two that were the same, nobody knows which one it was.
    `within`: no line of ours is among those."""
    start, end = span.start, span.end
    old_start, old_end = span.old_start, span.old_end
    size = old_end - old_start
    while start > within.start and new[start - 1] == old[old_start + size - 1]:
        start, old_start = start - 1, old_start - 1
    while end < within.stop and new[end] == old[old_end - size]:
        end, old_end = end + 1, old_end + 1
    return _Span(start, end, old_start, old_end, gone=True)


def _is_known(span: _Span, new: Sequence[str]) -> bool:
    lines = list(new[span.start : span.end])
    if span.first or span.last:
        return True
    if not _tells(lines) or (span.gone and not span.wide):
        return False
    size = len(lines)
    again = range(len(new) - size + 1)
    return sum(list(new[place : place + size]) == lines for place in again) == 1


def _widened(spans: Sequence[_Span], number: int, size: int) -> tuple[int, int, _Span]:
    """A span with one line more on both sides, or with the span there; and which it replaces."""
    first, last = number, number
    span = replace(spans[number], wide=True)
    if number and spans[number - 1].end == span.start:
        first -= 1
        near = spans[first]
        span = replace(span, start=near.start, old_start=near.old_start, first=near.first)
    elif span.start:
        span = replace(span, start=span.start - 1, old_start=span.old_start - 1)
    else:
        span = replace(span, first=True)
    if last + 1 < len(spans) and spans[last + 1].start == span.end:
        last += 1
        near = spans[last]
        span = replace(span, end=near.end, old_end=near.old_end, last=near.last)
    elif span.end < size:
        span = replace(span, end=span.end + 1, old_end=span.old_end + 1)
    else:
        span = replace(span, last=True)
    return first, last + 1, span


def _tells(texts: Sequence[str]) -> bool:
    return any(text.strip() for text in texts)


def _ends_line(token: str) -> bool:
    return token.endswith("\n")


def _is_fresh(tokens: Sequence[str], place: int) -> bool:
    return place == 0 or _ends_line(tokens[place - 1])
