"""The load of a day as a picture: one column an hour, what the e-switch saves on top. Pure."""

from __future__ import annotations

from math import ceil

from .load import Comparison
from .svg import Markup, box, path, picture, words

_WIDTH, _HEIGHT = 392.0, 224.0
_LEFT, _TOP, _BOTTOM = 30.0, 24.0, 30.0
_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def axis(peak: float) -> tuple[float, int]:
    """Step and number of steps of an axis that reaches the peak: at most four, of round numbers."""
    step = next((step for step in _STEPS if peak <= step * 4), ceil(peak / 4))
    return step, max(1, ceil(peak / step - 1e-9))


def draw(compared: Comparison, title: str) -> Markup:
    """Columns of two parts; the axis is in busy cores."""
    step, ticks = axis(compared.peak)
    top = step * ticks
    high = _HEIGHT - _TOP - _BOTTOM

    def y(cores: float) -> float:
        return _TOP + high * (1 - cores / top)

    parts = _grid(step, ticks, y(0), high)
    hours = len(compared.software)
    wide = (_WIDTH - _LEFT - 8) / max(hours, 1)
    for hour, (soft, hard) in enumerate(zip(compared.software, compared.eswitch, strict=True)):
        x = _LEFT + wide * hour + wide * 0.12
        column = wide * 0.76
        upper, lower = y(max(soft.total, hard.total)), y(hard.total)
        parts.append(box(x, upper, column, max(lower - upper - 1, 0.0), "bar gone", radius=1.5))
        parts.append(box(x, lower, column, max(y(0) - lower, 0.0), "bar hard", radius=1.5))
        if hour % 6 == 0:
            parts.append(words(x + column / 2, _HEIGHT - 12, f"{hour:02}:00", "small"))
    return picture(_WIDTH, _HEIGHT, title, *parts)


def _grid(step: float, ticks: int, ground: float, high: float) -> list[Markup]:
    parts = [words(4, 12, "busy cores", "small", "start")]
    for tick in range(ticks + 1):
        y = ground - high * tick / ticks
        parts.append(path([(_LEFT, y), (_WIDTH - 4, y)], "grid"))
        parts.append(words(_LEFT - 6, y + 4, f"{step * tick:g}", "small", "end"))
    return parts
