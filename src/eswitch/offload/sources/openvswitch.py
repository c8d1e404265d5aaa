"""What the running Open vSwitch says: its flows, and whether it offloads any."""

from __future__ import annotations

from dataclasses import dataclass

from eswitch.errors import CommandFailed, HostError, NotFound
from eswitch.host import Host
from eswitch.model.identifiers import OVS_DATAPATH
from eswitch.model.unknown import Unknown
from eswitch.offload.flow import Dump, parse_dump

_TIMEOUT = 30.0  # seconds: a dump of 200,000 flows (vswitchd's own limit) takes a few
_INSTALL = "apt install openvswitch-switch"
_START = "systemctl start openvswitch-switch"


@dataclass(frozen=True, slots=True)
class Running:
    """Whether the running ovs-vswitchd offloads; `evidence` is what it said."""

    on: bool | Unknown
    evidence: str


def read_flows(host: Host) -> Dump:
    """All datapath flows, in hardware or not.

    Raises HostError when Open vSwitch is not installed, not running, or does not answer in time.
    A datapath without bridges has no flows: that is an empty Dump.
    """
    argv = ("ovs-appctl", "dpctl/dump-flows", "-m", "--names")
    try:
        text = _appctl(host, argv)
    except CommandFailed as failed:
        if "no datapaths exist" in failed.stderr:
            return Dump()
        if "multiple datapaths" not in failed.stderr:
            raise
        # A netdev (DPDK) datapath is here as well; e-switch ports are in the kernel's.
        text = _appctl(host, (*argv, f"system@{OVS_DATAPATH}"))
    return parse_dump(text)


def _appctl(host: Host, argv: tuple[str, ...]) -> str:
    try:
        return host.run(argv, timeout=_TIMEOUT).stdout
    except NotFound as absent:
        raise NotFound("Open vSwitch is not installed", hint=_INSTALL) from absent
    except CommandFailed as failed:
        # No pid file or no socket: nobody is there to answer (unixctl.c, daemon-unix.c).
        if "pidfile" in failed.stderr or "cannot connect" in failed.stderr:
            raise HostError("Open vSwitch is not running", hint=_START) from failed
        raise


def read_running(host: Host) -> Running:
    """Ask the daemon: the database key may have changed after it started (facts 4.1).

    Up to 3.6 `upcall/show` has an `offloaded flows` line as soon as one port has a flow API; 3.7
    prints it only for more than zero flows, but has `dpif/offload/show`. Raises HostError like
    `read_flows`.
    """
    shown = _appctl(host, ("ovs-appctl", "upcall/show"))
    for line in shown.splitlines():
        if line.strip().startswith("offloaded flows"):
            return Running(on=True, evidence=f"upcall/show: {' '.join(line.split())}")
    result = host.run(("ovs-appctl", "dpif/offload/show"), timeout=_TIMEOUT, ok=None)
    if result.status == 0:
        for line in result.stdout.splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "Globally enabled" and value.strip() in ("true", "false"):
                on = value.strip() == "true"
                return Running(on, f"dpif/offload/show: {' '.join(line.split())}")
    elif not shown.strip():
        return Running(Unknown("no bridge yet"), "upcall/show: no datapath")
    elif "is not a valid command" in result.stderr:
        return Running(on=False, evidence="upcall/show has no line `offloaded flows`")
    said = (result.stderr.strip() or result.stdout.strip() or "no output").splitlines()[-1]
    return Running(Unknown(said), f"dpif/offload/show: {said}")
