"""Stage `eswitch` (the recipe's 配置SRIOV): switchdev mode, VFs, their MACs and drivers.

Order on mlx5 (domain.md 1.2, NVIDIA's newest): no VFs -> mode -> VFs -> MACs -> driver. VFs are
made unbound (`stages/restored_vfs.py`).
"""

from __future__ import annotations

from dataclasses import replace

from eswitch.model.action import Command, Settle, Tool
from eswitch.model.desired import DesiredNic, DesiredState
from eswitch.model.disturbance import Disturbance, Effect
from eswitch.model.drivers import DriverProfile, ModeChange
from eswitch.model.identifiers import OWNER
from eswitch.model.observed import (
    EswitchState,
    NicState,
    ObservedState,
    OvsPort,
    OvsStatus,
    SriovState,
)
from eswitch.model.plan import Blocker, Note, Obstacle, StagePlan
from eswitch.model.step import Step
from eswitch.model.subject import Bridge, Nic, Part, SpecNic, Uplink
from eswitch.model.unknown import Unknown
from eswitch.stages import restored_vfs
from eswitch.stages.commands import put_back, without_rules
from eswitch.stages.passing import passing
from eswitch.stages.remaining import with_nic, without_port
from eswitch.topology import disturbance, matching, session, stacking
from eswitch.topology.suitability import none_suitable

from . import vfs


def plan(desired: DesiredState, observed: ObservedState) -> tuple[StagePlan, ObservedState]:
    """Steps for every NIC of the spec, in the spec's order; the stages before have said why one
    cannot be an e-switch."""
    total = StagePlan(notes=() if desired.nics else _no_nic(observed))
    remaining = observed
    for nic, pf in matching.matched(desired, observed):
        wanted_in = frozenset(
            bridge.name
            for bridge in desired.bridges
            if any(port.nic == nic.name and port.vf is None for port in bridge.ports)
        )
        part, remaining = _plan_nic(nic, pf, remaining, wanted_in)
        total += part
    return total, remaining


def _no_nic(observed: ObservedState) -> tuple[Note, ...]:
    """A spec without a NIC wants next to nothing; nobody should take that for success."""
    found = none_suitable(observed)
    could = [Note(each.subject, f"{each.message}; {each.hint}") for each in found if each.hint]
    text = "it names no NIC, so no e-switch is wanted"
    return (Note(Part.SPEC, f"{text}; no NIC here could be one now" if found else text), *could)


def _plan_nic(
    nic: DesiredNic, pf: NicState, observed: ObservedState, bridges: frozenset[str]
) -> tuple[StagePlan, ObservedState]:
    """`bridges` are those that the spec wants this NIC's uplink in."""
    profile = matching.ready_profile(nic, pf, observed)
    if profile is None or pf.sriov is None:
        return StagePlan(), observed
    if isinstance(pf.eswitch, Unknown):
        message = f"the e-switch of {pf.pci} cannot be read: {pf.eswitch.reason}"
        hint = f"try `devlink dev eswitch show pci/{pf.pci}` as root"
        return StagePlan(
            blockers=(Blocker(SpecNic(nic.name), message, hint, source=nic.source),)
        ), observed
    changes = _Changes(
        nic,
        pf,
        sriov=pf.sriov,
        current=pf.eswitch,
        profile=profile,
        observed=observed,
        bridges=bridges,
    )
    return changes.plan()


