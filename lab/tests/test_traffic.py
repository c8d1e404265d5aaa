"""Traffic runs in the e-switch, and eswitch says so only where it does."""

from __future__ import annotations

import json
from typing import Any

from guest import Guest, MakeGuest
from host import run, wait_until
from nic import Nic, cpu_hits
from program import apply, eswitch
from specs import RECIPE, simple


def verdicts(layer: str, *args: str, spec: str) -> dict[str, str]:
    """Of one layer of `eswitch verify`: the verdict for each question."""
    answer = eswitch("verify", "-o", "json", *args, "-", input=spec)
    return {
        f"{check['subject']}: {check['question']}": check["verdict"]
        for check in answer.json["checks"]
        if check["layer"] == layer
    }


def three(nic: Nic, guest: MakeGuest) -> tuple[Guest, Guest, Guest]:
    """The recipe's set-up with two guests and the outside network."""
    apply(RECIPE)
    one = guest("one", nic.wait_vf_netdev(0), "192.168.1.11/24")
    two = guest("two", nic.wait_vf_netdev(1), "192.168.1.12/24")
    outside = guest("outside", nic.wire, "192.168.1.1/24")
    one.wait_for(two)
    one.wait_for(outside)
    two.wait_for(outside)
    return one, two, outside


def test_without_traffic_verify_says_unknown(nic: Nic) -> None:
    apply(RECIPE)
    answer = eswitch("verify", "--timeout", "1", "-", input=RECIPE)
    assert answer.status == 2
    assert "unknown" in answer.out


def test_verify_proves_all_ports_in_hardware(nic: Nic, guest: MakeGuest) -> None:
    one, two, outside = three(nic, guest)
    for pair in ((one, two), (one, outside), (two, outside)):
        pair[0].start("ping", "-i", "0.2", pair[1].ip)
    answer = eswitch("verify", "--timeout", "60", "-", input=RECIPE)
    assert answer.status == 0, answer.out + answer.err
    offloaded = verdicts("offloaded", "--timeout", "60", spec=RECIPE)
    assert offloaded
    assert set(offloaded.values()) == {"ok"}


def test_iperf3_runs_in_the_e_switch(nic: Nic, guest: MakeGuest) -> None:
    """The module's counters and the representors' agree: the CPU saw only the first packets."""
    one, two, _ = three(nic, guest)
    one.iperf3(two, "-t", "1")
    representors = [nic.representor(vf) for vf in (0, 1)]
    before = {name: cpu_hits(name) for name in representors}
    hardware_before = hardware_packets(nic)
    sent = one.iperf3(two, "-t", "4")["end"]["sum_sent"]["bytes"]
    seen = {name: cpu_hits(name) - before[name] for name in representors}
    in_hardware = hardware_packets(nic) - hardware_before
    packets = sent // 1448
    assert packets > 2000
    assert in_hardware >= packets
    # A new TCP connection's first packets go through Open vSwitch, its neighbours' ARP too.
    assert all(count < 60 for count in seen.values()), seen
    flows = [line for line in datapath_flows() if "offloaded:yes, dp:tc" in line]
    assert any(f"in_port({representors[0]})" in line for line in flows)
    assert any(f"in_port({representors[1]})" in line for line in flows)


def hardware_packets(nic: Nic) -> int:
    """Packets that the e-switch itself forwarded, by the virtual NIC's own count."""
    ports = nic.counters().items()
    return sum(counted["hw_rx_packets"] for port, counted in ports if port.startswith("vf"))


def datapath_flows() -> list[str]:
    return run("ovs-appctl", "dpctl/dump-flows", "-m", "--names").splitlines()


