"""Whatever a host says of its driver, firmware, IOMMU and boot loader: there is a plan, it asks no
question twice, and nothing that a reboot loses comes before the reboot."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from eswitch.model.action import Replace
from eswitch.model.desired import (
    DesiredDriver,
    DesiredNic,
    DesiredState,
    DesiredVf,
    EswitchMode,
    NicMatch,
    VfDriver,
)
from eswitch.model.firmware import FirmwareState, FirmwareWay, Parameter
from eswitch.model.identifiers import MacAddress, PciAddress
from eswitch.model.machine import (
    BootState,
    DriverBuild,
    IommuState,
    Loader,
    ModuleState,
    Vendor,
)
from eswitch.model.observed import (
    EswitchState,
    KernelState,
    NicState,
    ObservedState,
    SriovState,
    VfState,
)
from eswitch.model.question import Question, Topic
from eswitch.model.step import Phase
from eswitch.model.unknown import Unknown
from eswitch.stages import STAGES, make_plan, questions, unattended_harm

_ORDER = [stage.name for stage in STAGES]

# No deadline: machines that run tests do other things too.
_MANY = settings(max_examples=150, deadline=None)

T = TypeVar("T")
_UNKNOWN = st.sampled_from(
    ["", "mstconfig is not installed", "needs root", "kernel lockdown", "\x1b[2J"]
).map(Unknown)
_PACKAGE, _SUM, _OTHER = "/root/mlnx-en-debian12.5-x86_64.tgz", "a" * 64, "b" * 64
_PFS = tuple(
    PciAddress(f"0000:{slot}.{function}") for slot in ("07:00", "08:00") for function in "01"
)
_DEVICES = st.sampled_from(
    [*["15b3:101d"] * 9, "15b3:a2dc", "8086:1592", "1b36:0010", "1af4:1041", ""]
)
_OPTIONS = ("NET_SWITCHDEV", "NET_CLS_FLOWER", "NET_ACT_MIRRED", "NET_SCH_INGRESS")
_KERNELS = st.sampled_from([*[("MLX5_ESWITCH", "MLX5_CLS_ACT")] * 4, ("MLX5_ESWITCH",), ()]).map(
    lambda more: dict.fromkeys((*_OPTIONS, *more), "y")
)
_WORDS = st.lists(
    st.sampled_from(
        [
            *("root=/dev/sda1", "initrd=\\EFI\\a", "quiet", "iommu=off", "iommu=pt"),
            *("intel_iommu=on", "intel_iommu=off", "intel_iommu=on,sm_on", "intel_iommu="),
            *("amd_iommu=off", "amd_iommu=on", "intel_iommu"),
        ]
    ),
    max_size=4,
).map(tuple)


def maybe(values: st.SearchStrategy[T]) -> st.SearchStrategy[T | Unknown]:
    return st.one_of(*[values] * 7, _UNKNOWN)


_VALUES = st.sampled_from(
    [
        *("0", "1", "2", "8", "0x10", "True(1)", "False(0)", "N/A", "", "Array[0..7]"),
        *("EMBEDDED_CPU(1)", "ENABLED(0)", "DEVICE_DEFAULT(0)"),
    ]
)
_NAMES = (
    *("SRIOV_EN", "NUM_OF_VFS", "PF_NUM_OF_VF_VALID", "PF_NUM_OF_VF"),
    *("INTERNAL_CPU_MODEL", "INTERNAL_CPU_OFFLOAD_ENGINE"),
)
_PARAMETERS = st.builds(Parameter, _VALUES, st.none() | _VALUES, read_only=st.booleans())
_SOUND = {
    "SRIOV_EN": st.sampled_from(
        [Parameter("False(0)", "False(0)"), Parameter("True(1)", "True(1)")]
    ),
    "NUM_OF_VFS": st.sampled_from([Parameter("1", "1"), Parameter("8", "1"), Parameter("8", "8")]),
}
FIRMWARE = st.builds(
    FirmwareState,
    st.sampled_from(FirmwareWay),
    st.dictionaries(st.sampled_from(_NAMES), _PARAMETERS)
    | st.fixed_dictionaries(_SOUND, optional={"PF_NUM_OF_VF_VALID": _PARAMETERS})
    | st.fixed_dictionaries(_SOUND, optional={"INTERNAL_CPU_MODEL": _PARAMETERS}),
)
IOMMU = st.builds(
    IommuState,
    st.sampled_from([(), ("dmar0",)]),
    maybe(st.sampled_from(["DMAR", "DMAR", "IVRS", ""])),
    st.sampled_from(Vendor),
)
GRUB = st.builds(
    BootState,
    _WORDS,
    maybe(st.just(Loader.GRUB)),
    st.just("/etc/default/grub.d/eswitch.cfg"),
    st.none() | st.sampled_from(["", "# ours\n"]),
    st.just(("update-grub",)),
    maybe(_WORDS),
    next_release=st.sampled_from([None, "6.8.12-4-pve", "6.8.12-9-pve"]),
    passphrase=st.booleans(),
)
SYSTEMD_BOOT = st.builds(
    BootState,
    _WORDS,
    maybe(st.just(Loader.SYSTEMD_BOOT)),
    st.just("/etc/kernel/cmdline"),
    st.none()
    | _WORDS.map(" ".join)
    | st.sampled_from(["a\nb", "\n\n", "a  \n", "a\u2028b", "# a\nb"]),
    st.just(("proxmox-boot-tool", "refresh")),
    maybe(_WORDS),
    next_release=st.sampled_from([None, "6.8.12-4-pve", "6.8.12-9-pve"]),
    passphrase=st.booleans(),
)
KITS = st.builds(
    DriverBuild,
    st.sampled_from([True, True, False]),
    st.sampled_from([True, True, False]),
    st.sampled_from([None, "wget", "curl"]),
    installed=st.sampled_from([None, _SUM, _OTHER]),
    kept=st.booleans(),
    secure_boot=maybe(st.booleans()),
    key_enrolled=maybe(st.booleans()),
)
_FILES = st.sampled_from(
    [None, "/lib/modules/6.1/kernel/x.ko", "/lib/modules/6.1/updates/dkms/x.ko"]
)


@st.composite
def nics(draw: st.DrawFn, pci: PciAddress) -> NicState:
    total = draw(st.integers(0, 3))
    count = draw(st.integers(0, total))
    sriov = draw(st.sampled_from([None, SriovState(total, count, autoprobe=True)]))
    driver = draw(
        st.sampled_from([*["mlx5_core"] * 9, None, None, "ice", "nfp", "i40e", "vfio-pci"])
    )
    vfs = tuple(
        VfState(
            index,
            PciAddress(f"{pci[:-3]}1{pci[-1]}.{index}"),
            draw(st.sampled_from([None, "mlx5_core", "vfio-pci"])),
            users=draw(st.sampled_from([*[()] * 5, ("VM 104 (web)",)])),
            group_peers=draw(st.sampled_from([*[()] * 9, (pci,)])),
        )
        for index in range(count if sriov else 0)
    )
    return NicState(
        pci,
        driver,
        f"eth{_PFS.index(pci)}" if driver and draw(st.booleans()) else None,
        draw(st.none() | st.just(MacAddress(f"08:c0:eb:32:98:1{_PFS.index(pci)}"))),
        draw(_DEVICES),
        sriov=sriov,
        eswitch=draw(maybe(st.sampled_from(["legacy", "switchdev"]).map(EswitchState))),
        vfs=vfs,
    )


@st.composite
def hosts(draw: st.DrawFn) -> ObservedState:
    """The first look: nobody has asked for more."""
    present = draw(st.just(_PFS) | st.lists(st.sampled_from(_PFS), unique=True))
    return ObservedState(
        KernelState(draw(st.sampled_from(["6.8.12-4-pve", "6.1"])), draw(maybe(_KERNELS))),
        tuple(draw(nics(pci)) for pci in sorted(present)),
        iommu=draw(maybe(IOMMU)),
        vfio_loaded=draw(maybe(st.booleans())),
    )


@st.composite
def specs(draw: st.DrawFn) -> DesiredState:
    wanted = []
    some = st.sampled_from(_PFS)
    meant = st.lists(some, unique=True, max_size=3) | st.lists(some, max_size=3)
    for place, pci in enumerate(draw(meant)):
        count = draw(st.integers(0, 4))
        vfs = tuple(
            DesiredVf(index, driver=draw(st.sampled_from(VfDriver))) for index in range(count)
        )
        mode = draw(st.sampled_from(EswitchMode))
        reset = draw(st.booleans())
        wanted.append(DesiredNic(f"n{place}", NicMatch(pci=pci), vfs, mode, firmware_reset=reset))
    package = st.sampled_from([_PACKAGE, "https://example.org/mlnx-en.tgz"])
    return DesiredState(
        tuple(wanted),
        driver=draw(st.none() | st.builds(DesiredDriver, package, st.just(_SUM))),
        passthrough=draw(st.none() | st.booleans()),
    )


@st.composite
def answer(draw: st.DrawFn, observed: ObservedState, question: Question) -> ObservedState:
    """The same host with any answer to the question, also that nobody can tell."""
    match question.topic:
        case Topic.FIRMWARE:
            told = draw(maybe(FIRMWARE))
            each = (replace(n, firmware=told) if n.pci == question.of else n for n in observed.nics)
            return replace(observed, nics=tuple(each))
        case Topic.MODULE:
            version = draw(st.sampled_from([None, "24.10"]))
            module = ModuleState(question.of, draw(_FILES), draw(st.booleans()), version)
            return replace(observed, modules=(*observed.modules, module))
        case Topic.BOOT:
            return replace(observed, boot=draw(maybe(GRUB | SYSTEMD_BOOT)))
        case Topic.KIT if question.of:
            assert isinstance(observed.kit, DriverBuild)
            archive = draw(maybe(st.sampled_from([_SUM, _OTHER])))
            return replace(observed, kit=replace(observed.kit, archive=archive))
        case Topic.KIT:
            return replace(observed, kit=draw(maybe(KITS)))
        case _:
            raise AssertionError(question)


def _keeps_root(file: Replace, host: ObservedState) -> bool:
    """Whether the next boot finds its root as this one did, if the file is the loader's own."""
    if file.path != "/etc/kernel/cmdline" or not isinstance(host.boot, BootState):
        return True
    words = (file.new or "").split()
    return all(word in words for word in host.boot.cmdline if word.startswith("root="))


