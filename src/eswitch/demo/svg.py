"""SVG and HTML elements as text: everything is escaped, and nothing else is possible. Pure."""

from __future__ import annotations

from html import escape


class Markup(str):
    """Text that is an element already; any other text is escaped."""

    __slots__ = ()


def clean(text: str) -> str:
    """Without the characters that neither XML nor a terminal may hold."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def element(name: str, *content: str, **attributes: object) -> Markup:
    """`<name attribute="value">content</name>`. `class_` is class, `stroke_width` stroke-width;
    numbers are rounded to a tenth; attributes that are None are left out."""
    parts = [
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    ]
    inside = "".join(
        each if isinstance(each, Markup) else escape(clean(each), quote=False) for each in content
    )
    return Markup(f"<{name}{''.join(parts)}>{inside}</{name}>")


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return clean(str(value))


def picture(width: float, height: float, title: str, *content: Markup) -> Markup:
    """A picture that grows with its page. Read aloud it is its title."""
    return element(
        "svg",
        element("title", title),
        *content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_value(float(width))} {_value(float(height))}",
        role="img",
    )


def box(x: float, y: float, width: float, height: float, kind: str, *, radius: float = 6) -> Markup:
    """A rectangle with round corners."""
    return element(
        "rect",
        x=float(x),
        y=float(y),
        width=float(width),
        height=float(height),
        rx=float(radius),
        class_=kind,
    )


def words(x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> Markup:
    """One line of text."""
    return element(
        "text", text, x=float(x), y=float(y), class_=f"t {kind}".rstrip(), text_anchor=anchor
    )


def path(points: list[tuple[float, float]], kind: str, radius: float = 5) -> Markup:
    """A line of horizontal and vertical pieces, its corners rounded."""
    (x, y), *others = points
    drawn = [f"M{_value(float(x))} {_value(float(y))}"]
    for place, (nx, ny) in enumerate(others):
        last = place == len(others) - 1
        if last:
            drawn.append(f"L{_value(float(nx))} {_value(float(ny))}")
            continue
        ax, ay = others[place + 1]
        inward, outward = _step(x, y, nx, ny, radius), _step(nx, ny, ax, ay, radius)
        drawn.append(f"L{_value(nx - inward[0])} {_value(ny - inward[1])}")
        drawn.append(
            f"Q{_value(float(nx))} {_value(float(ny))} "
            f"{_value(nx + outward[0])} {_value(ny + outward[1])}"
        )
        x, y = nx, ny
    return element("path", d="".join(drawn), class_=kind)


def _step(x: float, y: float, nx: float, ny: float, radius: float) -> tuple[float, float]:
    """The last `radius` of a horizontal or vertical piece; less where it is short."""
    length = max(abs(nx - x), abs(ny - y))
    part = min(radius, length / 2) / length if length else 0.0
    return (nx - x) * part, (ny - y) * part
