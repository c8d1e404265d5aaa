"""What planning asks for beyond the first look (`model/question.py`), one reader for each topic."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from eswitch.host import Host
from eswitch.model.identifiers import PciAddress
from eswitch.model.observed import ObservedState
from eswitch.model.question import Question, Topic

from .boot import read_boot
from .driver_build import read_kit
from .firmware import read_firmware
from .guests import read_guests
from .modules import read_module

Answer = Callable[[Host, ObservedState, str], ObservedState]


def answer(host: Host, observed: ObservedState, questions: Iterable[Question]) -> ObservedState:
    """The same state with the answers in it; what cannot be found out is Unknown.

    Raises HostError only where `modinfo` fails: a module has no Unknown.
    """
    for question in dict.fromkeys(questions):
        observed = _ANSWERS[question.topic](host, observed, question.of)
    return observed


def _firmware(host: Host, observed: ObservedState, pci: str) -> ObservedState:
    nics = (
        replace(nic, firmware=read_firmware(host, nic)) if nic.pci == PciAddress(pci) else nic
        for nic in observed.nics
    )
    return replace(observed, nics=tuple(nics))


def _module(host: Host, observed: ObservedState, name: str) -> ObservedState:
    others = (module for module in observed.modules if module.name != name)
    return replace(observed, modules=(*others, read_module(host, name)))


def _kit(host: Host, observed: ObservedState, archive: str) -> ObservedState:
    return replace(observed, kit=read_kit(host, archive, observed.kernel.release))


def _boot(host: Host, observed: ObservedState, _of: str) -> ObservedState:
    return replace(observed, boot=read_boot(host, observed.kernel.release))


def _guests(host: Host, observed: ObservedState, _of: str) -> ObservedState:
    return replace(observed, guests=read_guests(host))


_ANSWERS: dict[Topic, Answer] = {
    Topic.FIRMWARE: _firmware,
    Topic.MODULE: _module,
    Topic.KIT: _kit,
    Topic.BOOT: _boot,
    Topic.GUESTS: _guests,
}
