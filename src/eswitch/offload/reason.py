"""Why a flow is not in hardware, as a value: its kind, the facts that it rests on, and the words.

Programs ask for the kind and the facts (`-o json`, metrics); people read `text` and `remedy`. The
words stand here and nowhere else, and nobody reads them back. A new reason is a member of
`ReasonKind`, and in `causes.py` what finds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from string import Formatter
from typing import Self

Fact = str | int | tuple[str, ...]
"""A name, an id, or several names."""

RESTART = "systemctl restart openvswitch-switch (the switch stands still for a moment)"
"""What makes a setting of Open vSwitch count."""

_OTHER_KERNEL = "boot a Proxmox kernel, or another one that has it"
_HOST = "such traffic always ends in the CPU"
_OTHER_PF = (
    "output {output} is of another PF ({output_pf}) of the card than input {input} ({input_pf})"
)
_ONE_PF = "connect ports of one PF"


class ReasonKind(StrEnum):
    """What kind of reason it is; the value is for programs and stays as it is.

    Behind it the text, and what a person can do about it (empty: nothing, or nobody knows).
    `{name}` stands for a fact, `{names:is|are}` for several with the verb for one and for many.
    """

    text: str
    remedy: str
    facts: frozenset[str]

    def __new__(cls, value: str, text: str, remedy: str = "") -> Self:
        """The value, with its templates and the facts that they name."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = text
        member.remedy = remedy
        fields = Formatter().parse(text + remedy)
        member.facts = frozenset(name for _, name, _, _ in fields if name)
        return member

    # What kind of traffic it is: the CPU's by nature, or nobody's fault.
    GROUP = "group", "broadcast and multicast are copied by the CPU"
    FLOOD = (
        "flood",
        (
            "the bridge has not learned this address, or a mirror copies it: "
            "the CPU sends each packet to several ports"
        ),
    )
    HOST = "host", f"{{port}} is this host itself: {_HOST}"
    INTERNAL_PORT = "internal_port", f"{{port}} is an internal port: {_HOST}"
    OUTSIDE = "outside", "{ports:is no port|are no ports} of an e-switch"
    UNNAMED = "unnamed", "one of its ports has no name in the dump, so what it is is not known"
    NEIGHBOUR = "neighbour", "ARP or neighbour discovery: a few packets to find an address"
    SETUP = (
        "setup",
        "first packets of a connection: hardware takes over once it is established",
    )
    # Between two e-switches.
    OTHER_SWITCH = (
        "other_switch",
        (
            "output {output} is on another switch ({output_switch}) "
            "than input {input} ({input_switch})"
        ),
    )
    OTHER_PF = (
        "other_pf",
        f"{_OTHER_PF}: without VF LAG each PF is an e-switch of its own",
        f"{_ONE_PF}, or bond the card's uplinks (VF LAG)",
    )
    VF_OF_OTHER_PF = (
        "vf_of_other_pf",
        f"{_OTHER_PF}: not every NIC forwards between their VFs",
        _ONE_PF,
    )
    # How this host is set up.
    HW_OFFLOAD_OFF = (
        "hw_offload_off",
        "hw-offload is off in Open vSwitch",
        f"ovs-vsctl set Open_vSwitch . other_config:hw-offload=true, then {RESTART}",
    )
    TC_POLICY = (
        "tc_policy",
        "tc-policy is skip_hw: Open vSwitch keeps flows out of the hardware",
        f"ovs-vsctl remove Open_vSwitch . other_config tc-policy, then {RESTART}",
    )
    HW_TC_OFFLOAD_OFF = (
        "hw_tc_offload_off",
        "hw-tc-offload is off on {port}",
        "ethtool -K {port} hw-tc-offload on",
    )
    KERNEL_OPTION = (
        "kernel_option",
        "kernel {release} is built without CONFIG_{option}",
        _OTHER_KERNEL,
    )
    KERNEL_RECIRCULATION = (
        "kernel_recirculation",
        "it recirculates, and kernel {release} is built without CONFIG_{option}",
        _OTHER_KERNEL,
    )
    # What the flow itself says.
    STAGE_MISSING = (
        "stage_missing",
        "the flow that leads to recirc_id({recirc_id:#x}) is not in the dump",
    )
    STAGE_IN_SOFTWARE = (
        "stage_in_software",
        "the flow that leads to recirc_id({recirc_id:#x}) is not in hardware",
    )
    USERSPACE_ACTION = (
        "userspace_action",
        "its action userspace() sends each packet to ovs-vswitchd",
    )
    # No fact explains it; what is known is where it runs.
    REFUSED = (
        "refused",
        "the NIC refused it; its reason is not known without tracing the kernel's extack messages",
    )
    NOT_IN_TC = (
        "not_in_tc",
        (
            "Open vSwitch did not bring it into TC; why is not known without its debug log, or it "
            "is older than hw-offload (`ovs-appctl revalidator/purge` makes all flows anew)"
        ),
        "`ovs-appctl revalidator/purge` makes all flows anew",
    )
    USERSPACE_DATAPATH = (
        "userspace_datapath",
        "a userspace datapath handles it, wholly or in part",
    )
    UNPLACED = "unplaced", "the dump does not say where it runs"


class _Words(Formatter):
    """Fills facts in; several names take the verb that agrees with them."""

    def format_field(self, value: Fact, format_spec: str) -> str:
        if not isinstance(value, tuple):
            return format(value, format_spec)
        one, _, many = format_spec.partition("|")
        return f"{', '.join(value)} {one if len(value) == 1 else many}"


_WORDS = _Words()


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. Raises ValueError where the facts are not those that its kind is about."""

    kind: ReasonKind
    facts: tuple[tuple[str, Fact], ...] = ()

    def __post_init__(self) -> None:
        given = {name for name, _ in self.facts}
        if given != self.kind.facts:
            raise ValueError(f"{self.kind} is about {sorted(self.kind.facts)}, not {sorted(given)}")

    @property
    def text(self) -> str:
        """In words."""
        return _WORDS.vformat(self.kind.text, (), dict(self.facts))

    @property
    def remedy(self) -> str | None:
        """What a person can do about it; None where nothing can be done, or nobody knows what."""
        return _WORDS.vformat(self.kind.remedy, (), dict(self.facts)) or None

    def __str__(self) -> str:
        return self.text


def because(kind: ReasonKind, **facts: Fact) -> Reason:
    """`because(ReasonKind.HOST, port="vmbr0")`."""
    return Reason(kind, tuple(facts.items()))
