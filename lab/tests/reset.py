"""Back to the start, between two tests."""

from __future__ import annotations

import shutil

import namespace
from host import batch, run, run_json, settle, wait_until
from nic import FAULTS, Nic, load_module, nics

#: A NIC as it boots, by the keys of `devlink dev eswitch`, in the order to restore them.
FRESH_ESWITCH = {"inline-mode": "none", "encap-mode": "basic", "mode": "legacy"}


def reset() -> None:
    """The machine as it booted: no namespaces, bridges, VFs, faults, and nothing of eswitch's.

    Reads first and writes only what differs: a guest without KVM starts few commands a second.
    """
    empty_open_vswitch()
    for name in namespace.names():
        run("ip", "netns", "del", name)
    load_module()
    wait_until(_uplinks_are_home, "PF and wire netdevs back from their namespaces")
    for nic in nics():
        for fault in FAULTS:
            nic.set_fault(fault, 0)
        nic.set_autoprobe(True)
        # Interfaces of a deleted namespace come back asynchronously, and hold their VF until then.
        if nic.numvfs:
            nic.set_numvfs(0)
    # Open vSwitch leaves its qdisc behind, and that forbids a change of mode.
    qdiscs = run_json("tc", "-j", "qdisc", "show")
    for nic in nics():
        for qdisc in qdiscs:
            if qdisc["dev"] == nic.uplink and qdisc["kind"] in ("clsact", "ingress"):
                run("tc", "qdisc", "del", "dev", nic.uplink, qdisc["kind"], ok=(0, 2))
        restore_eswitch(nic)
    names = [name for nic in nics() for name in (nic.uplink, nic.wire)]
    batch("ip", [f"link set {name} down\naddr flush dev {name}" for name in names])
    settle()
    # What the program remembers, if it ran.
    shutil.rmtree("/var/lib/eswitch", ignore_errors=True)


def empty_open_vswitch() -> None:
    """It runs, as after boot, and has neither bridges nor settings."""
    run("systemctl", "start", "openvswitch-switch")
    shown = run("ovs-vsctl", "list-br", "--", "get", "Open_vSwitch", ".", "other_config")
    *bridges, settings = shown.splitlines()
    for bridge in bridges:
        run("ovs-vsctl", "--if-exists", "del-br", bridge)
    if settings != "{}":
        run("ovs-vsctl", "clear", "Open_vSwitch", ".", "other_config")


def restore_eswitch(nic: Nic) -> None:
    settings = nic.eswitch()
    for key, value in FRESH_ESWITCH.items():
        if settings[key] != value:
            run("devlink", "dev", "eswitch", "set", nic.handle, key, value)


def _uplinks_are_home() -> bool:
    here = {entry["ifname"] for entry in run_json("ip", "-j", "link")}
    return all(nic.wire in here and any((nic.sysfs / "net").iterdir()) for nic in nics())
