"""The command line on simulated machines: whole stories, with real observers and the engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.cli_run import Answer, Stream

from eswitch.cli import main
from eswitch.host.local import LocalHost


class Terminal:
    """Types commands, each a process of its own as far as the twin is concerned."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def __call__(self, *argv: str) -> Answer:
        out, err = Stream(), Stream()
        with self._patch.context() as patch:
            patch.setattr("sys.stdin", Stream())
            patch.setattr("sys.stdout", out)
            patch.setattr("sys.stderr", err)
            code = main(argv)
        return Answer(argv, code, out.text, err.text)


@pytest.fixture
def eswitch(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(monkeypatch)


@pytest.fixture
def box(eswitch: Terminal, tmp_path: Path) -> Terminal:
    """One machine that is kept in a file."""

    def kept(*argv: str) -> Answer:
        return eswitch("--twin", "pve8-cx6dx", "--twin-state", str(tmp_path / "box.json"), *argv)

    return kept  # type: ignore[return-value]


def test_the_box_as_it_arrives_says_what_it_lacks(eswitch: Terminal) -> None:
    answer = eswitch("--twin", "pve8-cx6dx", "plan")
    assert answer.code == 2
    wanted = ["firmware SRIOV_EN", "intel_iommu=on", "vfio", "Reboot", "legacy -> switchdev"]
    places = [answer.out.index(words) for words in wanted]
    assert places == sorted(places)
    assert "one reboot" in answer.out
    assert "twin: simulated machine pve8-cx6dx" in answer.err


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        ("pve8-secureboot", "kernel lockdown (integrity) forbids mstconfig"),
        ("pve9-bluefield", "is a BlueField in DPU mode"),
    ],
)
def test_what_only_a_person_can_do(eswitch: Terminal, machine: str, words: str) -> None:
    answer = eswitch("--twin", machine, "plan")
    assert answer.code == 4
    assert words in answer.out
    assert "by hand: " in answer.out


def test_it_reboots_and_goes_on_in_one_command(eswitch: Terminal, tmp_path: Path) -> None:
    """The spec is the user's file, on a computer that does not reboot."""
    spec = tmp_path / "my.yaml"
    spec.write_text('version: 1\nnics: {a: {match: {pci: "0000:07:00.0"}, vfs: 3}}\n')
    kept = ("--twin-state", str(tmp_path / "box.json"))
    answer = eswitch(
        "--twin", "pve8-cx6dx", *kept, "apply", "--reboot", "--yes", str(spec), "-o", "json"
    )
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["result"] == "reboot needed"
    assert "twin: it has booted (boot 2), and starts eswitch-resume.service" in answer.err
    assert "VFs 0 -> 3" in answer.err
    assert eswitch(*kept, "plan", str(spec)).code == 0


def test_without_yes_nobody_reboots_it(eswitch: Terminal) -> None:
    answer = eswitch("--twin", "pve8-cx6dx", "apply", "--reboot")
    assert answer.code == 2
    assert "this host will reboot" in answer.err
    assert "it has booted" not in answer.err


def test_the_spec_does_not_come_from_a_pipe_then(eswitch: Terminal) -> None:
    answer = eswitch("--twin", "pve8-cx6dx", "apply", "--reboot", "--yes", "-")
    assert answer.code != 0
    assert "it has booted" not in answer.err


def test_a_stock_kernel_names_the_option_it_lacks(eswitch: Terminal) -> None:
    answer = eswitch("--twin", "debian13-cx6dx", "plan")
    assert answer.code == 4
    assert "cannot offload on mlx5_core" in answer.out
    assert "CONFIG_MLX5_CLS_ACT" in answer.out


def test_without_a_file_each_command_begins_anew(eswitch: Terminal) -> None:
    assert eswitch("--twin", "pve8-cx6dx-ready", "apply", "--yes").code == 0
    assert eswitch("--twin", "pve8-cx6dx-ready", "plan").code == 2


