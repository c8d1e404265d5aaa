"""hw-tc-offload, read by one wildcard request."""

import json
from pathlib import Path

from eswitch.host.recorded import RecordedHost, RecordingHost
from eswitch.model.unknown import Unknown
from eswitch.observe import observe, read_tc_offload
from eswitch.observe.offload import Feature

PRINTED = """
Features for lo:
hw-tc-offload: off [fixed]
Features for enp1s0np0:
rx-checksumming: on
hw-tc-offload: on
Features for enp1s0r0:
hw-tc-offload: off
"""


def host(**answer: str | int) -> RecordedHost:
    return RecordedHost({"programs": {"ethtool": "/x"}, "commands": {"ethtool -k '*'": answer}})


def test_on_off_and_silence() -> None:
    found = read_tc_offload(host(stdout=PRINTED), ["enp1s0np0", "enp1s0r0", "gone"])
    assert found["enp1s0np0"] == Feature(on=True)
    assert found["enp1s0r0"] == Feature(on=False)
    assert isinstance(found["gone"], Unknown)
    assert list(found) == ["enp1s0np0", "enp1s0r0", "gone"]


def test_what_nobody_can_change() -> None:
    assert read_tc_offload(host(stdout=PRINTED), ["lo"]) == {"lo": Feature(on=False, fixed=True)}


def test_an_ethtool_that_fails_is_not_off() -> None:
    found = read_tc_offload(host(status=92, stderr="netlink error: Not supported"), ["a"])
    assert found == {"a": Unknown("`ethtool` ended with status 92: netlink error: Not supported")}


def test_no_ethtool() -> None:
    nothing = RecordedHost({"programs": {"ethtool": None}})
    assert read_tc_offload(nothing, ["a"]) == {"a": Unknown("`ethtool` is not installed")}


CASES = Path(__file__).parent.parent / "cases" / "observe"


def test_only_uplinks_and_representors_are_asked() -> None:
    case = json.loads((CASES / "cx6dx-switchdev-2vfs.json").read_text())
    names = ("lo", "enp7s0f0np0", "enp7s0f0r0", "enp7s0f0r1", "vmbr2")
    ends = ("on", "on", "off", "off [fixed]", "on")
    printed = "".join(
        f"Features for {name}:\nhw-tc-offload: {end}\n"
        for name, end in zip(names, ends, strict=True)
    )
    case["commands"]["ethtool -k '*'"] = {"stdout": printed}
    seen = observe(RecordedHost(case))
    assert {link.name: (link.hw_tc_offload, link.hw_tc_fixed) for link in seen.links} == {
        "lo": (None, False),
        "enp7s0f0np0": (True, False),
        "ovs-system": (None, False),
        "vmbr2": (None, False),
        "enp7s0f0r0": (False, False),
        "enp7s0f0r1": (False, True),
    }


def test_a_host_without_switchdev_pays_nothing() -> None:
    recorder = RecordingHost(RecordedHost(json.loads((CASES / "lab-legacy-2vfs.json").read_text())))
    observe(recorder)
    assert not [command for command in recorder.case["commands"] if "ethtool" in command]
