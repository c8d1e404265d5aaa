"""Part of stage `eswitch`: what each VF is given once it exists: MAC, driver."""

from __future__ import annotations

from collections.abc import Iterator

from eswitch.model.action import Action, Command, Settle, Tool, Unnamed, Word, Write
from eswitch.model.desired import DesiredNic, DesiredVf, EswitchMode, MacPolicy, VfDriver
from eswitch.model.disturbance import Disturbance, Effect
from eswitch.model.drivers import DriverProfile, MacTool
from eswitch.model.identifiers import ZERO_MAC, MacAddress, VfId, derived_mac
from eswitch.model.observed import NicState, VfState
from eswitch.model.plan import Blocker, Note, Obstacle, StagePlan
from eswitch.model.step import Step
from eswitch.model.subject import Interface, SpecNic

_PROBE_TIMEOUT = 60.0


def wanted_mac(vf: DesiredVf, pf: NicState) -> MacAddress | None:
    """The admin MAC that the VF should have; None when it is left alone."""
    if vf.mac_policy is MacPolicy.FIXED:
        return vf.mac
    if vf.mac_policy is MacPolicy.DERIVED and pf.mac is not None:
        return derived_mac(pf.mac, vf.index)
    return None


def plan(nic: DesiredNic, pf: NicState, profile: DriverProfile) -> StagePlan:
    """First all MACs, then all drivers, so that each kind goes out in one batch."""
    macs: list[Step] = []
    drivers: list[Step] = []
    blockers: list[Blocker] = []
    notes: tuple[Note, ...] = ()
    if pf.mac is None and any(vf.mac_policy is MacPolicy.DERIVED for vf in nic.vfs):
        text = "as long as its MAC is not known, VFs without a `mac` get random ones at each start"
        notes = (Note(SpecNic(nic.name), text),)
    for want in nic.vfs:
        change = _Vf(nic, pf, profile, want)
        for step in change.mac_step():
            macs.append(step)
            blockers += change.in_use("changing its MAC")
        for step in change.driver_step():
            drivers.append(step)
            blockers += change.in_use("changing its driver")
    return StagePlan((*macs, *drivers), tuple(blockers), notes)


class _Vf:
    """One VF: as wanted, and as it is (None before it exists)."""

    def __init__(
        self, nic: DesiredNic, pf: NicState, profile: DriverProfile, want: DesiredVf
    ) -> None:
        self.nic = nic
        self.pf = pf
        self.profile = profile
        self.want = want
        self.is_: VfState | None = pf.vf(want.index)
        self.id = VfId(pf.pci, want.index)
        self.address: Word = self.is_.pci if self.is_ else Unnamed(f"PCI address of {self.id}")
        self.driver = self.is_.driver if self.is_ else None

    def in_use(self, what: str) -> list[Blocker]:
        if not self.is_ or not self.is_.users:
            return []
        held = ", ".join(self.is_.users)
        message = f"{what} needs a rebind, and it is in use by {held}"
        return [Blocker(self.id, message, "stop that guest first", Obstacle.IN_USE)]

    def mac_step(self) -> Iterator[Step]:
        mac = wanted_mac(self.want, self.pf)
        old = self.is_.mac if self.is_ else None
        if mac is None or mac == old:
            return
        change, back = self._mac_command(mac), self._mac_command(old or ZERO_MAC)
        actions: tuple[Action, ...] = (change,)
        inverse: tuple[Action, ...] = (back,)
        if self.driver == self.profile.vf_driver:
            # A MAC is read by the driver when it binds (facts 1.7).
            unbind, bind = self._bind("unbind", self.driver), self._bind("bind", self.driver)
            actions = (unbind, change, bind, Settle())
            inverse = (unbind, back, bind, Settle())
        fixed = self.want.mac_policy is MacPolicy.FIXED
        yield Step(
            self.id,
            "MAC",
            old or ZERO_MAC,
            mac,
            "the spec says so" if fixed else "a stable address, else it is random at each start",
            actions,
            inverse,
            disturbs=self._netdev_lost(),
            timeout=_PROBE_TIMEOUT,
            source=self.want.source,
        )

    def driver_step(self) -> Iterator[Step]:
        own = self.profile.vf_driver
        if self.want.driver is VfDriver.HOST and self.driver != own:
            actions: tuple[Action, ...] = (self._bind("bind", own), Settle())
            inverse: tuple[Action, ...] = (self._bind("unbind", own),)
            if self.driver:
                actions = (self._bind("unbind", self.driver), *actions)
                inverse = (*inverse, self._bind("bind", self.driver))
            why = "a host interface is wanted (`driver: host`)"
            yield self._driver(own, why, actions, inverse, ())
        elif self.want.driver is VfDriver.NONE and self.driver == own:
            unbind = (self._bind("unbind", own),)
            rebind = (self._bind("bind", own), Settle())
            why = "a VM takes it unbound (`driver: none`)"
            yield self._driver("none", why, unbind, rebind, self._netdev_lost())

    def _driver(
        self,
        new: str,
        why: str,
        actions: tuple[Action, ...],
        inverse: tuple[Action, ...],
        disturbs: tuple[Disturbance, ...],
    ) -> Step:
        return Step(
            self.id,
            "driver",
            self.driver or "none",
            new,
            why,
            actions,
            inverse,
            disturbs,
            timeout=_PROBE_TIMEOUT,
            source=self.want.source,
        )

    def _netdev_lost(self) -> tuple[Disturbance, ...]:
        if self.is_ and self.is_.netdev:
            name = self.is_.netdev
            text = f"interface {name} vanishes with its settings"
            return (Disturbance((Interface(name),), Effect.LOSS, text),)
        return ()

    def _bind(self, verb: str, driver: str) -> Write:
        path = f"/sys/bus/pci/drivers/{driver}/{verb}"
        return Write(path, self.address, timeout=_PROBE_TIMEOUT)

    def _mac_command(self, mac: MacAddress) -> Command:
        devlink = self.profile.mac_tool is MacTool.DEVLINK
        if devlink and self.nic.mode is EswitchMode.SWITCHDEV:
            port = self.is_.devlink_port if self.is_ else None
            name: Word = port or Unnamed(f"devlink port of {self.id}")
            args: tuple[Word, ...] = ("port", "function", "set", name, "hw_addr", mac)
            return Command(Tool.DEVLINK, args)
        uplink: Word = self.pf.netdev or Unnamed(f"uplink of {self.pf.pci}")
        args = ("link", "set", uplink, "vf", str(self.want.index), "mac", mac)
        return Command(Tool.IP, args)