def test_the_whole_story(box: Terminal, tmp_path: Path) -> None:
    """From the bare box to flows in hardware, over a reboot, and back."""
    assert box("plan").code == 2
    set_ = ("mstconfig", "-d", "07:00.0", "-y", "set", "SRIOV_EN=1", "NUM_OF_VFS=8")
    assert "Please reboot machine" in box("twin", "run", "--", *set_).out
    grub = tmp_path / "grub"
    grub.write_text('GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=on"\n')
    assert box("twin", "put", str(grub), "/etc/default/grub").code == 0
    assert box("twin", "run", "update-grub").code == 0
    assert "it is boot 2" in box("twin", "reboot").out
    assert box("plan").code == 2
    assert box("apply", "--yes").code == 0
    assert box("plan").code == 0
    for guest in ("vm/101", "ct/200"):
        assert box("twin", "start", guest).code == 0
        assert box("twin", "traffic", guest, "outside").code == 0
    flows = json.loads(box("flows", "-o", "json").out)["flows"]
    assert sum(flow["placement"] == "hardware" for flow in flows) == 4
    verified = box("verify")
    assert verified.code == 0, verified.out
    refused = box("rollback", "--yes")
    assert refused.code == 4
    assert "is in use by process" in refused.err
    for guest in ("vm/101", "ct/200"):
        assert box("twin", "stop", guest).code == 0
    assert box("rollback", "--yes").code == 0
    assert box("plan").code == 2
    status = box("twin", "status").out
    assert "intel_iommu=on" in status
    assert "incident" not in status


def test_a_reboot_undoes_and_an_apply_does_again(eswitch: Terminal, tmp_path: Path) -> None:
    kept = ("--twin-state", str(tmp_path / "box.json"))
    assert eswitch("--twin", "pve9-cx6dx", *kept, "apply", "--yes").code == 0
    assert eswitch(*kept, "plan").code == 0
    assert eswitch(*kept, "twin", "reboot").code == 0
    assert eswitch(*kept, "plan").code == 2
    assert eswitch(*kept, "apply", "--yes").code == 0


def test_a_spec_of_ones_own_and_a_machine_of_ones_own(eswitch: Terminal, tmp_path: Path) -> None:
    spec = tmp_path / "my.yaml"
    spec.write_text('version: 1\nnics: {a: {match: {pci: "0000:05:00.0"}, vfs: 3}}\n')
    machine = tmp_path / "mine.yaml"
    machine.write_text(
        "about: mine\nrelease: 6.14.8-2-pve\noptions: proxmox\novs: 3.5.0\n"
        "platform: {iommu: DMAR}\n"
        "nics:\n  cx7:\n    driver: mlx5_core\n    id: '15b3:1021'\n    vf_id: '15b3:101e'\n"
        "    ports: {'0000:05:00.0': '02:00:00:00:00:01'}\n"
    )
    answer = eswitch("--twin", str(machine), "plan", "--commands", str(spec))
    assert answer.code == 2
    assert "echo 3 > /sys/bus/pci/devices/0000:05:00.0/sriov_numvfs" in answer.out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--twin", "nosuch", "show"), "no machine nosuch"),
        (("--twin", "./nosuch.yaml", "show"), "there is no such file"),
        (("twin", "status"), "there is no simulated machine"),
        (("--twin", "lab", "twin", "start", "vm/9"), "no guest vm/9"),
        (("--twin", "lab", "twin", "run", "lspci"), "the twin cannot do that"),
        (("--twin", "lab", "twin", "traffic", "ns/one", "outside"), "ns/one is not running"),
    ],
)
def test_wrong_words(eswitch: Terminal, argv: tuple[str, ...], words: str) -> None:
    answer = eswitch(*argv)
    assert answer.code not in (0, 1) or "HostError" not in answer.err
    assert answer.code != 0
    assert words in answer.err
    assert "defect" not in answer.err


