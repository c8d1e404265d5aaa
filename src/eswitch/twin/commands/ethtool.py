"""`ethtool -k NAME|*`, `-K NAME hw-tc-offload on|off`, `-i NAME`, `-P NAME`."""

from __future__ import annotations

from collections.abc import Sequence

from eswitch.host import Result
from eswitch.twin.state import Link, State

from .tool import Failed, NotSimulated, ended

_NO_DEVICE = "netlink error: no device matches name (offset 24)\nnetlink error: No such device"
_FEATURE = "hw-tc-offload"


def run(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`ethtool`."""
    del input
    return ended(lambda words: _run(state, words), argv[1:])


def _run(state: State, words: Sequence[str]) -> str:
    match list(words):
        case ["-k", "*"]:
            visible = [link for link in state.links if not link.namespace]
            return "\n".join(_features(state, link) for link in visible)
        case ["-k", name]:
            return _features(state, _find(state, name))
        case ["-K", name, feature, ("on" | "off") as value] if feature == _FEATURE:
            return _set(state, _find(state, name, status=92), on=value == "on")
        case ["-P", name]:
            return f"Permanent address: {_find(state, name).mac}\n"
        case ["-i", name]:
            return _driver(state, _find(state, name))
    raise NotSimulated(f"`ethtool {' '.join(words)}`")


def _find(state: State, name: str, status: int = 1) -> Link:
    link = state.link(name)
    if link is None:
        raise Failed(_NO_DEVICE, status)
    return link


def _features(state: State, link: Link) -> str:
    """A few of its sixty lines; the one that matters is as the kernel says it."""
    challenged = "on [fixed]" if link.kind == "representor" else "off [fixed]"
    offload = "off [fixed]"
    if link.tc_offload is not None:
        offload = "on" if link.tc_offload else "off"
    lines = [f"Features for {link.name}:", "rx-checksumming: on", "tx-checksumming: on"]
    lines += [f"vlan-challenged: {challenged}", f"{_FEATURE}: {offload}"]
    del state
    return "\n".join([*lines, "tx-nocache-copy: off"]) + "\n"


def _set(state: State, link: Link, *, on: bool) -> str:
    """Rules in the hardware forbid switching it off (mlx5 en_main.c, set_feature_hw_tc)."""
    if link.tc_offload is None and on:
        changes = f"Actual changes:\n{_FEATURE}: off [requested on]\n"
        raise Failed("Could not change any device features", 1, changes)
    rules = any(f.in_port == link.index and f.where == "hardware" for f in state.ovs.flows)
    if link.tc_offload and not on and rules:
        state.say(f"{link.name}: Active offloaded tc filters, can't turn hw_tc_offload off")
        changes = f"Actual changes:\n{_FEATURE}: on [requested off]\n"
        raise Failed("Could not change any device features", 1, changes)
    if link.tc_offload is not None:
        link.tc_offload = on
    return ""


def _driver(state: State, link: Link) -> str:
    function = state.functions.get(link.function or "")
    name = function.driver if function else "openvswitch" if link.kind == "internal" else link.kind
    suffix = {"representor": "_rep"}.get(link.kind, "")
    bus = function.pci if function else ""
    return f"driver: {name}{suffix}\nversion: {state.kernel.release}\nbus-info: {bus}\n"
