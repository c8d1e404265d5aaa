"""A host as it is -> a first spec of it, commented.

What was set up by hand is read back, so that planning this spec on that host changes as little as
possible; what cannot be expressed is named in a comment, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from eswitch.model.desired import (
    DesiredNic,
    DesiredState,
    DesiredVf,
    EswitchMode,
    MacPolicy,
    NicMatch,
    VfDriver,
)
from eswitch.model.drivers import Support, profile_of
from eswitch.model.identifiers import ZERO_MAC, MacAddress, PciAddress, derived_mac
from eswitch.model.observed import (
    EswitchState,
    NicState,
    ObservedState,
    OvsState,
    OvsStatus,
    VfState,
)
from eswitch.model.suitability import Suitability

from .read_back import BridgeReader, vf_count
from .tree import Path
from .values import MAX_VFS, BadValue, parse_mac, parse_nic_name
from .writing import dump

_EXAMPLE = """\
This is how a spec looks:

nics:
  cx6:
    match: {mac: "08:c0:eb:32:98:11"}   # or pci: "0000:07:00.0", or name: enp7s0f0np0
    vfs: 2
bridges:
  vmbr2:
    ports: [cx6]                        # the uplink and all VFs; or cx6/uplink, cx6/0, cx6/1
    address: 192.168.1.101/24
    gateway: 192.168.1.1"""


@dataclass
class _Draft:
    """The spec while it is being written."""

    observed: ObservedState
    fits: Mapping[PciAddress, Suitability]
    remarks: dict[Path, list[str]] = field(default_factory=dict)
    labels: dict[str, NicState] = field(default_factory=dict)
    macs: set[MacAddress] = field(default_factory=set)

    def takes(self, nic: NicState) -> bool:
        fit = self.fits[nic.pci]
        return fit.able is not False or fit.curable

    def remark(self, path: Path, *texts: str) -> None:
        self.remarks.setdefault(path, []).extend(texts)


def starter(observed: ObservedState, fits: Mapping[PciAddress, Suitability]) -> str:
    """The text of a commented spec of this host; `load()` always takes it.

    `fits` says of each NIC whether it could be an e-switch. One that can become so here is in
    the spec: what it lacks is said beside it.
    """
    draft = _Draft(observed, fits)
    fit = [nic for nic in observed.nics if draft.takes(nic)]
    _header(draft, fit)
    for nic in fit:
        draft.labels[_label(nic, draft)] = nic
    for nic in fit:
        if nic.mac is not None:
            draft.macs.add(nic.mac)
            draft.macs.update(derived_mac(nic.mac, vf) for vf in range(MAX_VFS))
    reader = BridgeReader(observed, draft.labels, draft.remark)
    nics = tuple(_nic(label, draft, reader) for label in draft.labels)
    bridges = reader.bridges(nics)
    if not fit:
        return dump(DesiredState(), draft.remarks)
    ovs = reader.ovs()
    if not bridges:
        draft.remark(("end",), *reader.proposal())
    return dump(DesiredState(nics, bridges, ovs), draft.remarks)


def _header(draft: _Draft, fit: list[NicState]) -> None:
    host = f"kernel {draft.observed.kernel.release}, {_ovs(draft.observed.ovs)}"
    lines = [
        f"The e-switches of this host, as `eswitch init` found it ({host}).",
        "Change what should be different; `eswitch plan` shows what would happen, and",
        "`eswitch apply` makes it so. `eswitch schema` describes all keys.",
    ]
    others = [nic for nic in draft.observed.nics if nic not in fit]
    if not fit:
        lines += [
            "",
            "No NIC of this host can be an e-switch now, so this spec wants nothing. Once one can,",
            "let `eswitch init` write another.",
        ]
    if others:
        lines += ["", "NICs that cannot be an e-switch:"]
        lines += [text for nic in others for text in _unfit(nic, draft.fits[nic.pci])]
    if not fit:
        lines += ["", *_EXAMPLE.splitlines()]
    draft.remark((), *lines)


def _unfit(nic: NicState, fit: Suitability) -> list[str]:
    """Why it is none, and the way out where there is one."""
    hint = [f"    {fit.hint}"] if fit.hint else []
    return [f"  {nic.pci}, {_interface(nic)}: {fit.why}", *hint]


def _ovs(ovs: OvsState) -> str:
    if ovs.status is OvsStatus.RUNNING:
        return f"Open vSwitch {ovs.version or 'of unknown version'}"
    absent = ovs.status is OvsStatus.ABSENT
    return f"Open vSwitch {'is not installed' if absent else 'does not answer'}"


def _identity(nic: NicState) -> str:
    return f"{nic.pci}, {_interface(nic)}, driver {nic.driver or '(none)'}"


def _interface(nic: NicState) -> str:
    return nic.netdev or "(no interface)"


def _label(nic: NicState, draft: _Draft) -> str:
    """The interface's name if the spec may use it, else nicN."""
    bridges = {bridge.name for bridge in draft.observed.ovs.bridges}
    names = [nic.netdev or "", *(f"nic{number}" for number in range(len(bridges) + 512))]
    for name in names:
        try:
            label = parse_nic_name(name)
        except BadValue:
            continue
        if label not in draft.labels and label not in bridges:
            return label
    raise AssertionError("512 NICs")  # PCI allows that many in theory


