"""Which PF a spec's NIC is, and whether it can be an e-switch at all."""

from __future__ import annotations

from collections.abc import Iterator

from eswitch.model.desired import DesiredNic, DesiredState, NicMatch
from eswitch.model.drivers import COMMON, DriverProfile, Support, profile_of, profile_of_device
from eswitch.model.firmware import FirmwareState
from eswitch.model.observed import NicState, ObservedState
from eswitch.model.plan import Blocker, Note
from eswitch.model.subject import SpecNic
from eswitch.model.unknown import Unknown

ARCHIVE_HINT = "driver: {package: /root/FILE.tgz, sha256: ...} in the spec"


def candidates(match: NicMatch, observed: ObservedState) -> tuple[NicState, ...]:
    """The PFs for which every given field of the match holds."""
    return tuple(
        nic
        for nic in observed.nics
        if match.mac in (None, nic.mac)
        and match.pci in (None, nic.pci)
        and match.name in (None, nic.netdev)
    )


def find(nic: DesiredNic, observed: ObservedState) -> NicState | Blocker:
    """The one PF that the spec means, or why there is none."""
    found = candidates(nic.match, observed)
    if len(found) == 1:
        return found[0]
    source = nic.match.source or nic.source
    if not found:
        here = ", ".join(f"{pf.netdev or '-'} {pf.mac or '-'} {pf.pci}" for pf in observed.nics)
        hint = f"NICs of this host: {here or 'none'}; `eswitch show` lists them"
        mute = ", ".join(pf.pci for pf in observed.nics if pf.driver is None)
        if mute and nic.match.pci is None:
            hint += f"; without a driver {mute} shows neither MAC nor name: match it by `pci`"
        return Blocker(
            SpecNic(nic.name),
            f"no NIC has {nic.match}",
            hint,
            source=source,
        )
    names = ", ".join(f"{pf.pci} ({pf.netdev or 'no netdev'})" for pf in found)
    return Blocker(
        SpecNic(nic.name),
        f"{len(found)} NICs have {nic.match}: {names}",
        "match by PCI address: it is unique",
        source=source,
    )


def matched(
    desired: DesiredState, observed: ObservedState
) -> Iterator[tuple[DesiredNic, NicState]]:
    """Every NIC of the spec that is one PF here, which no NIC before it is."""
    claimed: set[str] = set()
    for nic in desired.nics:
        pf = find(nic, observed)
        if not isinstance(pf, Blocker) and pf.pci not in claimed:
            claimed.add(pf.pci)
            yield nic, pf


def profile_for(nic: DesiredNic, pf: NicState) -> DriverProfile | Blocker:
    """The driver's profile, or why this driver cannot be used."""
    if pf.driver is None:
        return Blocker(
            SpecNic(nic.name),
            f"{pf.pci} has no driver",
            f"load its driver (`lspci -k -s {pf.pci}` names it)",
            source=nic.source,
        )
    profile = profile_of(pf.driver)
    if profile is None:
        return Blocker(
            SpecNic(nic.name),
            f"{pf.pci} is driven by {pf.driver}, which eswitch does not know",
            "`eswitch show` lists the drivers that it knows",
            source=nic.source,
        )
    if profile.support is Support.IMPOSSIBLE:
        return Blocker(
            SpecNic(nic.name),
            f"{pf.pci} is driven by {pf.driver} ({profile.title}): {profile.remark}",
            "use a NIC with a programmable e-switch, such as a ConnectX-5 or later",
            source=nic.source,
        )
    return profile


def known_profile(pf: NicState) -> DriverProfile | None:
    """The profile of the driver that is bound, or of the one that should be."""
    return profile_of(pf.driver) if pf.driver else profile_of_device(pf.vendor_device)


def offers(pf: NicState, nic: DesiredNic) -> bool:
    """Whether the function can have as many VFs as are wanted; the firmware stage sees to it."""
    return pf.sriov is not None and pf.sriov.total >= len(nic.vfs)


def ready_profile(nic: DesiredNic, pf: NicState, observed: ObservedState) -> DriverProfile | None:
    """The profile of a PF that driver, firmware and kernel let be what the spec wants; None for
    others, of which the stages of these say why."""
    profile = profile_for(nic, pf)
    if isinstance(profile, Blocker) or not offers(pf, nic):
        return None
    if isinstance(kernel_verdict(nic, profile, observed), Blocker):
        return None
    dpu = isinstance(pf.firmware, FirmwareState) and pf.firmware.is_dpu
    return None if dpu else profile


def usable(desired: DesiredState, observed: ObservedState) -> Iterator[tuple[DesiredNic, NicState]]:
    """Those whose PF nothing keeps from being what the spec wants."""
    for nic, pf in matched(desired, observed):
        if ready_profile(nic, pf, observed) and not isinstance(pf.eswitch, Unknown):
            yield nic, pf


def kernel_verdict(
    nic: DesiredNic, profile: DriverProfile, observed: ObservedState
) -> Blocker | Note | None:
    """Whether the running kernel was built with what offload needs (facts 8.1)."""
    options = observed.kernel.options
    release = observed.kernel.release
    if isinstance(options, Unknown):
        return Note(
            SpecNic(nic.name), f"whether kernel {release} can offload is unknown: {options.reason}"
        )
    # A driver that was built beside the kernel has its own options compiled in.
    module = observed.module(profile.name)
    needed = COMMON if module is not None and module.out_of_tree else profile.offload_options
    missing = [name for name in needed if options.get(name) not in ("y", "m")]
    if not missing:
        return None
    hint = "boot a Proxmox kernel, or another one that has them"
    if profile.archive and not set(missing) & set(COMMON):
        hint += f"; or build NVIDIA's driver for this one: {ARCHIVE_HINT}"
    return Blocker(
        SpecNic(nic.name),
        f"kernel {release} cannot offload on {profile.name}: "
        f"it was built without {', '.join('CONFIG_' + name for name in missing)}",
        hint,
        source=nic.source,
    )
