"""The story as data: chapters, what is typed in each, and how to tell that it went as told.

It follows the recipe from the bare box. Nothing here runs anything; `cli/performance.py` types each
act on the twin and stops at the first one that does not show what it should.
"""

from __future__ import annotations

from dataclasses import dataclass

from eswitch.files import paths

from .proofs import (
    Proof,
    as_it_was,
    both,
    can_switch,
    cannot_switch,
    in_hardware,
    is_switch,
    lost,
    untouched,
)

MACHINE = "pve8-cx6dx"
NIC = "0000:07:00.0"
UPLINK = "enp7s0f0np0"
BRIDGE = "vmbr2"
GUESTS = ("vm/101", "ct/200")
OFFLOADED, REBOOTED = "traffic in hardware", "after the reboot"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is typed: an `eswitch` verb, or a command on the machine.

    `code` is the exit code that it must end with, `proof` what must then be seen. `picture` is the
    caption of the topology drawn afterwards, `remember` a name for that moment.
    """

    typed: str
    code: int = 0
    proof: Proof | None = None
    picture: str = ""
    remember: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A heading, what is told (paragraphs with an empty line between), and what is typed."""

    title: str
    told: str
    acts: tuple[Act, ...]


TITLE = "From the bare box to flows in hardware"
FOREWORD = (
    "A server with a 100 Gbit/s NIC becomes a hardware switch for its guests. The server is "
    f"simulated: it is the twin `{MACHINE}`, nothing of this computer is touched, and no root is "
    "needed.\n\n"
    "eswitch itself is real. What stands behind a $ is typed on that server and runs now: it "
    "looks, plans, applies and verifies as it would on any other, and the story stops if something "
    "does not show what it should. Times are the twin's own."
)

CHAPTERS = (
    Chapter(
        "The box as it arrives",
        "Proxmox VE 8, a ConnectX-6 Dx, and a small NIC for management. The big card could "
        "switch in hardware, but SR-IOV is off in its firmware, and so is the host's IOMMU, "
        "without which no VM can be given a VF.",
        (
            Act(
                "eswitch show",
                proof=cannot_switch(NIC),
                picture="The box as it arrives: a NIC that is only a NIC.",
            ),
        ),
    ),
    Chapter(
        "One file, and what it takes",
        "The recipe's end is one file: two VFs, one for a VM and one for a container, and a "
        "bridge of both and the wire. `plan` shows each step on the way there from this box, its "
        "reason, and where the reboot comes; it touches nothing.",
        (
            Act(f"cat {paths.SPEC}"),
            Act("eswitch plan", code=2, proof=untouched),
        ),
    ),
    Chapter(
        "Apply, and the reboot in the middle",
        "With --reboot it goes the whole way: what needs a reboot first, all of it for one; then "
        "the host reboots, a systemd unit goes on, once, and removes itself. Guests that run "
        "would keep it from rebooting. Each step is read back: what cannot be seen afterwards has "
        "not happened, whatever the tool said.",
        (
            Act(
                "eswitch apply --reboot --yes",
                proof=both(can_switch(NIC, 2), is_switch(NIC, 2, BRIDGE)),
            ),
            Act("mstconfig -d 07:00.0 -e q SRIOV_EN NUM_OF_VFS"),
            Act("cat /proc/cmdline"),
        ),
    ),
    Chapter(
        "Two guests, and the world outside",
        "The VM gets its VF by PCI pass-through, the container gets an interface. They talk "
        "to each other and to the world at the end of the wire.",
        (
            Act("eswitch twin start vm/101"),
            Act("eswitch twin start ct/200"),
            Act("eswitch twin traffic vm/101 ct/200"),
            Act("eswitch twin traffic vm/101 outside"),
            Act("eswitch twin traffic ct/200 outside"),
        ),
    ),
    Chapter(
        "Where does the traffic run?",
        "Proof is not a setting, it is packets: `verify` wants to see traffic from and to "
        "each port in hardware, in Open vSwitch's own datapath.",
        (
            Act("eswitch verify", proof=in_hardware(6)),
            Act(
                "eswitch flows",
                proof=in_hardware(6),
                remember=OFFLOADED,
                picture="The e-switch at work: guests and wire talk inside the NIC. Only "
                "broadcasts, and what no rule covers yet, go up to Open vSwitch.",
            ),
        ),
    ),
    Chapter(
        "Again",
        "What is right already is left alone: not one write, while the guests go on talking.",
        (Act("eswitch apply", proof=untouched),),
    ),
    Chapter(
        "A reboot loses it all",
        "Mode and VFs live in sysfs, and Proxmox VE deletes the database of Open vSwitch at "
        "each boot. eswitch does not start itself at boot yet; the same command repairs it.",
        (
            Act(
                "eswitch twin reboot",
                proof=lost(NIC),
                remember=REBOOTED,
                picture="After the reboot: firmware and command line have stayed, everything "
                "else is gone.",
            ),
            Act("eswitch verify --timeout 0", code=2, proof=lost(NIC)),
            Act("eswitch apply", proof=is_switch(NIC, 2, BRIDGE)),
            Act("eswitch plan", proof=untouched),
        ),
    ),
    Chapter(
        "And back",
        "What eswitch changed it can put back: `rollback` undoes the last apply and compares "
        "the machine with what was noted before it.",
        (Act("eswitch rollback --yes", proof=as_it_was(REBOOTED)),),
    ),
)

COMPARISON = "What it is for: the host's load"
COMPARISON_TOLD = (
    "The recipe ends with a graph: its author's server had about half the load once the switch "
    "was in the NIC. Here the same day of a file server is played twice, hour by hour: by the two "
    "guests on the e-switch as `verify` proved it, and on the box as it arrived, where they have "
    "virtual interfaces on a bridge in software. That bridge takes a few commands:"
)
SOFTWARE_BRIDGE = (
    f"ovs-vsctl add-br {BRIDGE}",
    f"ovs-vsctl add-port {BRIDGE} {UPLINK}",
    f"ip link set dev {UPLINK} up",
    f"ip link set dev {BRIDGE} up",
)
"""What a person types on the bare box for a bridge in software."""
SOFTWARE_PICTURE = "The software bridge: every packet climbs through the CPU."
