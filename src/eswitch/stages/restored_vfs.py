"""The one way in which VFs are made and removed, and given back what they had.

VFs are made while `sriov_drivers_autoprobe` is 0: probing the host's driver on each, only to unbind
it, is what makes everybody else slow, and a MAC only counts if it is set before the driver binds.
Then it is 1 again: while it is 0 the kernel lets no driver bind to a VF, not even when asked by
name, nor vfio-pci (pci_device_can_probe in drivers/pci/pci-driver.c).
"""

from __future__ import annotations

from collections.abc import Iterator

from eswitch.model.action import Action, Command, Settle, SetVfCount, Tool, Write
from eswitch.model.identifiers import ZERO_MAC
from eswitch.model.observed import LegacyVf, NicState, ObservedState, VfState
from eswitch.topology import matching

from .commands import tc_offload

_PROBE_TIMEOUT = 60.0


def remove(pf: NicState, *, most: int = 0) -> SetVfCount:
    """No VFs any more. `most` is how many there may be by then, where that is more than now can."""
    return _set(pf, 0, most)


def make(pf: NicState, count: int) -> tuple[Action, ...]:
    """VFs to which no driver has bound, and to which one may.

    udev loads the VFs' driver when they appear, and a driver probes what it finds when it is
    loaded. Where it is not the PF's (Intel's), autoprobe stays off until udev is done with all.
    """
    profile = matching.known_profile(pf)
    loaded = profile is not None and profile.vf_driver == profile.name
    wait = Settle(urgent=True, pf=pf.pci) if loaded else Settle(urgent=True)
    return (autoprobe(pf, on=False), _set(pf, count, count), wait, autoprobe(pf, on=True))


def make_again(pf: NicState, observed: ObservedState) -> tuple[Action, ...]:
    """The VFs that it has now, once they are gone."""
    if pf.sriov is None:
        return ()
    made = make(pf, pf.sriov.count)
    return (*made, *_restore(pf, observed), autoprobe(pf, on=pf.sriov.autoprobe))


def autoprobe(pf: NicState, *, on: bool) -> Write:
    """Whether the kernel lets drivers bind to VFs."""
    path = f"/sys/bus/pci/devices/{pf.pci}/sriov_drivers_autoprobe"
    return Write(path, "1" if on else "0")


def _set(pf: NicState, count: int, most: int) -> SetVfCount:
    # Peers saw 65 s for 125 VFs, and drivers that block for good (peers.md c.20, e).
    most = max(most, pf.sriov.total if pf.sriov else 0)
    return SetVfCount(pf.pci, count, timeout=60.0 + 3.0 * most)


def _restore(pf: NicState, observed: ObservedState) -> tuple[Action, ...]:
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
