"""What the kernel meant: its known refusals, and what to do about each (domain.md 1.2, 1.3).

The kernel's own words always stay in the message; the hint is ours.
"""

from __future__ import annotations

import errno as errnos
import re
from dataclasses import dataclass
from enum import Enum

from eswitch.errors import CommandFailed, HostError, NotEffective, TimedOut
from eswitch.host import Host
from eswitch.model.action import SetVfCount, Tool

# Enough for the lines of 127 VFs that did not come.
_LOG_LINES = 400


class Speaker(Enum):
    """Who refuses, beside the tools."""

    SRIOV = "sriov_numvfs"  # the kernel, as VFs are made or removed
    PROGRAM = "program"  # whatever else is run


@dataclass(frozen=True, slots=True)
class Known:
    """A refusal by one of `whose`: `errno` of the write, `text` in the tool's or kernel log's
    words, or both; and what to do about it.

    What is in the log may be yesterday's reason: there the number of today's refusal must fit.
    """

    whose: tuple[Tool | Speaker, ...]
    hint: str
    errno: int | None = None
    text: str = ""


_SRIOV = (Speaker.SRIOV,)
_DEVLINK = (Tool.DEVLINK,)
_OVS = (Tool.OVS,)
_PROGRAM = (Speaker.PROGRAM,)
_KERNEL = (Tool.DEVLINK, Tool.IP, Tool.TC, Tool.ETHTOOL)
"""Those that print the kernel's own words."""

KNOWN: tuple[Known, ...] = (
    Known(
        _SRIOV,
        "the BIOS gave the slot too little address space: switch on SR-IOV and Above-4G decoding, "
        "boot with pci=realloc, or lower the number of VFs in the firmware",
        errno=errnos.ENOMEM,
        text="not enough MMIO resources for SR-IOV",
    ),
    Known(
        _SRIOV,
        "the VFs do not fit into the bus numbers behind this slot: "
        "boot with pci=assign-busses, or use another slot",
        errno=errnos.ENOMEM,
        text="bus number out of range",
    ),
    Known(
        _SRIOV,
        "a VF lies beyond function 7 and the slot forwards no ARI: switch on ARI in the BIOS, "
        "use another slot, or lower NUM_OF_VFS in the firmware",
        errno=errnos.EIO,
        text="unknown header type 7f",
    ),
    Known(
        _SRIOV,
        "the BIOS gave the slot too little address space: switch on SR-IOV and Above-4G decoding, "
        "boot with pci=realloc, or lower the number of VFs in the firmware",
        errno=errnos.ENOMEM,
    ),
    Known(
        _SRIOV,
        "the VFs did not answer on the bus: switch on ARI in the BIOS, use another slot, "
        "or lower NUM_OF_VFS in the firmware",
        errno=errnos.EIO,
    ),
    Known(_SRIOV, "raise NUM_OF_VFS in the NIC's firmware and reboot", errno=errnos.ERANGE),
    Known(
        _SRIOV,
        "somebody else changed the number of VFs meanwhile: `eswitch plan` shows what is left",
        errno=errnos.EBUSY,
    ),
    Known(
        _SRIOV,
        "the PF's driver offers no SR-IOV: is it bound to the NIC's own driver?",
        errno=errnos.ENOENT,
        text="Driver does not support SRIOV configuration",
    ),
    Known(
        _SRIOV,
        "the NIC offers no SR-IOV: switch it on in the firmware (SRIOV_EN) and the BIOS, "
        "and see that the PF is bound to the NIC's own driver",
        errno=errnos.ENOENT,
    ),
    Known(_SRIOV, "run it as root", errno=errnos.EACCES),
    Known(_SRIOV, "run it as root", errno=errnos.EPERM),
    Known(
        _SRIOV,
        "the NIC ran out of resources (MSI-X vectors?): ask for fewer VFs",
        errno=errnos.ENOSPC,
    ),
    Known(
        _DEVLINK,
        "TC rules or an ingress qdisc are left on the uplink or a representor: "
        "`tc qdisc show` lists them, `tc qdisc del dev NAME ingress` removes one",
        text="E-Switch is busy",
    ),
    Known(
        _DEVLINK,
        "the firmware refused: are VFs still bound or used by a guest? `eswitch show` tells; "
        "`dmesg` has the firmware's syndrome",
        text="Failed setting eswitch to offloads",
    ),
    Known(
        _DEVLINK, "wait until the firmware reset is over, then apply again", text="firmware reset"
    ),
    Known(_DEVLINK, "remove the IPsec policies (`ip xfrm policy flush`)", text="IPsec"),
    Known(_DEVLINK, "switch off the devlink traps first", text="devlink traps"),
    Known(
        _DEVLINK, "bring the uplink back into the host's namespace", text="namespace has diverged"
    ),
    Known(
        _DEVLINK,
        "remove the TC flows first: `ovs-vsctl del-br BRIDGE`",
        text="flows are configured",
    ),
    Known(_DEVLINK, "change flow_steering_mode in legacy mode", text="fs mode is not supported"),
    Known(_DEVLINK, "this driver or kernel has no e-switch modes", text="Operation not supported"),
    Known(_KERNEL, "run it as root", text="Operation not permitted"),
    Known(_OVS, "systemctl start openvswitch-switch", text="database connection failed"),
    Known(
        _OVS,
        "ovs-vswitchd did not take the change: `systemctl status ovs-vswitchd`",
        text="terminated by signal 14",
    ),
    Known(
        _PROGRAM,
        "the kernel is locked down (Secure Boot): set it in the card's own menu in the BIOS",
        text="semaphore: Operation not permitted",
    ),
    Known(
        _PROGRAM,
        "the file is not the one that the spec means, or was cut short: download it again",
        text="computed checksum did NOT match",
    ),
    Known(
        _PROGRAM,
        "make room on the EFI system partition (`df -h /boot/efi`, old kernels: "
        "`apt autoremove`), and do not reboot before the loader's files were written",
        text="No space left on device",
    ),
    Known(
        _PROGRAM,
        "another program is changing the system's packages: wait for it, then apply again",
        text="Could not get lock",
    ),
)

