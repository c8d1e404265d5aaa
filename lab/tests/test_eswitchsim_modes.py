"""eswitchsim: changing the e-switch mode, its refusals, and what drives a link."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guest import make_guest
from host import fails, run, run_json, wait_until
from kernel_log import KernelLog
from nic import Nic, nics
from reset import reset

SET_MODE = ("devlink", "dev", "eswitch", "set")


@pytest.fixture(scope="module", autouse=True)
def leave_nothing_behind() -> Iterator[None]:
    yield
    reset()


@pytest.fixture
def card() -> Nic:
    reset()
    return nics()[0]


def features(name: str) -> str:
    return run("ethtool", "-k", name)


def test_there_and_back(card: Nic) -> None:
    log, pf = KernelLog(), card.uplink
    ifindex = Path(f"/sys/class/net/{pf}/ifindex").read_text()
    assert "hw-tc-offload: off\n" in features(pf)
    card.set_mode("switchdev")
    assert log.has("E-Switch: Enable: mode(OFFLOADS), nvfs(0), necvfs(0), active vports(1)")
    assert card.uplink == pf
    assert Path(f"/sys/class/net/{pf}/ifindex").read_text() == ifindex
    assert "hw-tc-offload: on\n" in features(pf)
    card.set_numvfs(2)
    rep = card.representor(1)
    assert "hw-tc-offload: on\n" in features(rep)
    assert "vlan-challenged: on" in features(rep)
    assert "driver: eswitchsim_rep" in run("ethtool", "-i", rep)
    run("ip", "netns", "add", "elsewhere")
    fails("ip", "link", "set", rep, "netns", "elsewhere")
    fails("ip", "link", "set", pf, "netns", "elsewhere")
    card.set_mode("legacy")
    assert list(card.ports()) == ["65535"]
    assert "hw-tc-offload: off\n" in features(pf)
    assert log.has("E-Switch: Disable: mode(OFFLOADS), nvfs(2), necvfs(0), active vports(3)")
    assert log.has("E-Switch: Enable: mode(LEGACY), nvfs(2), necvfs(0), active vports(3)")
    assert not log.complaints()


def test_bound_vfs_forbid_switchdev(card: Nic) -> None:
    log = KernelLog()
    card.set_numvfs(2)
    said = fails(*SET_MODE, card.handle, "mode", "switchdev")
    assert "eswitchsim: Failed setting eswitch to offloads." in said
    assert log.has("CREATE_FLOW_TABLE(0x930) op_mod(0x0) failed, status bad resource state(0x9)")
    assert log.has("E-Switch: Failed to create slow path FDB Table err -22")
    assert card.eswitch()["mode"] == "legacy"
    for vf in range(2):
        card.vf_unbind(vf)
    card.set_mode("switchdev")
    for vf in range(2):
        card.vf_bind(vf)
    assert card.representor(0)
    assert card.vf_netdev(0)


@pytest.mark.parametrize("hold", ["qdisc", "rule"])
def test_traffic_control_keeps_the_mode(card: Nic, hold: str) -> None:
    run("tc", "qdisc", "add", "dev", card.uplink, "ingress")
    if hold == "rule":
        run(*SET_MODE, card.handle, "mode", "legacy")
        run(*f"tc filter add dev {card.uplink} ingress protocol ip flower action drop".split())
    said = fails(*SET_MODE, card.handle, "mode", "switchdev")
    assert "eswitchsim: Can't change mode, E-Switch is busy" in said
    run("tc", "qdisc", "del", "dev", card.uplink, "ingress")
    card.set_mode("switchdev")


def test_pf_in_another_namespace(card: Nic) -> None:
    run("ip", "netns", "add", "elsewhere")
    run("ip", "link", "set", card.uplink, "netns", "elsewhere")
    said = fails(*SET_MODE, card.handle, "mode", "switchdev")
    assert (
        "eswitchsim: Can't change E-Switch mode to switchdev when netdev net namespace has "
        "diverged from the devlink's."
    ) in said


def test_fault_mode_change_fails_twice(card: Nic) -> None:
    card.set_fault("fail_mode", 2)
    for _ in range(2):
        said = fails(*SET_MODE, card.handle, "mode", "switchdev")
        assert "eswitchsim: Failed setting eswitch to offloads." in said
    card.set_mode("switchdev")


def test_fault_representors_fail_and_the_mode_goes_back(card: Nic) -> None:
    log = KernelLog()
    card.set_numvfs(2)
    for vf in range(2):
        card.vf_unbind(vf)
    card.set_fault("fail_reps", 1)
    said = fails(*SET_MODE, card.handle, "mode", "switchdev")
    assert "eswitchsim: Failed setting eswitch to offloads." in said
    assert card.mode == "legacy"
    assert list(card.ports()) == ["65535"]
    assert "hw-tc-offload: off\n" in features(card.uplink)
    run("tc", "qdisc", "add", "dev", card.uplink, "ingress")
    fails(
        *f"tc filter add dev {card.uplink} ingress protocol ip flower skip_sw action drop".split()
    )
    run("tc", "qdisc", "del", "dev", card.uplink, "ingress")
    card.set_mode("switchdev")
    rep = card.representor(1)
    run("tc", "qdisc", "add", "dev", rep, "ingress")
    run(*f"tc filter add dev {rep} ingress protocol ip flower skip_sw action drop".split())
    assert card.n_rules() == 1
    assert not log.complaints()


def test_fault_new_vfs_do_not_come_without_their_representors(card: Nic) -> None:
    card.set_mode("switchdev")
    # Many: Python's close() writes once more what the first write could not.
    card.set_fault("fail_reps", 9)
    with pytest.raises(OSError, match="Cannot allocate memory"):
        card.set_numvfs(2)
    assert card.numvfs == 0
    assert list(card.ports()) == ["65535"]
    card.set_fault("fail_reps", 0)
    card.set_numvfs(2)
    assert card.representor(1)


def test_inline_and_encap_mode(card: Nic) -> None:
    run(*SET_MODE, card.handle, "inline-mode", "transport")
    run(*SET_MODE, card.handle, "encap-mode", "none")
    assert card.eswitch() == {"mode": "legacy", "inline-mode": "transport", "encap-mode": "none"}


def test_function_hw_addr(card: Nic) -> None:
    card.set_mode("switchdev")
    card.set_numvfs(1)
    port = f"{card.handle}/1"
    assert card.ports()["1"]["function"]["hw_addr"] == "00:00:00:00:00:00"
    run("devlink", "port", "function", "set", port, "hw_addr", "52:54:00:aa:bb:09")
    assert card.ports()["1"]["function"]["hw_addr"] == "52:54:00:aa:bb:09"
    assert card.link_vf(0)["address"] == "52:54:00:aa:bb:09"
    fails("devlink", "port", "function", "set", port, "hw_addr", "01:00:5e:00:00:01")
    card.vf_unbind(0)
    card.vf_bind(0)
    link = run_json("ip", "-j", "link", "show", card.vf_netdev(0))[0]
    assert link["address"] == "52:54:00:aa:bb:09"


def test_representor_drives_the_vf_link(card: Nic) -> None:
    card.set_mode("switchdev")
    card.set_numvfs(1)
    rep = card.representor(0)
    guest = make_guest("g0", card.vf_netdev(0))
    assert not guest.has_carrier()
    run("ip", "link", "set", card.uplink, "vf", "0", "state", "enable")
    assert not guest.has_carrier(), "in switchdev mode the representor decides"
    run("ip", "link", "set", rep, "up")
    guest.wait_carrier()
    run("ip", "link", "set", rep, "down")
    guest.wait_carrier(False)


def test_vf_state_in_legacy_mode(card: Nic) -> None:
    card.set_numvfs(1)
    guest = make_guest("g0", card.vf_netdev(0))
    assert not guest.has_carrier(), "auto follows the uplink, which has none"
    run("ip", "link", "set", card.uplink, "vf", "0", "state", "enable")
    guest.wait_carrier()
    run("ip", "link", "set", card.uplink, "vf", "0", "state", "disable")
    guest.wait_carrier(False)
    run("ip", "link", "set", card.uplink, "vf", "0", "state", "auto")
    run("ip", "link", "set", card.uplink, "up")
    run("ip", "link", "set", card.wire, "up")
    guest.wait_carrier()


def test_the_cable(card: Nic) -> None:
    def carrier(name: str) -> bool:
        return "LOWER_UP" in run_json("ip", "-j", "link", "show", name)[0]["flags"]

    run("ip", "link", "set", card.uplink, "up")
    assert not carrier(card.uplink), "nobody at the far end"
    run("ip", "link", "set", card.wire, "up")
    wait_until(lambda: carrier(card.uplink) and carrier(card.wire), "carrier at both ends")
    assert "Speed: 100000Mb/s" in run("ethtool", card.uplink)
    run("ip", "link", "set", card.uplink, "down")
    wait_until(lambda: not carrier(card.wire), "the wire lost its carrier")
