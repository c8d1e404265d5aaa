"""A simulated machine on which `eswitch` is typed, and whose systemd goes on after a boot."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from twin.faults import FaultyTwin

from eswitch.cli.program import carry_out
from eswitch.cli.screen import Screen
from eswitch.cli.session import Session
from eswitch.cli.twin_boot import started_by_systemd
from eswitch.engine import prepare
from eswitch.engine.resume import RECORD, UNIT_FILE
from eswitch.twin import open_machine
from eswitch.twin.state import State

SPEC = "/etc/eswitch/eswitch.yaml"
GRUB = "/etc/default/grub"
DROP_IN = "/etc/default/grub.d/eswitch.cfg"
CMDLINE = "/etc/kernel/cmdline"
WORDS = "intel_iommu=on iommu=pt"


@dataclass
class Box:
    """What the command line calls a simulated machine; `told` is what it said last."""

    twin: FaultyTwin
    told: str = ""
    title: str = "box"
    stream: io.StringIO = field(default_factory=io.StringIO)

    @classmethod
    def delivered(cls, machine: str) -> Box:
        """One of the machines that come with eswitch."""
        return cls(FaultyTwin(open_machine(machine)))

    @property
    def state(self) -> State:
        """Its inside."""
        return self.twin.state

    def close(self) -> None:
        """It is kept here."""

    def session(self) -> Session:
        """For one command."""
        screen = Screen(self.stream, self.twin.environment)
        return Session.played(screen, self)  # type: ignore[arg-type]

    def eswitch(self, typed: str) -> int:
        """Type it; what systemd does after a boot that comes of it is part of it."""
        try:
            return carry_out(typed.split(), self.session())
        finally:
            self.listen()

    def boot(self) -> int | None:
        """It boots, for whatever reason, and systemd starts what is due: how that ended."""
        self.twin.reboot()
        code = None
        try:
            for words, inner in started_by_systemd(self.session()):
                code = carry_out(words, inner)
        finally:
            self.listen()
        return code

    def listen(self) -> None:
        """Keep what was said; a defect is one whatever was expected."""
        self.told = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        assert "defect" not in self.told, self.told

    def put(self, path: str, text: str) -> None:
        """Somebody writes a file."""
        self.state.files[path] = text

    def change(self, path: str, old: str, new: str) -> None:
        """Somebody edits one."""
        assert old in self.state.files[path]
        self.put(path, self.state.files[path].replace(old, new))

    @property
    def left(self) -> list[str]:
        """What stays behind of an apply that is to go on after a boot."""
        return [path for path in (RECORD, UNIT_FILE) if path in self.state.files] + [
            name for name in self.state.units if name.startswith("eswitch")
        ]

    def roll_back(self) -> None:
        """All that can be."""
        while prepare(self.twin) is not None:
            assert self.eswitch("rollback --yes") in (0, 8), self.told
