"""The recipe, typed by hand (with devlink for the mode), ends in the recipe's proof.

And eswitch understands what was made that way: `show`, `verify` and `init` read it back.
"""

from __future__ import annotations

from guest import MakeGuest
from host import run, wait_until
from nic import Nic, nics
from program import eswitch


def by_hand(nic: Nic) -> None:
    pf = nic.uplink
    run("devlink", "dev", "eswitch", "set", nic.handle, "mode", "switchdev")
    run("sh", "-c", f"echo 2 > /sys/class/net/{pf}/device/sriov_numvfs")
    run("udevadm", "settle")
    run("ethtool", "-K", pf, "hw-tc-offload", "on")
    run("ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:hw-offload=true")
    run("systemctl", "restart", "openvswitch-switch.service")
    run("ovs-vsctl", "add-br", "vmbr2")
    for name in (pf, nic.representor(0), nic.representor(1)):
        run("ovs-vsctl", "add-port", "vmbr2", name)
        # The recipe forgets the `up`, and gets away with it only because ifupdown2 adds it later.
        run("ip", "link", "set", "dev", name, "up")


def test_the_recipes_commands_end_in_the_recipes_proof(nic: Nic, guest: MakeGuest) -> None:
    by_hand(nic)
    one = guest("one", nic.wait_vf_netdev(0), "192.168.1.11/24")
    two = guest("two", nic.wait_vf_netdev(1), "192.168.1.12/24")
    outside = guest("outside", nic.wire, "192.168.1.1/24")
    for pair in ((one, two), (one, outside), (two, outside)):
        pair[0].wait_for(pair[1])
        pair[0].start("ping", "-i", "0.2", pair[1].ip)
    wait_until(
        lambda: run("ovs-appctl", "dpctl/dump-flows", "type=offloaded").count("\n") >= 2,
        "the recipe's proof",
    )
    shown = eswitch("show")
    assert shown.status == 0, shown.err
    for word in (nic.uplink, "switchdev", nic.representor(0), nic.representor(1), "vmbr2"):
        assert word in shown.out
    verified = eswitch("verify", "--timeout", "60")
    assert verified.status == 0, verified.out + verified.err


def test_init_reads_back_what_was_made_by_hand(nic: Nic) -> None:
    by_hand(nic)
    spec = eswitch("init")
    assert spec.status == 0
    assert "vmbr2" in spec.out
    plan = eswitch("plan", "-o", "json", "-", input=spec.out)
    assert plan.status in (0, 2), plan.err
    # For the NICs that nobody has set up, `init` proposes something.
    others = tuple(other.pci for other in nics() if other != nic)
    subjects = {
        (step["subject"], step["attribute"])
        for step in plan.json["steps"]
        if not step["subject"].startswith(others)
    }
    # Only what the recipe leaves out may be left to do: lasting MACs, and the bridge's own link.
    assert {attribute for _, attribute in subjects} <= {
        "MAC",
        "link",
        "modules",
        "remembered addresses",
    }, subjects
