"""The nested text that Open vSwitch prints for keys and actions, taken apart without judging it.

`eth(src=..,dst=..),eth_type(0x0800)` is a list of items, each a bare word, `name=value` or
`name(list)` (odp-util.c). Nothing here raises: unbalanced or unknown text stays text.
"""

from __future__ import annotations

import re

_MARKS = re.compile(r"[(){},]").finditer
_NESTED_ACTIONS = ("clone", "sample", "actions", "check_pkt_len", "gt", "le", "dec_ttl", "le_1")
_PORT_IN_PARENTHESES = ("tnl_pop", "tnl_port", "out_port")
_BARE_ACTIONS = frozenset(
    ("", "drop", "pop_vlan", "pop_eth", "pop_nsh", "ct", "ct_clear", "<empty>", "bad")
)
_MAX_DEPTH = 8  # the kernel stops at 3 (OVS_SAMPLE/clone recursion); hostile text must not recurse


def split_items(text: str) -> list[str]:
    """Split at the commas that are outside parentheses and braces."""
    if "(" not in text and "{" not in text:
        return text.split(",")
    items, depth, start = [], 0, 0
    for found in _MARKS(text):
        mark = found.group()
        if mark in "({":
            depth += 1
        elif mark in ")}":
            depth = max(0, depth - 1)
        elif depth == 0:
            items.append(text[start : found.start()])
            start = found.end()
    items.append(text[start:])
    return items


def named(item: str) -> tuple[str, str]:
    """Name and value: `eth(src=x)` is `("eth", "src=x")`, `tos=0/0` is `("tos", "0/0")`.

    A bare word is a name with an empty value.
    """
    opened, equals = item.find("("), item.find("=")
    if opened >= 0 and (equals < 0 or opened < equals):
        return item[:opened].strip(), item[opened + 1 :].removesuffix(")")
    if equals >= 0:
        return item[:equals].strip(), item[equals + 1 :]
    return item.strip(), ""


def fields(text: str) -> dict[str, str]:
    """The items of a key by name; of names that come twice the first one (the outer header)."""
    found: dict[str, str] = {}
    for item in split_items(text):
        name, value = named(item)
        if name:
            found.setdefault(name, value)
    return found


def output_ports(actions: str) -> tuple[str, ...]:
    """The ports that a packet may leave through, in order, each once.

    Looks into clone, sample, check_pkt_len and dec_ttl, whose actions may output too.
    """
    return tuple(dict.fromkeys(_outputs(actions, 0)))


def _outputs(actions: str, depth: int) -> list[str]:
    ports: list[str] = []
    if depth > _MAX_DEPTH:
        return ports
    for item in split_items(actions):
        word = item.strip()
        if "(" not in word:
            if word not in _BARE_ACTIONS and "=" not in word and " " not in word:
                ports.append(word)
            continue
        name, inner = named(word)
        if name in _NESTED_ACTIONS:
            ports += _outputs(inner, depth + 1)
        elif name in _PORT_IN_PARENTHESES:
            ports.append(inner)
        elif name == "tnl_push":
            ports += _outputs(inner, depth + 1)
    return ports


def has_action(actions: str, name: str, depth: int = 0) -> bool:
    """Whether an action of that name stands anywhere in the list, nested ones included."""
    # Cheap: most lists have one word.
    if name not in actions or depth > _MAX_DEPTH:
        return False
    return any(
        found == name or (found in _NESTED_ACTIONS and has_action(inner, name, depth + 1))
        for found, inner in map(named, split_items(actions))
    )
