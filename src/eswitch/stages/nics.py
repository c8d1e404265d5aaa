"""Which PF a spec's NIC is, and whether it can be an e-switch at all."""

from __future__ import annotations

from eswitch.model.desired import DesiredNic, NicMatch
from eswitch.model.drivers import DriverProfile, Support, profile_of
from eswitch.model.observed import NicState, ObservedState, Unknown
from eswitch.model.plan import Blocker, Note


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
        return Blocker(
            nic.name,
            f"no NIC has {nic.match}",
            f"NICs of this host: {here or 'none'}; `eswitch show` lists them",
            source=source,
        )
    names = ", ".join(f"{pf.pci} ({pf.netdev or 'no netdev'})" for pf in found)
    return Blocker(
        nic.name,
        f"{len(found)} NICs have {nic.match}: {names}",
        "match by PCI address: it is unique",
        source=source,
    )


def profile_for(nic: DesiredNic, pf: NicState) -> DriverProfile | Blocker:
    """The driver's profile, or why this driver cannot be used."""
    if pf.driver is None:
        return Blocker(
            nic.name,
            f"{pf.pci} has no driver",
            f"load its driver (`lspci -k -s {pf.pci}` names it)",
            source=nic.source,
        )
    profile = profile_of(pf.driver)
    if profile is None:
        return Blocker(
            nic.name,
            f"{pf.pci} is driven by {pf.driver}, which eswitch does not know",
            "`eswitch show` lists the drivers that it knows",
            source=nic.source,
        )
    if profile.support is Support.IMPOSSIBLE:
        return Blocker(
            nic.name,
            f"{pf.pci} is driven by {pf.driver} ({profile.title}): {profile.remark}",
            "use a NIC with a programmable e-switch, such as a ConnectX-5 or later",
            source=nic.source,
        )
    return profile


def limits(nic: DesiredNic, pf: NicState) -> tuple[Blocker, ...]:
    """What the function itself cannot do: SR-IOV off, too few VFs, e-switch not readable."""
    if pf.sriov is None:
        return (
            Blocker(
                nic.name,
                f"{pf.pci} shows no SR-IOV capability",
                "switch SR-IOV on in the BIOS and in the NIC's firmware "
                f"(mstconfig -d {pf.pci} set SRIOV_EN=1 NUM_OF_VFS={len(nic.vfs)}), then reboot",
                source=nic.source,
            ),
        )
    if len(nic.vfs) > pf.sriov.total:
        return (
            Blocker(
                nic.name,
                f"{len(nic.vfs)} VFs are wanted, {pf.pci} can have {pf.sriov.total}",
                f"lower `vfs`, or raise NUM_OF_VFS in the NIC's firmware "
                f"(mstconfig -d {pf.pci} set NUM_OF_VFS={len(nic.vfs)}) and reboot",
                source=nic.vfs_source or nic.source,
            ),
        )
    if isinstance(pf.eswitch, Unknown):
        return (
            Blocker(
                nic.name,
                f"the e-switch of {pf.pci} cannot be read: {pf.eswitch.reason}",
                f"try `devlink dev eswitch show pci/{pf.pci}` as root",
                source=nic.source,
            ),
        )
    return ()


def usable(nic: DesiredNic, observed: ObservedState) -> NicState | None:
    """The PF that the spec means, if nothing keeps it from being what the spec wants."""
    pf = find(nic, observed)
    if isinstance(pf, Blocker):
        return None
    profile = profile_for(nic, pf)
    if isinstance(profile, Blocker) or limits(nic, pf):
        return None
    return None if isinstance(kernel_verdict(nic, profile, observed), Blocker) else pf


def kernel_verdict(
    nic: DesiredNic, profile: DriverProfile, observed: ObservedState
) -> Blocker | Note | None:
    """Whether the running kernel was built with what offload needs (style.md finding 1)."""
    options = observed.kernel.options
    release = observed.kernel.release
    if isinstance(options, Unknown):
        return Note(nic.name, f"whether kernel {release} can offload is unknown: {options.reason}")
    missing = [name for name in profile.offload_options if options.get(name) not in ("y", "m")]
    if not missing:
        return None
    return Blocker(
        nic.name,
        f"kernel {release} cannot offload on {profile.name}: "
        f"it was built without {', '.join('CONFIG_' + name for name in missing)}",
        "boot a Proxmox kernel, or another one that has them",
        source=nic.source,
    )