def _nic(label: str, draft: _Draft, reader: BridgeReader) -> DesiredNic:
    nic = draft.labels[label]
    path: Path = ("nics", label)
    profile = profile_of(nic.driver)
    title = f" ({profile.title})" if profile else ""
    draft.remark(path, f"{_identity(nic)}{title}")
    if profile and profile.support is not Support.PROVEN:
        draft.remark(path, f"known from documents only: {profile.remark}")
    fit = draft.fits[nic.pci]
    if fit.able is False:
        draft.remark(path, f"{fit.why};", f"{fit.hint}.")
    if isinstance(nic.eswitch, EswitchState):
        draft.remark(path, f"e-switch mode now: {nic.eswitch.mode}")
    else:
        draft.remark(path, f"e-switch mode now: unknown ({nic.eswitch.reason})")
    draft.remark(path, *reader.uplink_remarks(nic))
    return DesiredNic(label, _match(nic, draft), _vfs(label, draft, reader))


def _match(nic: NicState, draft: _Draft) -> NicMatch:
    """By MAC, or by PCI address where the MAC is unknown or shared."""
    sharing = [other for other in draft.observed.nics if other.mac == nic.mac]
    try:
        mac = parse_mac(nic.mac)
    except BadValue:
        return NicMatch(pci=nic.pci)
    return NicMatch(mac=mac) if len(sharing) == 1 else NicMatch(pci=nic.pci)


def _vfs(label: str, draft: _Draft, reader: BridgeReader) -> tuple[DesiredVf, ...]:
    nic = draft.labels[label]
    path: Path = ("nics", label, "vfs")
    count = nic.sriov.count if nic.sriov else 0
    most = f", at most {nic.sriov.total}" if nic.sriov else ""
    draft.remark(path, f"{count} now{most}" if count else f"none now; a proposal{most}")
    vfs = tuple(_vf(label, index, draft, reader) for index in range(vf_count(nic)))
    if any(vf.mac_policy is MacPolicy.UNMANAGED for vf in vfs):
        draft.remark(
            path,
            "mac: keep leaves a MAC as it is. One that nobody set changes whenever a driver is",
            "bound; mac: auto gives one that stays.",
        )
    for vf in vfs:
        state = nic.vf(vf.index)
        if state and state.users:
            draft.remark((*path, vf.index), f"in use by {', '.join(state.users)}")
    return vfs


def _vf(label: str, index: int, draft: _Draft, reader: BridgeReader) -> DesiredVf:
    nic = draft.labels[label]
    vlan = reader.vlan(label, index)
    state = nic.vf(index)
    if not nic.sriov or not nic.sriov.count:
        return DesiredVf(index, vlan=vlan)
    policy, mac = _vf_mac(nic, index, state, draft)
    profile = profile_of(nic.driver)
    bound = state is not None and profile is not None and state.driver == profile.vf_driver
    return DesiredVf(index, policy, mac, vlan, VfDriver.HOST if bound else VfDriver.NONE)


def _vf_mac(
    nic: NicState, index: int, state: VfState | None, draft: _Draft
) -> tuple[MacPolicy, MacAddress | None]:
    if state is not None and state.mac is not None and state.mac != ZERO_MAC:
        if nic.mac is not None and state.mac == derived_mac(nic.mac, index):
            return MacPolicy.DERIVED, None
        try:
            mac = parse_mac(state.mac)
        except BadValue:
            mac = None
        if mac and mac not in draft.macs:
            draft.macs.add(mac)
            return MacPolicy.FIXED, mac
        return MacPolicy.UNMANAGED, None
    # VFs of a NIC that must change its mode are made anew, so nothing is lost by a stable MAC.
    stays = isinstance(nic.eswitch, EswitchState) and nic.eswitch.mode == EswitchMode.SWITCHDEV
    return (MacPolicy.UNMANAGED if stays else MacPolicy.DERIVED), None