MINE = """\
about: mine
release: 6.14.8-2-pve
options: proxmox
ovs: 3.5.0
platform: {proxmox: true, loader: grub, naming: 257, iommu: DMAR}
nics:
  cx7:
    driver: mlx5_core
    id: "15b3:1021"
    vf_id: "15b3:101e"
    ports: {"0000:05:00.0": "02:00:00:00:00:01"}
    firmware: {NUM_OF_VFS: "8"}
devices:
  - {pci: "0000:04:00.0", id: "8086:1521", pci_class: "020000", driver: igb}
interfaces:
  - {name: eno1, pci: "0000:04:00.0", mac: "3c:ec:ef:00:00:10", up: true, master: vmbr0}
  - {name: vmbr0, kind: bridge, mac: "3c:ec:ef:00:00:10", up: true, addresses: [192.168.1.10/24]}
routes:
  - {family: 4, gateway: 192.168.1.1, device: vmbr0}
guests:
  vm/101: {pf: "0000:05:00.0", vf: 0}
files:
  /etc/motd: hello
"""
PORTS = """ports: {"0000:05:00.0": "02:00:00:00:00:01"}"""


@pytest.mark.parametrize(
    "case",
    [
        (MINE, "", 1, "there is nothing"),
        (MINE, "about: [", 1, "it is no YAML"),
        (MINE, "[" * 50_000, None, "it is nested too deeply"),
        (MINE, "- 1\n", 1, "is not a mapping of keys to values"),
        ("about: mine", "about: 12", 1, "about: 12 is not a text"),
        ("about: mine\n", "", 1, "it lacks `about`"),
        ("about: mine", "nix: 1\nabout: mine", 1, "nix: there is no key `nix`"),
        ("about: mine", "about: mine\nabout: mine", 2, 'found duplicate key "about"'),
        ("about: mine", r'about: "\uD800"', 1, "half a character"),
        ("about: mine", "about: 2026-13-45", None, "it is no YAML"),
        ("options: proxmox", "options: arch", 3, "'arch' is not known"),
        ("ovs: 3.5.0", "ovs: new", 4, "'new' is not of the form 3.5.0"),
        ("loader: grub", "loader: lilo", 5, "'lilo' is not known"),
        ("iommu: DMAR", "iommu: yes", 5, "platform.iommu"),
        ("naming: 257", "naming: 1", 5, "no naming scheme"),
        ("driver: mlx5_core", "driver: mlx6_core", 8, "'mlx6_core' is not known"),
        ("15b3:1021", "1021", 9, "'1021' is not of the form 15b3:101d"),
        (PORTS, "ports: {}", 11, "a card has a port at least"),
        (PORTS, "ports: []", 11, "is not a mapping"),
        ("0000:05:00.0", "nonsense", 11, "'nonsense' is not a PCI address"),
        ("0000:05:00.0", "05:00.0", 11, "is not the full PCI address"),
        ("02:00:00:00:00:01", "02:00", 11, "'02:00' is not a MAC address"),
        ("02:00:00:00:00:01", "00:00:00:00:00:00", 11, "not the address of one interface"),
        ("02:00:00:00:00:01", "01:00:5e:00:00:01", 11, "not the address of one interface"),
        (PORTS, PORTS[:-1] + ', "0000:05:00.1": "02:00:00:00:00:01"}', 11, "another port's"),
        (PORTS, PORTS + "\n  b: {}", 13, "it is no YAML"),
        ('{NUM_OF_VFS: "8"}', '{NUM_OF_VFS: "-1"}', 12, "is not a number from 0 to 127"),
        ('{NUM_OF_VFS: "8"}', "{NUM_OF_VFS: 8}", 12, "8 is not a text"),
        ('{NUM_OF_VFS: "8"}', "{SRIOV_EN: maybe}", 12, "'maybe' is not known"),
        ('pci: "0000:04:00.0", id', 'pci: "0000:05:00.0", id', 14, "is taken by nics.cx7"),
        ('pci: "0000:04:00.0", id', 'pci: "0000:05:00.3", id', 11, "a VF of 0000:05:00.0"),
        ('pci: "0000:04:00.0", mac', 'pci: "0000:04:00.7", mac', 16, "no PCI function"),
        ("name: eno1", "name: a/b", 16, "is no interface's name"),
        ("name: eno1", "name: vmbr0", 17, "there is an interface vmbr0 already"),
        ("kind: bridge", "kind: brigde", 17, "'brigde' is not known"),
        ("master: vmbr0", "master: vmbr9", 16, "is no bridge and no bond"),
        ("192.168.1.10/24", "192.168.1.300/24", 17, "is no IP address"),
        ("family: 4", "family: 6", 19, "is no IPv6 address"),
        ("device: vmbr0", "device: vmbr9", 19, "there is no interface 'vmbr9'"),
        ("vm/101:", "hello:", 21, "'hello' is not of the form vm/101"),
        ("vf: 0}", "vf: 0, kind: vx}", 21, "'vx' is not known"),
        ("vf: 0}", "}", 21, "a guest has `pf` and `vf`, or `bridge`"),
        ('pf: "0000:05:00.0"', 'pf: "0000:04:00.0"', 21, "is no port of a NIC here"),
        ("/etc/motd", "/sys/motd", 23, "/sys holds no files"),
        ("/etc/motd", "etc/motd", 23, "is no path of a file"),
    ],
)
def test_a_machine_file_with_a_mistake(
    eswitch: Terminal, tmp_path: Path, case: tuple[str, str, int | None, str]
) -> None:
    old, new, line, words = case
    file = tmp_path / "mine.yaml"
    assert old in MINE
    file.write_text(MINE.replace(old, new, 1))
    answer = eswitch("--twin", str(file), "show")
    assert answer.code == 3, answer.out + answer.err
    place = f"{file}:{line}: " if line else str(file)
    assert f"error: {place}" in answer.err
    assert words in answer.err
    assert "hint: " in answer.err


