"""What is given to QEMU, mmdebstrap and ssh."""

import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine import qemu, ssh
from machine.errors import UsageError
from machine.qemu import Hardware, Share
from machine.recipe import Recipe, bootstrap_command


def line(hardware: Hardware) -> list[str]:
    return qemu.command(
        "qemu",
        hardware,
        kernel=Path("/c/vmlinuz"),
        initrd=Path("/c/initrd"),
        disk=Path("/c/disk.qcow2"),
        console=Path("/c/console.log"),
        sockets={"qmp": 3, "report": 4, "control": 5},
    )


def devices(words: list[str], model: str) -> list[dict[str, str]]:
    found = []
    for option, value in pairwise(words):
        if option == "-device" and value.split(",")[0] == model:
            found.append(dict(part.split("=", 1) for part in value.split(",")[1:]))
    return found


@pytest.mark.parametrize("vfs", [1, 16, 127])
def test_a_nic_has_queues_and_vectors_for_its_vfs(vfs: int) -> None:
    (body,) = devices(line(Hardware(nics=1, vfs=vfs)), "nvme")
    assert body["sriov_max_vfs"] == str(vfs)
    # QEMU's rule (hw/nvme/ctrl.c): two queues and a vector for each VF, two for the PF.
    assert int(body["sriov_vq_flexible"]) == 2 * vfs
    assert int(body["sriov_vi_flexible"]) >= vfs
    assert int(body["max_ioqpairs"]) + 1 - int(body["sriov_vq_flexible"]) >= 2


def test_each_nic_is_alone_behind_a_root_port_and_its_own_subsystem() -> None:
    words = line(Hardware(nics=3))
    ports = devices(words, "pcie-root-port")
    bodies = devices(words, "nvme")
    assert [body["bus"] for body in bodies] == [port["id"] for port in ports]
    assert len({body["subsys"] for body in bodies}) == 3
    assert [int(port["addr"], 16) for port in ports] == [2, 3, 4]
    # No other bridge, or the NICs were not enp1s0, enp2s0, ...
    assert not [word for word in words if "bridge" in word]


def test_without_nics_there_is_no_body() -> None:
    assert devices(line(Hardware(nics=0)), "nvme") == []


def test_the_iommu_comes_before_the_devices_behind_it() -> None:
    words = line(Hardware())
    assert words.index("intel-iommu") < min(
        index for index, word in enumerate(words) if word.startswith("virtio-")
    )


def test_the_guest_has_no_way_out_and_no_door_but_loopback() -> None:
    words = line(Hardware())
    (network,) = [word for word in words if word.startswith("user,")]
    assert "restrict=on" in network
    assert "hostfwd=tcp:127.0.0.1:0-" in network


def test_the_checkout_is_read_only_and_a_comma_in_a_path_survives() -> None:
    words = line(Hardware(shares=(Share("checkout", Path("/a,b")), Share("out", Path("/o"), True))))
    first, second = (word for word in words if word.startswith("local,"))
    assert "path=/a,,b," in first
    assert first.endswith("readonly=on")
    assert second.endswith("readonly=off")


def test_the_persons_kernel_arguments_come_last() -> None:
    words = line(Hardware(append="panic=30"))
    arguments = words[words.index("-append") + 1].split()
    assert arguments[-1] == "panic=30"
    assert "modprobe.blacklist=nvme" in arguments


def test_emulation_and_kvm() -> None:
    assert "tcg,thread=multi" in line(Hardware())
    words = line(Hardware(accel="kvm"))
    assert words[words.index("-cpu") + 1] == "host"
    assert "kernel-irqchip=split" in words[words.index("-machine") + 1]


@pytest.mark.parametrize(
    ("hardware", "option"),
    [
        (Hardware(vfs=0), "--vfs-max"),
        (Hardware(vfs=128), "--vfs-max"),
        (Hardware(nics=-1), "--nics"),
        (Hardware(nics=9), "--nics"),
        (Hardware(memory=100), "--memory"),
    ],
)
def test_impossible_hardware_is_refused(hardware: Hardware, option: str) -> None:
    with pytest.raises(UsageError, match=option):
        hardware.check()


def test_mmdebstrap_is_given_no_mirror() -> None:
    words = bootstrap_command(
        Recipe(),
        mmdebstrap="mmdebstrap",
        root=True,
        skeleton=Path("/c/it's.tar"),
        boot_files=Path("/c"),
    )
    # SUITE TARGET, and no MIRROR after them: it comes from this machine's apt.
    assert words[-2:] == ["trixie", "-"]
    assert not [word for word in words if "://" in word]
    (hook,) = [word for word in words if "tar-in" in word]
    assert shlex.split(hook.split("=", 1)[1]) == ["tar-in", "/c/it's.tar", "/"]


def test_another_package_is_another_image() -> None:
    assert Recipe().key == Recipe().key
    assert Recipe(packages=("systemd",)).key != Recipe().key


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_the_command_arrives_word_by_word(argv: list[str]) -> None:
    words = ssh.command("ssh", Path("/i m%g"), 2222, argv, terminal=False, log=Path("/l"))
    assert shlex.split(words[-1]) == [ssh.RUNNER, *argv]


def test_ssh_knows_the_guest_and_only_the_guest() -> None:
    words = ssh.command("ssh", Path("/i m%g"), 2222, ["true"], terminal=True, log=Path("/l"))
    assert "StrictHostKeyChecking=yes" in words
    assert 'IdentityFile="/i m%%g/id_ed25519"' in words
    assert words[words.index("-p") + 1] == "2222"
    assert "-tt" in words