@given(st.data(), hosts(), specs())
@_MANY
def test_any_host_gets_a_plan(data: st.DataObject, host: ObservedState, spec: DesiredState) -> None:
    asked: set[Question] = set()
    while True:
        plan = make_plan(spec, host)
        assert plan == make_plan(spec, host)
        if plan.reboots:
            assert {step.phase for step in plan.steps} <= {Phase.LASTING}
        else:
            assert not plan.later
        assert not any(step.phase is Phase.LASTING for step in plan.later)
        assert all(it.kind.hurts for it in unattended_harm(plan, host))
        told = [(blocker.subject, blocker.message) for blocker in plan.blockers]
        assert len(told) == len(set(told))
        assert all(blocker.hint and not blocker.hint.startswith("or ") for blocker in plan.blockers)
        order = [_ORDER.index(step.stage) for step in (*plan.steps, *plan.later)]
        assert order == sorted(order)
        keys = [step.key for step in (*plan.steps, *plan.later)]
        assert len(keys) == len(set(keys))
        for step in plan.steps:
            if step.phase is Phase.LASTING:
                files = [action for action in step.actions if isinstance(action, Replace)]
                back = [action for action in step.inverse if isinstance(action, Replace)]
                # Only a driver whose predecessor's files are gone has no way back, and says so.
                assert {file.inverse for file in files} == set(back) or step.disturbs
                assert all(_keeps_root(file, host) for file in files)
                assert step.actions
                assert step.why
        wanted = questions(spec, host)
        if not wanted:
            return
        assert not wanted & asked
        asked |= wanted
        for question in sorted(wanted, key=str):
            host = data.draw(answer(host, question))


@given(hosts(), specs())
@_MANY
def test_firmware_is_not_asked_where_the_vfs_are_enough(
    host: ObservedState, spec: DesiredState
) -> None:
    able = tuple(
        replace(nic, sriov=SriovState(9, 0, autoprobe=True), eswitch=EswitchState("legacy"))
        for nic in host.nics
    )
    topics = {question.topic for question in questions(spec, replace(host, nics=able))}
    assert Topic.FIRMWARE not in topics
