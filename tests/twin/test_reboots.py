"""Reboots that nobody agreed to, applies that are stopped, and what is armed for after a boot."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from box import CMDLINE, DROP_IN, WORDS, Box
from test_bare_box import GO

from eswitch.twin import Fault, Kind
from eswitch.twin.faults import Plan


def meddle(
    monkeypatch: pytest.MonkeyPatch,
    box: Box,
    matching: str,
    act: Callable[[], None],
    *,
    after: bool = False,
) -> None:
    """Something happens once, before or after that program runs."""
    real = box.twin.run
    done = []

    def run(argv, **keys):
        due = not done and matching in f"{' '.join(argv)} {keys.get('input')}"
        done.extend([1] * due)
        if due and not after:
            act()
        ended = real(argv, **keys)
        if due and after:
            act()
        return ended

    monkeypatch.setattr(box.twin, "run", run)


def ctrl_c() -> None:
    """Or `systemctl stop`, or a shutdown: SIGTERM is the same."""
    raise KeyboardInterrupt


def test_a_reboot_that_was_not_foreseen_is_not_agreed_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first plan needs none, so nobody is asked, and guests are not looked for; then one does
    (here: the card offers fewer VFs once its driver is at work)."""
    box = Box.delivered("pve8-cx6dx")
    box.state.functions.pop("0000:07:00.1")  # a card with one port
    box.state.configured = [w for w in box.state.configured if w.function != "0000:07:00.1"]
    box.boot()
    assert box.eswitch(GO) == 0
    box.boot()
    boots = box.state.boots
    real = box.twin.write_attribute

    def write(path: str, value: str, timeout: float) -> None:
        real(path, value, timeout)
        if path.endswith("sriov_numvfs") and value == "2":
            for card in box.state.cards.values():
                card.current["NUM_OF_VFS"] = card.pending["NUM_OF_VFS"] = "1"

    monkeypatch.setattr(box.twin, "write_attribute", write)
    assert box.eswitch("apply --reboot") == 2  # no --yes, no terminal
    assert "a reboot is needed that the plan did not foresee" in box.told
    assert (box.state.boots, box.left) == (boots, [])


def test_ctrl_c_while_the_loader_is_written_leaves_nothing_half_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box = Box.delivered("pve8-zfs-cx6dx")
    meddle(monkeypatch, box, "proxmox-boot-tool refresh", ctrl_c)
    assert box.eswitch(GO) == 130
    assert "kernel command line was put back" in box.told
    assert WORDS not in box.state.files[CMDLINE]
    assert WORDS not in box.state.kernel.next_cmdline
    assert box.left == []


@pytest.mark.parametrize("machine", ["pve8-cx6dx", "pve8-zfs-cx6dx"])
def test_a_command_line_that_reads_back_wrong_is_really_put_back(machine: str) -> None:
    box = Box.delivered(machine)
    if machine == "pve8-cx6dx":  # a later drop-in has the last word
        box.put("/etc/default/grub.d/zz.cfg", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n')
    else:
        box.twin.faults = Plan([Fault(Kind.LIE, matching="run cp")])
    path = DROP_IN if machine == "pve8-cx6dx" else CMDLINE
    before = box.state.files.get(path)
    assert box.eswitch(GO) == 1
    assert "kernel command line was put back" in box.told
    assert box.state.files.get(path) == before


def test_it_is_not_put_back_where_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box.delivered("pve8-cx6dx")
    meddle(monkeypatch, box, "update-grub", lambda: box.put(DROP_IN, "mine\n"))
    with suppress(KeyboardInterrupt):
        box.eswitch(GO)
    assert "putting it back failed too" in box.told
    assert "was put back" not in box.told
    assert box.state.files[DROP_IN] == "mine\n"