GONE = (
    *("no row ", "no bridge named ", "no port named "),  # ovs-vsctl
    *("Cannot find device", "No such device"),  # ip and devlink; a write to sysfs
    "does not exist",  # a file of sysfs
    *("Cannot assign requested address", "Address not found", "No such process"),  # ip addr, route
)
"""In the refusal to remove or reset what is no longer there."""


def not_effective(subject: str, attribute: str, wanted: str, found: str) -> NotEffective:
    """The error for a change that was reported as done and is not there."""
    return NotEffective(
        f"{attribute} was set to {wanted}, but reads back as {found}",
        where=subject,
        hint="`dmesg` may say why; `eswitch plan` shows what is left, `eswitch rollback` undoes",
    )


def says_gone(words: str) -> bool:
    """Whether a refusal means that the thing is gone already."""
    return any(text in words for text in GONE)


def explain_vf_count(action: SetVfCount, error: HostError, host: Host) -> HostError:
    """The same error with a hint, and with the kernel log's words about the PF."""
    pci = action.pf
    if isinstance(error, TimedOut):
        hint = "a guest may hold a VF: stop it; `dmesg` may say more"
        return TimedOut(error.message, hint=hint, where=pci)
    log = kernel_log(host, pci)
    known = _find(Speaker.SRIOV, "\n".join(log), error.errno)
    said = f" (kernel log: {log[-1]})" if log else ""
    message = f"writing {action.count} to sriov_numvfs failed: {error.message}{said}"
    return HostError(message, hint=known or error.hint, where=pci, errno=error.errno)


def explain_tool(tool: Tool, error: CommandFailed) -> CommandFailed:
    """The same error with a hint where its words are known."""
    hint = _find(tool, error.stderr, None)
    return CommandFailed(
        error.argv, error.status, error.stdout, own_words(error.stderr), hint=hint or error.hint
    )


def explain_program(error: CommandFailed, said: str, log: str) -> CommandFailed:
    """The same error with a hint; all that the program said is in `log`, if it has one."""
    hint = _find(Speaker.PROGRAM, said, None)
    if log:
        hint = f"{hint}; all that it said is in {log}" if hint else f"what it said is in {log}"
    return CommandFailed(error.argv, error.status, error.stdout, error.stderr, hint=hint)


def own_words(stderr: str) -> str:
    """Without the line that only says that a batch failed."""
    kept = [line for line in stderr.splitlines() if not line.startswith("Command failed ")]
    return "\n".join(kept) or stderr


def _find(who: Tool | Speaker, words: str, errno: int | None) -> str | None:
    for known in KNOWN:
        if who not in known.whose:
            continue
        if known.text in words and known.errno in (None, errno):
            return known.hint
    return None


def kernel_log(host: Host, pci: str) -> tuple[str, ...]:
    """The kernel log's last lines about this PF or its bus, oldest first; empty if unreadable.

    VFs that fail to appear are logged under their own address, so the bus is what they share.
    """
    try:
        lines = host.run(["dmesg", "--notime"], timeout=10.0).stdout.splitlines()
    except HostError:
        return ()
    bus = re.compile(rf"\b{re.escape(pci[:8])}[0-9a-f]{{2}}\.\d|\b{re.escape(pci)}\b")
    # Bounded, so that yesterday's failure is not today's reason.
    about = [line.strip() for line in lines[-_LOG_LINES:] if bus.search(line)]
    return tuple(about[-12:])
