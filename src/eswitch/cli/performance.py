"""Plays the story: types each act on the twin, shows what comes, and stops if it is not as told."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from shlex import split
from typing import TYPE_CHECKING

from eswitch.demo import chart, day, topology
from eswitch.demo.load import ASSUMPTIONS, Comparison
from eswitch.demo.page import FLOWS, LOADS, Figure, Row, Scene, Typed, model, numbers
from eswitch.demo.ports import guests_by_port
from eswitch.demo.proofs import Seen
from eswitch.demo.story import (
    CHAPTERS,
    COMPARISON,
    COMPARISON_TOLD,
    FOREWORD,
    MACHINE,
    NIC,
    OFFLOADED,
    SOFTWARE_BRIDGE,
    SOFTWARE_PICTURE,
    TITLE,
    Act,
    Chapter,
)
from eswitch.errors import EswitchError
from eswitch.host import Host
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import ObservedState, OvsStatus
from eswitch.observe import observe
from eswitch.offload.datapath import datapath
from eswitch.offload.place import Place, places
from eswitch.offload.sources.openvswitch import read_flows
from eswitch.twin import Twin

from .pages import demo as pages
from .program import INTERRUPTED, carry_out
from .screen import PRETTY, Line, Style, line, plain, strong
from .session import Session
from .simulated import Simulated

if TYPE_CHECKING:
    from eswitch.demo.svg import Markup

    from .recorder import Recorder

_NAMES = {style: style.name.lower() if style is not Style.PLAIN else "" for style in Style}


class NotAsTold(EswitchError):
    """The story shows something else than it says; what is on the screen is what happened."""


@dataclass
class Performance:
    """One run of the story on one screen. `breathe` lets a spectator look at what came."""

    screen: Recorder
    simulated: Simulated
    here: Host
    breathe: Callable[[], None] = lambda: None
    past: dict[str, ObservedState] = field(default_factory=dict)
    copies: dict[str, Twin] = field(default_factory=dict)
    scenes: list[Scene] = field(default_factory=list)

    @property
    def twin(self) -> Twin:
        """The machine that the story is about."""
        return self.simulated.twin

    def play(self) -> None:
        """The whole story. Raises NotAsTold, and KeyboardInterrupt from a verb that was stopped."""
        self.screen.show([line(strong(TITLE)), line()])
        self.screen.show(pages.told(FOREWORD, self.screen.width))
        for number, chapter in enumerate(CHAPTERS, 1):
            self.chapter(number, chapter)
        self.compare(len(CHAPTERS) + 1)

    def chapter(self, number: int, chapter: Chapter) -> None:
        """Tell it, type it, and keep it for the page."""
        self.begin(number, chapter.title, chapter.told)
        shown: list[Typed | Figure] = []
        for act in chapter.acts:
            shown += self.act(act)
            self.screen.say()
            self.breathe()
        self.scenes.append(Scene(chapter.title, chapter.told, tuple(shown)))

    def begin(self, number: int, title: str, told: str) -> None:
        """What is told before anything is typed."""
        self.screen.show(pages.heading(number, title, self.screen.width))
        self.screen.show(pages.told(told, self.screen.width))
        self.breathe()

    def act(self, act: Act) -> list[Typed | Figure]:
        """Type it and look. Raises NotAsTold."""
        before = observe(self.twin) if act.proof else None
        done = len(self.twin.operations)
        self.screen.show([pages.prompt(act.typed)])
        self.screen.taken()
        code = self.run(act.typed)
        typed = Typed(act.typed, tuple(map(_row, self.screen.taken())), code)
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code != act.code:
            raise NotAsTold(
                f"`{act.typed}` ended with exit code {code}, and not with {act.code}",
                hint="the story stops here; what stands above is what happened",
            )
        if code:
            self.screen.show([pages.ended(code)])
        operations = tuple(self.twin.operations[done:])
        shown: list[Typed | Figure] = [typed]
        if act.proof or act.picture or act.remember:
            after = observe(self.twin)
            seen = Seen(before or after, after, self.places(after), operations, self.past)
            self.prove(act, seen)
            shown += [self.figure(act.picture, seen, self.twin)] if act.picture else []
        return shown

    def prove(self, act: Act, seen: Seen) -> None:
        """Whether it showed what it should; what is remembered of it."""
        wrong = act.proof(seen) if act.proof else ""
        if wrong:
            raise NotAsTold(
                f"`{act.typed}` did not show what the story says: {wrong}",
                hint="the story stops here; what stands above is what happened",
            )
        if act.remember:
            self.past[act.remember] = seen.after
            self.copies[act.remember] = Twin(deepcopy(self.twin.state))

    def run(self, typed: str) -> int:
        """One command line, on the simulated machine."""
        words = split(typed)
        if words[0] != "eswitch":
            words = ["eswitch", "twin", "run", "--", *words]
        return carry_out(words[1:], Session.played(self.screen, self.simulated))

    def places(self, observed: ObservedState, twin: Twin | None = None) -> tuple[Place, ...]:
        """The flows that there are, with what they are."""
        if observed.ovs.status is not OvsStatus.RUNNING:
            return ()
        dump = read_flows(twin or self.twin)
        return places(dump.flows, datapath(observed), observed)

    def figure(self, caption: str, seen: Seen, twin: Twin) -> Figure:
        """The topology as it was observed."""
        nic = seen.after.nic(PciAddress(NIC))
        if nic is None:
            raise NotAsTold(f"there is no {NIC}")
        drawn = topology.draw(seen.after, seen.places, nic, guests_by_port(twin.state), caption)
        return Figure(drawn, caption, FLOWS if seen.places else ())

    def compare(self, number: int) -> None:
        """The same day on both machines."""
        self.begin(number, COMPARISON, COMPARISON_TOLD)
        bare = Twin(Simulated(self.here, MACHINE, None).twin.state)
        day.build_software_bridge(bare)
        commands = [Typed(text, ()) for text in SOFTWARE_BRIDGE]
        self.screen.show([*map(pages.prompt, SOFTWARE_BRIDGE), line()])
        days = (day.play(bare), day.play(self.copies[OFFLOADED]))
        if days[0].hardware or days[1].software:
            raise NotAsTold("the flows of the day do not run where they should")
        compared = Comparison(days[0].hours, days[1].hours)
        unicode = self.screen.marks is PRETTY
        self.screen.show(pages.comparison(compared, days, self.screen.width, unicode=unicode))
        after = observe(bare)
        picture = self.figure(SOFTWARE_PICTURE, Seen(after, after, self.places(after, bare)), bare)
        self.keep(compared, commands, picture)

    def keep(self, compared: Comparison, commands: list[Typed], bridge: Figure) -> None:
        """The comparison for the page."""
        caption = pages.verdict(compared)
        drawn: Markup = chart.draw(compared, "Busy cores of the host, hour by hour")
        shown: tuple[Typed | Figure, ...] = (*commands, bridge, Figure(drawn, caption, LOADS))
        notes = (numbers(compared), model(ASSUMPTIONS))
        self.scenes.append(Scene(COMPARISON, COMPARISON_TOLD, shown, notes))


def _row(of: Line) -> Row:
    """A line of the screen for the page."""
    return Row(tuple((plain(span.text), _NAMES[span.style]) for span in of.spans), of.hang)
