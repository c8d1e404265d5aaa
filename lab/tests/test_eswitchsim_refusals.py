"""eswitchsim: rules that it refuses, with the texts of mlx5 (facts 1.10)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from host import fails, run, run_json, says
from kernel_log import KernelLog
from nic import nics
from reset import reset
from workbench import Bench, make_bench

#: name: (TC protocol, match, actions, text). {r1} is the second representor, {pf} the uplink.
TO_VF1 = "action mirred egress redirect dev {r1}"
CASES: dict[str, tuple[str, str, str, str]] = {
    "another switch": (
        "ip",
        "",
        "action mirred egress redirect dev {other}",
        "devices are not on same switch HW, can't offload forwarding",
    ),
    "not an e-switch port": (
        "ip",
        "",
        "action mirred egress redirect dev simdummy",
        "devices are not on same switch HW, can't offload forwarding",
    ),
    "the wire itself": (
        "ip",
        "",
        "action mirred egress redirect dev {wire}",
        "devices are not on same switch HW, can't offload forwarding",
    ),
    "the same output twice": (
        "ip",
        "",
        "action mirred egress mirror dev {r1} pipe " + TO_VF1,
        "can't duplicate output to same device",
    ),
    "ingress of a port": (
        "ip",
        "",
        "action mirred ingress redirect dev {r1}",
        "redirect to ingress is supported only for OVS internal ports",
    ),
    "a chain": (
        "ip",
        "",
        "action goto chain 1",
        "Requested destination chain is out of supported range",
    ),
    "nothing done": ("ip", "", "action pass", "Rule must have at least one forward/drop action"),
    "two VLAN tags": (
        "802.1ad",
        "vlan_id 5 vlan_ethtype 802.1Q cvlan_id 6",
        TO_VF1,
        "Matching on CVLAN is not supported",
    ),
    "sctp ports": (
        "ip",
        "ip_proto sctp dst_port 5",
        TO_VF1,
        "Only UDP and TCP transports are supported for L4 matching",
    ),
    "arp fields": ("arp", "arp_tip 10.0.0.1", TO_VF1, "Unsupported key"),
    "mpls": ("mpls_uc", "mpls_label 7", TO_VF1, "Unsupported key"),
    "port range": ("ip", "ip_proto tcp dst_port 100-200", TO_VF1, "Unsupported key"),
    "a checksum alone": (
        "ip",
        "",
        "action csum ip pipe " + TO_VF1,
        "TC csum action is only offloaded with pedit",
    ),
    "a field it cannot write": (
        "ip",
        "ip_proto udp",
        "action pedit munge offset 0 u8 set 0x45 pipe " + TO_VF1,
        "",
    ),
    "the EtherType": (
        "ip",
        "ip_proto udp",
        "action pedit ex munge eth type set 0x0801 pipe " + TO_VF1,
        "attempt to offload an unsupported field",
    ),
    "rewriting IP of any protocol": (
        "ip",
        "",
        "action pedit ex munge ip ttl set 5 pipe csum ip pipe " + TO_VF1,
        "can't offload re-write of non TCP/UDP",
    ),
    "a mark": ("ip", "", "action skbedit mark 5 pipe " + TO_VF1, "Not implemented offload action"),
    "three VLAN tags": (
        "ip",
        "",
        "action vlan push id 1 pipe action vlan push id 2 pipe "
        "action vlan push id 3 pipe " + TO_VF1,
        "Total vlans used is greater than supported",
    ),
}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    reset()
    first, second = nics()[:2]
    made = make_bench(first)
    second.set_mode("switchdev")
    second.set_numvfs(1)
    run("ip", "link", "add", "simdummy", "type", "dummy")
    for name in (first.uplink, *made.reps):
        run("tc", "qdisc", "add", "dev", name, "clsact")
    yield made
    run("ip", "link", "del", "simdummy")
    reset()


def rule(bench: Bench, dev: str, text: str, *flags: str) -> list[str]:
    """A `tc filter add` on an ingress, names filled in."""
    names = {
        "r0": bench.reps[0],
        "r1": bench.reps[1],
        "pf": bench.nic.uplink,
        "other": nics()[1].representor(0),
        "wire": "wire1",
    }
    protocol, rest = text.split(maxsplit=1)
    return [
        *f"tc filter add dev {dev} ingress protocol {protocol} prio 1 flower".split(),
        *flags,
        *rest.format(**names).split(),
    ]


def clear(dev: str) -> None:
    run("tc", "filter", "del", "dev", dev, "ingress")


@pytest.mark.parametrize("case", CASES)
def test_refused(bench: Bench, case: str) -> None:
    protocol, match, actions, text = CASES[case]
    said = fails(*rule(bench, bench.reps[0], f"{protocol} {match} {actions}", "skip_sw"))
    if text:
        assert f"eswitchsim: {text}" in said
    assert bench.nic.n_rules() == 0


def test_refused_rules_work_in_software_and_say_why_when_asked(bench: Bench) -> None:
    log = KernelLog()
    text = "ip action mirred egress redirect dev {other}"
    said = says(*rule(bench, bench.reps[0], text, "verbose"))
    assert "Warning: eswitchsim: devices are not on same switch HW" in said
    shown = run_json("tc", "-j", "filter", "show", "dev", bench.reps[0], "ingress")
    options = next(entry["options"] for entry in shown if "handle" in entry.get("options", {}))
    assert options.get("not_in_hw") is True
    assert log.has(
        f"devices {bench.reps[0]} {nics()[1].representor(0)} not on same switch HW, "
        "can't offload forwarding"
    )
    clear(bench.reps[0])


def test_from_the_uplink_to_the_uplink(bench: Bench) -> None:
    said = fails(
        *rule(bench, bench.nic.uplink, "ip action mirred egress redirect dev {pf}", "skip_sw")
    )
    assert "eswitchsim: devices are both uplink, can't offload forwarding" in said


def test_a_filter_on_another_chain(bench: Bench) -> None:
    said = fails(
        *f"tc filter add dev {bench.reps[0]} ingress chain 3 protocol ip prio 1 flower "
        f"skip_sw action mirred egress redirect dev {bench.reps[1]}".split()
    )
    assert "eswitchsim: Requested chain is out of supported range" in said


def test_more_outputs_than_32(bench: Bench) -> None:
    """TC itself takes no more than 32 actions, so only an action that needs two can exceed it."""
    actions = " pipe ".join(["action mirred egress mirror dev {r1}"] * 33)
    assert fails(*rule(bench, bench.reps[0], f"ip {actions}", "skip_sw"))


@pytest.mark.parametrize(
    ("mode", "refused", "accepted"),
    [
        ("link", "ip dst_ip 10.0.0.1", "ip"),
        ("network", "ip ip_proto udp dst_port 5", "ip dst_ip 10.0.0.1"),
        ("transport", "", "ip ip_proto udp dst_port 5"),
    ],
)
def test_inline_mode(bench: Bench, mode: str, refused: str, accepted: str) -> None:
    handle = bench.nic.handle
    run("devlink", "dev", "eswitch", "set", handle, "inline-mode", mode)
    try:
        if refused:
            said = fails(*rule(bench, bench.reps[0], f"{refused} {TO_VF1}", "skip_sw"))
            assert "eswitchsim: Flow is not offloaded due to min inline setting" in said
        run(*rule(bench, bench.reps[0], f"{accepted} {TO_VF1}", "skip_sw"))
        said = fails("devlink", "dev", "eswitch", "set", handle, "inline-mode", "none")
        assert "eswitchsim: Can't set inline mode when flows are configured" in said
        said = fails("devlink", "dev", "eswitch", "set", handle, "encap-mode", "none")
        assert "eswitchsim: Can't set encapsulation when flows are configured" in said
        said = fails("devlink", "dev", "eswitch", "set", handle, "mode", "legacy")
        assert "eswitchsim: Can't change mode, E-Switch is busy" in said
    finally:
        clear(bench.reps[0])
        run("devlink", "dev", "eswitch", "set", handle, "inline-mode", "none")


def test_hw_tc_offload_off(bench: Bench) -> None:
    rep, log = bench.reps[0], KernelLog()
    run(*rule(bench, rep, f"ip {TO_VF1}", "skip_sw"))
    run("ethtool", "-K", rep, "hw-tc-offload", "off", ok=range(256))
    assert log.has("Active offloaded tc filters, can't turn hw_tc_offload off")
    clear(rep)
    # The core remembers the refused wish and would take the same one again for no change.
    run("ethtool", "-K", rep, "hw-tc-offload", "on")
    run("ethtool", "-K", rep, "hw-tc-offload", "off")
    try:
        assert "TC offload is disabled" in fails(*rule(bench, rep, f"ip {TO_VF1}", "skip_sw"))
    finally:
        run("ethtool", "-K", rep, "hw-tc-offload", "on")


def test_fault_refuse_flows(bench: Bench) -> None:
    bench.nic.set_fault("refuse_flows", 1)
    try:
        said = fails(*rule(bench, bench.reps[0], f"ip {TO_VF1}", "skip_sw"))
        assert "eswitchsim: Flow is refused on request" in said
    finally:
        bench.nic.set_fault("refuse_flows", 0)
    run(*rule(bench, bench.reps[0], f"ip {TO_VF1}", "skip_sw"))
    clear(bench.reps[0])


def test_fault_max_flows(bench: Bench) -> None:
    bench.nic.set_fault("max_flows", 2)
    try:
        for port in (1, 2):
            run(*rule(bench, bench.reps[0], f"ip ip_proto udp dst_port {port} {TO_VF1}", "skip_sw"))
        said = fails(*rule(bench, bench.reps[0], f"ip ip_proto udp dst_port 3 {TO_VF1}", "skip_sw"))
        assert "eswitchsim: Flow table is full" in said
    finally:
        bench.nic.set_fault("max_flows", 0)
        clear(bench.reps[0])
    assert bench.nic.n_rules() == 0