def test_the_same_file_without_a_mistake(eswitch: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    assert eswitch("--twin", str(file), "show").code == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("hello", "it is no JSON"),
        ("[]", "it names no schema"),
        ('{"schema": "eswitch.twin/v0"}', "its schema is 'eswitch.twin/v0'"),
        ('{"schema": "eswitch.twin/v1"}', "it holds no `state`"),
        ('{"schema": "eswitch.twin/v1", "state": {"name": 1}}', "it lacks `about`"),
        ("[" * 200_000, "it is nested too deeply"),
        ('{"schema": NaN}', "NaN is no number"),
        ("\udcff", "it is not UTF-8"),
    ],
)
def test_a_file_that_is_no_state_of_a_twin(
    eswitch: Terminal, tmp_path: Path, content: str, words: str
) -> None:
    file = tmp_path / "box.json"
    data = content.encode("utf-8", "surrogateescape")
    file.write_bytes(data)
    answer = eswitch("--twin", "lab", "--twin-state", str(file), "show")
    assert answer.code == 1
    assert answer.err.startswith(f"error: {file}: it is no state of a twin: ")
    assert words in answer.err
    assert "hint: name another file" in answer.err
    assert file.read_bytes() == data


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"about": "', '"about": "\\ud800', "half a character"),
        ('"name": "lab"', '"name": "lab", "clock": 1e999', "clock: no machine is inf s old"),
        ('"name": "lab"', '"name": "lab", "nonsense": 1', "there is no key `nonsense`"),
    ],
)
def test_a_spoilt_state(eswitch: Terminal, tmp_path: Path, old: str, new: str, words: str) -> None:
    file = tmp_path / "box.json"
    assert eswitch("--twin", "lab", "--twin-state", str(file), "twin", "status").code == 0
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    answer = eswitch("--twin-state", str(file), "show")
    assert answer.code == 1
    assert words in answer.err


