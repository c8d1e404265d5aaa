"""The guest is the machine that the tests take it for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

PF = Path("/sys/bus/pci/devices/0000:01:00.0")


def said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_the_nics_are_named_as_on_a_real_machine() -> None:
    names = {path.name for path in Path("/sys/class/net").iterdir()}
    assert {"lo", "labmgmt", "wire0", "enp1s0np0"} <= names


def test_sriov_and_the_iommu_are_real_to_the_kernel() -> None:
    assert int((PF / "sriov_totalvfs").read_text(encoding="ascii")) >= 1
    assert (PF / "iommu_group").is_symlink()


def test_the_management_nic_leads_nowhere() -> None:
    assert json.loads(said("ip", "-json", "route", "show", "default")) == []


def test_nothing_on_this_machine_configures_the_management_nic() -> None:
    assert "labmgmt" not in Path("/etc/network/interfaces").read_text(encoding="utf-8")


def test_open_vswitch_runs() -> None:
    assert said("systemctl", "is-active", "openvswitch-switch.service") == "active\n"
    assert said("ovs-vsctl", "get", "Open_vSwitch", ".", "ovs_version").startswith('"3.')


def test_no_unit_has_failed() -> None:
    assert said("systemctl", "--failed", "--no-legend", "--plain") == ""


def test_the_program_is_on_the_guests_own_disk_with_bytecode() -> None:
    program = Path("/opt/eswitch-program/eswitch")
    assert program.stat().st_dev == Path("/usr").stat().st_dev
    sources = list(program.rglob("*.py"))
    compiled = list(program.rglob("*.pyc"))
    assert sources
    assert len(compiled) == len(sources)


def test_writes_to_the_checkout_stay_in_the_guest() -> None:
    below, _, kind = said("findmnt", "--noheadings", "--output", "SOURCE,TARGET,FSTYPE",
                          "/eswitch").split()  # fmt: skip
    assert (below, kind) == ("overlay", "overlay")
    options = said("findmnt", "--noheadings", "--output", "OPTIONS", "/run/lab/checkout")
    assert options.startswith("ro,")
