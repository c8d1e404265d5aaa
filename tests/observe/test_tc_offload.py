"""hw-tc-offload, read by one wildcard request."""

import json
from pathlib import Path

from eswitch.host.recorded import RecordedHost
from eswitch.model.observed import Unknown
from eswitch.observe import observe, observe_with_offload, read_tc_offload

PRINTED = """
Features for lo:
hw-tc-offload: off [fixed]
Features for enp1s0np0:
rx-checksumming: on
hw-tc-offload: on
Features for enp1s0r0:
hw-tc-offload: off
"""


def host(**answer):
    return RecordedHost({"programs": {"ethtool": "/x"}, "commands": {"ethtool -k '*'": answer}})


def test_on_off_and_silence():
    found = read_tc_offload(host(stdout=PRINTED), ["enp1s0np0", "enp1s0r0", "gone"])
    assert found["enp1s0np0"] is True
    assert found["enp1s0r0"] is False
    assert isinstance(found["gone"], Unknown)
    assert list(found) == ["enp1s0np0", "enp1s0r0", "gone"]


def test_an_ethtool_that_fails_is_not_off():
    found = read_tc_offload(host(status=92, stderr="netlink error: Not supported"), ["a"])
    assert found == {"a": Unknown("`ethtool` ended with status 92: netlink error: Not supported")}


def test_no_ethtool():
    nothing = RecordedHost({"programs": {"ethtool": None}})
    assert read_tc_offload(nothing, ["a"]) == {"a": Unknown("`ethtool` is not installed")}


def test_only_uplinks_and_representors_are_asked():
    cases = Path(__file__).parent.parent / "cases" / "observe"
    case = json.loads((cases / "cx6dx-switchdev-2vfs.json").read_text())
    names = ("lo", "enp7s0f0np0", "enp7s0f0r0", "enp7s0f0r1", "vmbr2")
    printed = "".join(f"Features for {name}:\nhw-tc-offload: on\n" for name in names)
    case["commands"]["ethtool -k '*'"] = {"stdout": printed}
    seen = observe_with_offload(RecordedHost(case))
    assert {link.name: link.hw_tc_offload for link in seen.links} == {
        "lo": None,
        "enp7s0f0np0": True,
        "ovs-system": None,
        "vmbr2": None,
        "enp7s0f0r0": True,
        "enp7s0f0r1": True,
    }
    plain = observe(RecordedHost(case))
    assert (seen.nics, seen.ovs) == (plain.nics, plain.ovs)