def test_a_flow_to_another_switch_is_software_and_said_so(
    machine: list[Nic], guest: MakeGuest
) -> None:
    first, second = machine[:2]
    spec = f"""\
version: 1
nics:
  a: {{match: {{pci: "{first.pci}"}}, vfs: [{{driver: host}}]}}
  b: {{match: {{pci: "{second.pci}"}}, vfs: [{{driver: host}}]}}
bridges:
  vmbr2: {{ports: [a/0, b/0]}}
"""
    apply(spec)
    one = guest("one", first.wait_vf_netdev(0), "10.1.0.1/24")
    two = guest("two", second.wait_vf_netdev(0), "10.1.0.2/24")
    one.wait_for(two)
    one.start("ping", "-i", "0.2", two.ip)

    def flow() -> dict[str, Any] | None:
        flows = eswitch("flows", "-o", "json").json["flows"]
        wanted = [
            f for f in flows if f["input"] == first.representor(0) and f["belongs_in_hardware"]
        ]
        return wanted[0] if wanted else None

    wait_until(flow, "a unicast flow between the switches")
    seen = flow()
    assert seen is not None
    assert seen["placement"] != "hardware"
    assert "another switch" in seen["reason"]
    answer = eswitch("verify", "--timeout", "20", "-", input=spec)
    assert answer.status == 2
    assert "another switch" in answer.out
    assert "failed" in answer.out


def test_only_the_port_that_a_flow_comes_from_needs_the_feature(nic: Nic, guest: MakeGuest) -> None:
    """tc and the driver ask hw-tc-offload of the ingress port, and nobody asks the other one's."""
    apply(RECIPE)
    off = nic.representor(1)
    run("ethtool", "-K", off, "hw-tc-offload", "off")
    try:
        one = guest("one", nic.wait_vf_netdev(0), "192.168.1.11/24")
        two = guest("two", nic.wait_vf_netdev(1), "192.168.1.12/24")
        one.wait_for(two)
        one.start("ping", "-i", "0.2", two.ip)
        wait_until(lambda: ip_flows(nic, 0) and ip_flows(nic, 1), "flows both ways")
        assert {flow["placement"] for flow in ip_flows(nic, 0)} == {"hardware"}
        assert {flow["placement"] for flow in ip_flows(nic, 1)} == {"tc software"}
        reason = f"hw-tc-offload is off on {off}"
        assert {flow["reason"] for flow in ip_flows(nic, 1)} == {reason}
    finally:
        run("ethtool", "-K", off, "hw-tc-offload", "on")


def ip_flows(nic: Nic, vf: int) -> list[dict[str, Any]]:
    """Unicast flows from one VF that belong in hardware, as `eswitch flows` places them."""
    flows = eswitch("flows", "-o", "json").json["flows"]
    mine = [flow for flow in flows if flow["input"] == nic.representor(vf)]
    return [flow for flow in mine if flow["belongs_in_hardware"]]


def test_vlans_isolate(nic: Nic, guest: MakeGuest) -> None:
    spec = simple(3, driver="host").replace(
        "{driver: host}\n      - {driver: host}\n      - {driver: host}",
        "\n      - ".join(f"{{driver: host, vlan: {vlan}}}" for vlan in (20, 20, 30)),
    )
    assert "vlan: 30" in spec
    apply(spec)
    one = guest("one", nic.wait_vf_netdev(0), "10.2.0.1/24")
    same = guest("same", nic.wait_vf_netdev(1), "10.2.0.2/24")
    other = guest("other", nic.wait_vf_netdev(2), "10.2.0.3/24")
    outside = guest("outside", nic.wire, "10.9.0.9/24")
    outside.run("ip", "link", "add", "link", nic.wire, "name", "v20", "type", "vlan", "id", "20")
    outside.run("ip", "addr", "add", "10.2.0.9/24", "dev", "v20")
    outside.run("ip", "link", "set", "v20", "up")
    one.wait_for(same)
    one.wait_for("10.2.0.9")
    assert not one.reaches(other, count=5)
    one.start("ping", "-i", "0.2", "10.2.0.9")
    rep = nic.representor(0)

    def tagged() -> bool:
        return any(
            f"in_port({rep})" in line and "push_vlan(vid=20" in line and "offloaded:yes" in line
            for line in datapath_flows()
        )

    wait_until(tagged, "an offloaded flow that pushes VLAN 20")


def test_flows_of_a_representor_name_its_guest(nic: Nic, guest: MakeGuest) -> None:
    one, two, _ = three(nic, guest)
    one.start("ping", "-i", "0.2", two.ip)
    wait_until(
        lambda: any(
            flow["placement"] == "hardware" and flow["input"] == nic.representor(0)
            for flow in eswitch("flows", "-o", "json").json["flows"]
        ),
        "a hardware flow from VF 0",
    )
    shown = json.loads(eswitch("show", "-o", "json").out)
    assert shown["schema"] == "eswitch.show/v1"