class _Changes:
    """The steps for one PF that can be what the spec wants."""

    def __init__(
        self,
        nic: DesiredNic,
        pf: NicState,
        *,
        sriov: SriovState,
        current: EswitchState,
        profile: DriverProfile,
        observed: ObservedState,
        bridges: frozenset[str],
    ) -> None:
        self.nic = nic
        self.pf = pf
        self.sriov = sriov
        self.current = current
        self.profile = profile
        self.observed = observed
        self.bridges = bridges
        fixed = profile.mode_change is ModeChange.FIXED
        self.new_mode = not fixed and current.mode != nic.mode.value
        must_clear = self.new_mode and profile.mode_change is ModeChange.WITHOUT_VFS
        wrong_count = sriov.count != len(nic.vfs)
        # The kernel goes from N to M VFs only over 0 (domain.md 1.2).
        self.removal = sriov.count > 0 and (wrong_count or must_clear)
        self.creation = bool(nic.vfs) and (self.removal or wrong_count)

    def plan(self) -> tuple[StagePlan, ObservedState]:
        blockers = self._blockers()
        steps: list[Step] = []
        left = self.observed
        if self.new_mode and self.pf.netdev and self.observed.ovs.bridge_of(self.pf.netdev):
            steps.append(self._detach_uplink(self.pf.netdev))
            left = without_port(left, self.pf.netdev)
        elif self.new_mode and self.pf.ingress:
            steps.append(self._clear_rules(self.pf.ingress))
        if self.removal:
            steps.append(self._remove_vfs())
        steps += self._modes()
        if self.creation:
            steps.append(self._create_vfs())
        elif self.nic.vfs and not self.sriov.autoprobe:
            steps.append(self._let_drivers_bind())
        pf = replace(self.pf, vfs=()) if self.removal else self.pf
        part = vfs.plan(self.nic, pf, self.profile)
        if self.removal:
            part = passing(part, vfs.plan(self.nic, self.pf, self.profile).steps)
        left = with_nic(left, pf)
        return StagePlan((*steps, *part.steps), (*blockers, *part.blockers), part.notes), left

    def _blockers(self) -> tuple[Blocker, ...]:
        found: tuple[Blocker, ...] = ()
        if self.removal:
            found += disturbance.vf_blockers(self.pf, "removing the VFs")
        if self.new_mode:
            cut = session.session_blocker(self.pf, self.observed, "changing the e-switch mode")
            found += (cut,) if cut else ()
            found += self._held_by_others()
        return found

    def _held_by_others(self) -> tuple[Blocker, ...]:
        """The mode changes only while the uplink is in no bridge, and this one is not ours."""
        netdev = self.pf.netdev or ""
        held = stacking.in_ovs_bond(self.pf, self.observed)
        if held and self.observed.ovs.status is not OvsStatus.RUNNING:
            message = f"{netdev} is a port of Open vSwitch, which does not answer now"
            hint = "systemctl start openvswitch-switch"
            return (Blocker(Nic(self.pf.pci), message, hint, Obstacle.FOREIGN),)
        if held:
            message = f"{netdev} is in a bond of Open vSwitch, whose traffic no e-switch can take"
            hint = "use a bond of the kernel instead, or take it out of the bond"
            return (Blocker(Nic(self.pf.pci), message, hint, Obstacle.FOREIGN),)
        bridge = self.observed.ovs.bridge_of(netdev)
        port = bridge.port(netdev) if bridge else None
        if not bridge or not port or OWNER in port.external_ids:
            return ()
        message = f"{netdev} is a port of bridge {bridge.name}, which somebody else put it into"
        hint = f"add {bridge.name} with this NIC to the spec, or del-port it yourself"
        if bridge.name in self.bridges:
            if not port.trunks:
                return ()
            message += f" with trunks {', '.join(map(str, port.trunks))}: a spec cannot say that"
            hint = f"ovs-vsctl clear port {netdev} trunks, if all VLANs may pass"
        return (Blocker(Nic(self.pf.pci), message, hint, Obstacle.FOREIGN),)

    def _detach_uplink(self, netdev: str) -> Step:
        bridge = self.observed.ovs.bridge_of(netdev)
        name = bridge.name if bridge else ""
        port = bridge.port(netdev) if bridge else None
        text = f"bridge {name} has no uplink until it is put back"
        return Step(
            Uplink(self.pf.pci),
            "leaves bridge",
            name,
            "none",
            "Open vSwitch's TC rules on the uplink forbid a change of mode (domain.md 1.3)",
            (Command(Tool.OVS, ("--if-exists", "del-port", name, netdev)), *without_rules(self.pf)),
            (Command(Tool.OVS, put_back(name, port or OvsPort(netdev))),),
            disturbs=(Disturbance((Uplink(self.pf.pci), Bridge(name)), Effect.PAUSE, text),),
            touches=(Bridge(name),),
            source=self.nic.source,
            passing=True,
        )

    def _clear_rules(self, kind: str) -> Step:
        """The qdisc that a port leaves behind when it goes from its bridge; it may be others'."""
        text = f"TC rules on the ingress of {self.pf.netdev} go, if there are any"
        return Step(
            Uplink(self.pf.pci),
            "ingress qdisc",
            kind,
            "none",
            "with it the e-switch is busy and keeps its mode (domain.md 1.3)",
            without_rules(self.pf),
            disturbs=(Disturbance((Uplink(self.pf.pci),), Effect.LOSS, text),),
            source=self.nic.source,
            passing=True,
        )

    def _remove_vfs(self) -> Step:
        why = (
            f"{self.pf.driver} changes its mode only without VFs"
            if self.new_mode
            else "the kernel goes from one number of VFs to another only over 0"
        )
        return Step(
            Nic(self.pf.pci),
            "existing VFs",
            str(self.sriov.count),
            "0",
            why,
            (restored_vfs.remove(self.pf),),
            restored_vfs.make_again(self.pf, self.observed),
            disturbs=disturbance.vf_disturbance(self.pf),
            source=self.nic.vfs_source or self.nic.source,
            passing=self.creation,
        )

    def _modes(self) -> list[Step]:
        """Mode, inline mode, encap mode. The last two can change only while no flows exist."""
        nic, current = self.nic, self.current
        wanted = (
            ("mode", current.mode, nic.mode.value, self.new_mode),
            ("inline-mode", current.inline_mode, nic.inline_mode, nic.inline_mode is not None),
            ("encap-mode", current.encap_mode, nic.encap_mode, nic.encap_mode is not None),
        )
        steps = []
        for attribute, old, new, asked in wanted:
            if not asked or new is None or old == new:
                continue
            steps.append(self._mode(attribute, old or "unknown", str(new)))
        return steps

    def _mode(self, attribute: str, old: str, new: str) -> Step:
        def command(value: str) -> Command:
            args = ("dev", "eswitch", "set", f"pci/{self.pf.pci}", attribute, value)
            return Command(Tool.DEVLINK, args)

        return Step(
            Nic(self.pf.pci),
            f"e-switch {attribute}",
            old,
            new,
            "only in switchdev mode does the e-switch take rules from Open vSwitch"
            if (attribute, new) == ("mode", "switchdev")
            else "the spec says so",
            # The driver may recreate and so rename the uplink (domain.md 1.6).
            (command(new), self._named()),
            () if old == "unknown" else (*self._no_rules(), command(old), self._named()),
            disturbs=disturbance.uplink_disturbance(self.pf, self.observed),
            source=self.nic.source,
        )

    def _no_rules(self) -> tuple[Command, ...]:
        """For undoing: by then Open vSwitch has had the uplink, and has left its qdisc there."""
        if self.pf.netdev is None:
            return ()
        return (Command(Tool.TC, ("qdisc", "del", "dev", self.pf.netdev, "ingress")),)

    def _named(self) -> Settle:
        """Wait for the uplink's name and the representors'."""
        return Settle(pf=self.pf.pci)

    def _let_drivers_bind(self) -> Step:
        return Step(
            Nic(self.pf.pci),
            "VF driver autoprobe",
            "off",
            "on",
            "while it is off, no driver can bind to a VF, nor can a VM take one",
            (restored_vfs.autoprobe(self.pf, on=True),),
            (restored_vfs.autoprobe(self.pf, on=False),),
            source=self.nic.vfs_source,
        )

    def _create_vfs(self) -> Step:
        return Step(
            Nic(self.pf.pci),
            "VFs",
            str(self.sriov.count),
            str(len(self.nic.vfs)),
            f"`{self.nic.name}` asks for them",
            restored_vfs.make(self.pf, len(self.nic.vfs)),
            # What existed before is the removal step's to restore.
            (
                restored_vfs.remove(self.pf),
                restored_vfs.autoprobe(self.pf, on=self.sriov.autoprobe),
            ),
            source=self.nic.vfs_source or self.nic.source,
            passing=self.sriov.count == len(self.nic.vfs),
        )