def test_nothing_stays_beside_the_state(eswitch: Terminal, tmp_path: Path) -> None:
    state = ("--twin-state", str(tmp_path / "box.json"))
    assert eswitch(*state, "show").code == 3
    assert eswitch("--twin", "nosuch", *state, "show").code == 3
    assert list(tmp_path.iterdir()) == []
    assert eswitch("--twin", "lab", *state, "show").code == 0
    assert eswitch(*state, "twin", "run", "lspci").code == 4
    assert [each.name for each in tmp_path.iterdir()] == ["box.json"]


def test_the_folder_of_a_state_is_not_made(eswitch: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "box.json"
    answer = eswitch("--twin", "pve8-cx6dx-ready", "--twin-state", str(file), "apply", "--yes")
    assert answer.code == 1
    assert answer.out == ""
    assert f"cannot write {file}: there is no {file.parent}" in answer.err
    assert f"hint: make it first: mkdir -p {file.parent}" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_one_state_is_for_one_command_at_a_time(eswitch: Terminal, tmp_path: Path) -> None:
    file = str(tmp_path / "box.json")
    assert eswitch("--twin", "lab", "--twin-state", file, "show").code == 0
    with LocalHost().lock(f"{file}.lock", keep=False):
        assert eswitch("--twin-state", file, "show").code == 7
    assert eswitch("--twin-state", file, "show").code == 0


def test_for_machines(eswitch: Terminal, tmp_path: Path) -> None:
    listed = json.loads(eswitch("twin", "list", "-o", "json").out)
    assert listed["schema"] == "eswitch.twins/v1"
    assert {"name", "about"} == set(listed["machines"][0])
    state = ("--twin", "pve8-cx6dx", "--twin-state", str(tmp_path / "box.json"))
    set_ = ("mstconfig", "-d", "07:00.0", "-y", "set", "SRIOV_EN=1")
    assert eswitch(*state, "twin", "run", "--", *set_).code == 0
    status = json.loads(eswitch(*state, "twin", "status", "-o", "json").out)
    assert status["schema"] == "eswitch.twin-status/v1"
    assert status["firmware"]["cx6dx"]["current"]["SRIOV_EN"] == "False"
    assert status["firmware"]["cx6dx"]["next_boot"]["SRIOV_EN"] == "True"
    assert status["guests"][0]["name"] == "vm/101"
    refused = json.loads(eswitch("twin", "status", "-o", "json").out)
    assert refused["schema"] == "eswitch.error/v1"


@pytest.mark.parametrize("seconds", ["nan", "NaN", "inf", "-inf", "-1", "0", "1e9"])
def test_seconds_are_a_number(eswitch: Terminal, seconds: str) -> None:
    answer = eswitch("--twin", "lab", "twin", "traffic", "a", "b", f"--seconds={seconds}")
    assert answer.code == 64
    assert "--seconds" in answer.err
    if seconds not in ("0", "1e9"):
        assert eswitch("--twin", "lab", "verify", f"--timeout={seconds}").code == 64


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("etc/default/grub", "is no path of a file"),
        ("grub", "is no path of a file"),
        ("/etc/../sys/x", "is no path of a file"),
        ("/etc/", "is no path of a file"),
        ("/", "is no path of a file"),
        ("", "is no path of a file"),
        ("/sys/bus/pci/drivers_probe", "/sys holds no files"),
        ("/proc/cmdline", "/proc holds no files"),
        ("/dev/null", "/dev holds no files"),
        ("/etc/default", "is a directory of it"),
        ("/etc/default/grub/x", "/etc/default/grub is a file of it"),
    ],
)
def test_where_no_file_can_be_put(eswitch: Terminal, tmp_path: Path, path: str, words: str) -> None:
    (tmp_path / "mine").write_text("x")
    answer = eswitch("--twin", "pve8-cx6dx", "twin", "put", str(tmp_path / "mine"), path)
    assert answer.code == 4
    assert words in answer.err
    assert "hint: " in answer.err


