"""VFs that were made anew are given back what they had."""

from __future__ import annotations

from collections.abc import Iterator

from eswitch.model.action import Action, Command, Settle, Tool, Write
from eswitch.model.identifiers import ZERO_MAC
from eswitch.model.observed import LegacyVf, NicState, ObservedState, VfState

from .commands import tc_offload

_PROBE_TIMEOUT = 60.0


def restore(pf: NicState, observed: ObservedState) -> tuple[Action, ...]:
    """What gives recreated, unbound VFs back what they had: MAC, legacy settings, driver, link."""
    actions: list[Action] = []
    if pf.netdev:
        for vf in pf.vfs:
            prefix = ("link", "set", pf.netdev, "vf", str(vf.index))
            actions += [Command(Tool.IP, (*prefix, *words)) for words in _legacy_settings(vf)]
    for vf in pf.vfs:
        if vf.driver:
            path = f"/sys/bus/pci/drivers/{vf.driver}/bind"
            actions.append(Write(path, vf.pci, _PROBE_TIMEOUT))
    actions.append(Settle())
    names = [name for vf in pf.vfs for name in (vf.representor, vf.netdev) if name]
    links = [link for name in names if (link := observed.link(name))]
    actions += [Command(Tool.IP, ("link", "set", link.name, "up")) for link in links if link.up]
    actions += [tc_offload(link.name, on=False) for link in links if link.hw_tc_offload is False]
    return tuple(actions)


def _legacy_settings(vf: VfState) -> Iterator[tuple[str, ...]]:
    """The `ip link set PF vf N` words that differ from a fresh VF's."""
    fresh = LegacyVf()
    now = vf.legacy
    if vf.mac not in (None, ZERO_MAC):
        yield ("mac", str(vf.mac))
    if (now.vlan, now.qos) != (fresh.vlan, fresh.qos):
        yield ("vlan", str(now.vlan), "qos", str(now.qos))
    if now.spoofchk is not None:
        yield ("spoofchk", "on" if now.spoofchk else "off")
    if now.trust:
        yield ("trust", "on")
    if now.link_state != fresh.link_state:
        yield ("state", now.link_state)
    if (now.min_tx_rate, now.max_tx_rate) != (0, 0):
        rates = ("min_tx_rate", str(now.min_tx_rate), "max_tx_rate", str(now.max_tx_rate))
        yield rates
