#!/usr/bin/env python3
"""Draws the way of an apply over a reboot, from the table that the program follows: prints it, or
puts it into docs/reboots.md with --write."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from eswitch.engine.over_reboot import (  # noqa: E402 (of this tree, whatever is installed)
    MOST_REBOOTS,
    MOST_STARTS,
    TABLE,
    Count,
    Deed,
    Event,
    State,
    Turn,
)

PAGE = ROOT / "docs" / "reboots.md"
BEGIN = "<!-- drawn by tools/reboot_picture.py --write -->\n"
END = "<!-- end of the drawing -->\n"

STATES = list(State)
WIDTH = max(len(event) for event in Event)
LIMITS = {
    Count.NOTHING: "",
    Count.FIRST_REBOOT: "",
    Count.REBOOT: f", {MOST_REBOOTS} reboots at most",
    Count.START: f", {MOST_STARTS} times at most",
}


def picture() -> str:
    """All states, from top to bottom as they come if all goes well. What leads to the one below has
    no arrow of its own; what ends it all stands beside `--x`."""
    return "".join(_state(state) for state in STATES) + f"{State.IDLE}\n"


def _state(state: State) -> str:
    below = STATES[(STATES.index(state) + 1) % len(STATES)]
    down = [turn for turn in TABLE[state].items() if turn[1].to is below]
    aside = [turn for turn in TABLE[state].items() if turn[1].to is not below]
    if below is State.IDLE:  # all else that leads there has not come to its end
        down, rest = down[:1], down[1:]
        aside += rest
    aside.sort(key=lambda turn: STATES.index(turn[1].to))
    lines = [_title(state)]
    lines += [f" |  {event:<{WIDTH}}  {_arrow(state, turn)}" for event, turn in aside]
    lines += [f" |  {event}{LIMITS[turn.counts]}{_at_the_end(turn)}" for event, turn in down]
    return "\n".join([*lines, " v", ""])


def _at_the_end(turn: Turn) -> str:
    return f": {turn.deed}" if turn.deed is Deed.DISARM else ""


def _title(state: State) -> str:
    deeds = {turn.deed for turns in TABLE.values() for turn in turns.values() if turn.to is state}
    at_work = deeds - {Deed.NOTHING, Deed.DISARM}
    return f"{state}: {' or '.join(sorted(at_work))}" if at_work else str(state)


def _arrow(state: State, turn: Turn) -> str:
    if turn.to is state:
        return "  (stays)"
    return f"{'--x' if turn.deed is Deed.DISARM else '-->'} {turn.to}{LIMITS[turn.counts]}"


def page(text: str) -> str:
    """The page with the picture in its place."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}```text\n{picture()}```\n{END}{after}"


def main() -> int:
    """Print it, or write the page."""
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(PAGE.read_text()))
    else:
        sys.stdout.write(picture())
    return 0


if __name__ == "__main__":
    sys.exit(main())