def test_a_file_that_is_too_large_is_not_cut(eswitch: Terminal, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(bytes((1 << 20) + 1))
    answer = eswitch("--twin", "lab", "twin", "put", str(tmp_path / "mine"), "/etc/mine")
    assert answer.code == 1
    assert "has more than 1,048,576 bytes" in answer.err


@pytest.mark.parametrize("verb", [("list",), ("status",)])
def test_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]) -> None:
    monkeypatch.setattr("eswitch.cli.screen._columns", lambda stream: 40)
    monkeypatch.setenv("TERM", "xterm")
    out = Stream(terminal=True)
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", out)
        patch.setattr("sys.stderr", Stream())
        assert main(("--twin", "pve8-cx6dx", "--no-color", "twin", *verb)) == 0
    assert out.text
    # A long word (a path) stays whole.
    wide = [each for each in out.text.splitlines() if len(each) > 40]
    assert [each for each in wide if " " in each.strip()] == []


def test_a_file_of_any_bytes_can_be_put(eswitch: Terminal, tmp_path: Path) -> None:
    state = ("--twin-state", str(tmp_path / "box.json"))
    (tmp_path / "bytes").write_bytes(b"\xff\x00\x80")
    bytes_ = str(tmp_path / "bytes")
    assert eswitch("--twin", "lab", *state, "twin", "put", bytes_, "/root/b").code == 0
    assert eswitch(*state, "twin", "run", "cat", "/root/b").code == 0


def test_every_machine_is_listed(eswitch: Terminal) -> None:
    answer = eswitch("twin", "list")
    assert answer.code == 0
    for name in ("pve8-cx6dx", "pve9-bond", "debian13-cx6dx", "pve9-bluefield", "lab"):
        assert name in answer.out


@pytest.mark.parametrize("option", ["--twin", "--twin-state"])
@pytest.mark.parametrize("verb", ["show", "apply"])
def test_an_empty_name_is_never_the_real_machine(eswitch: Terminal, option: str, verb: str) -> None:
    for argv in ((option, "", verb), (verb, option, "")):
        answer = eswitch(*argv)
        assert answer.code == 64
        assert "it is empty" in answer.err
        assert answer.out == ""


@pytest.mark.parametrize(
    ("machine", "why", "way_out"),
    [
        ("pve8-x710", "0000:02:00.0 (enp2s0): driven by i40e", "use a NIC with an e-switch"),
    ],
)
def test_where_no_nic_is_usable_nobody_is_sent_round_in_circles(
    eswitch: Terminal, tmp_path: Path, machine: str, why: str, way_out: str
) -> None:
    spec = tmp_path / "eswitch.yaml"
    written = eswitch("--twin", machine, "init")
    assert (written.code, why in written.err, why.partition(": ")[2] in written.out) == (
        0,
        True,
        True,
    )
    spec.write_text(written.out)
    planned = eswitch("--twin", machine, "plan", str(spec))
    assert planned.code == 0
    assert "it names no NIC, so no e-switch is wanted; no NIC here could be one now" in planned.out
    proven = eswitch("--twin", machine, "verify", str(spec))
    assert proven.code == 2
    assert why in proven.out
    assert way_out in proven.out
    for answer in (planned, proven):
        assert "eswitch init" not in answer.out


def test_a_spec_without_ports_is_told_so(eswitch: Terminal, tmp_path: Path) -> None:
    (tmp_path / "spec").write_text("version: 1\n")
    answer = eswitch("--twin", "lab", "verify", str(tmp_path / "spec"))
    assert "the spec puts no port of a NIC into a bridge" in answer.out
    assert "init" not in answer.out
