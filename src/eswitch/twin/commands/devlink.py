"""`devlink` of iproute2: e-switch modes, ports and their functions."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eswitch.host import Result
from eswitch.twin import nics
from eswitch.twin.refusal import Refusal
from eswitch.twin.state import Function, Link, Pf, State
from eswitch.twin.traits import traits_of

from .iproute2 import Iproute2
from .tool import Failed, NotSimulated, Words, batch, sentence

_MODES = ("legacy", "switchdev")
_INLINE = ("none", "link", "network", "transport")
_ENCAP = ("none", "basic")
Record = dict[str, object]
# What devlink has besides (devlink(8)).
_OTHER_OBJECTS = frozenset(
    ("dpipe", "health", "help", "lc", "monitor", "rate", "region", "resource", "sb", "trap")
)


_PERMANENT = {"enable_sriov": "SRIOV_EN", "total_vfs": "NUM_OF_VFS"}


def _record(name: str, cmode: str, value: object) -> Record:
    return {"name": name, "type": "generic", "values": [{"cmode": cmode, "value": value}]}


def _typed(value: str) -> object:
    return {"True": True, "False": False}.get(value, int(value) if value.isdecimal() else value)


@dataclass(frozen=True, slots=True)
class DevlinkPort:
    """A port: of a PF's uplink, of the VF that a representor stands for, or of a VF's own."""

    handle: str
    function: Function
    flavour: str
    link: Link | None
    vf: int | None = None


def ports(state: State) -> list[DevlinkPort]:
    """All ports, in the order in which the kernel lists devices and indexes."""
    found = []
    for function in state.functions.values():
        traits = traits_of(function.driver)
        if function.pf is not None and traits.devlink:
            found += _pf_ports(state, function, function.pf)
        elif function.physfn and traits_of(_pf_driver(state, function)).vf_devlink:
            own = next((link for link in state.links if link.function == function.pci), None)
            if function.driver == traits_of(_pf_driver(state, function)).vf_driver:
                found.append(DevlinkPort(f"pci/{function.pci}/0", function, "virtual", own))
    # Devices in the order in which their drivers were bound: PFs before VFs.
    return sorted(found, key=lambda port: port.function.physfn is not None)


def _pf_driver(state: State, vf: Function) -> str | None:
    parent = state.functions.get(vf.physfn or "")
    return parent.driver if parent else None


def _pf_ports(state: State, function: Function, pf: Pf) -> list[DevlinkPort]:
    uplink = traits_of(function.driver).uplink_port
    prefix = f"pci/{function.pci}"
    found = []
    if pf.mode == "switchdev":
        for index in range(len(pf.vports)):
            link = state.representor(function.pci, index)
            found.append(DevlinkPort(f"{prefix}/{index + 1}", function, "pcivf", link, index))
    own = DevlinkPort(f"{prefix}/{uplink}", function, "physical", state.uplink(function.pci))
    return [*found, own] if uplink else [own, *found]


class Devlink(Iproute2):
    """One process of `devlink`."""

    name = "devlink"
    force = ("force", "f")

    def batch(self, text: str, *, force: bool) -> Result:
        """Between two JSON answers stands a comma."""
        result = batch(self.run, text, force=force, glue="," if self.json else "")
        return Result(result.status, result.stdout.replace("\n,", ","), result.stderr)

    def run(self, words: Sequence[str]) -> str:
        """One command."""
        left = Words(words)
        name = left.take()
        verbs: dict[tuple[str, str], Callable[[Words], str]] = {
            ("dev", "eswitch"): self._eswitch,
            ("dev", "param"): self._parameter,
            ("port", "show"): self._ports,
            ("port", "function"): self._function,
        }
        if name in _OTHER_OBJECTS:
            raise NotSimulated(f"`devlink {name}`")
        if name not in ("dev", "port"):
            raise Failed(f'Object "{name}" not found', 1)
        verb = left.take() if left else "show"
        if (name, verb) not in verbs:
            raise NotSimulated(f"`devlink {left.whole}`")
        try:
            return verbs[name, verb](left)
        except Refusal as refusal:
            raise _answer(refusal) from None

    def _print(self, kind: str, records: Record) -> str:
        if self.json:
            return json.dumps({kind: records}, separators=(",", ":")) + "\n"
        raise NotSimulated(f"`devlink {kind}` without -json")

    # ---- dev eswitch

    def _eswitch(self, words: Words) -> str:
        verb, handle = words.take(), words.take()
        if verb == "show":
            return self._show_eswitch(handle)
        if verb != "set":
            raise words.unknown()
        function = self._device(handle)
        while words:
            self._set(function, words.take(), words.take())
        return ""

    def _device(self, handle: str) -> Function:
        function = self.state.functions.get(handle.removeprefix("pci/"))
        if function is None or not self._has_instance(function):
            raise Refusal(errno.ENODEV)
        return function

    def _has_instance(self, function: Function) -> bool:
        if function.pf is not None:
            return traits_of(function.driver).devlink
        parent = traits_of(_pf_driver(self.state, function))
        return parent.vf_devlink and function.driver == parent.vf_driver

    def _show_eswitch(self, handle: str) -> str:
        # JSON has an empty object for a device that refuses.
        nothing = self._print("dev", {}) if self.json else ""
        try:
            function = self._device(handle)
        except Refusal as refusal:
            raise _answer(refusal, nothing) from None
        pf = function.pf
        if pf is not None and not nics.manages_eswitch(self.state, function):
            raise _answer(Refusal(errno.EOPNOTSUPP), nothing)
        modes: Record = {}
        if pf is not None:
            modes = {"mode": pf.mode, "inline-mode": pf.inline_mode, "encap-mode": pf.encap_mode}
        if self.json:
            return self._print("dev", {handle: modes})
        return f"{handle}: " + " ".join(f"{key} {value}" for key, value in modes.items()) + "\n"

    def _set(self, function: Function, attribute: str, value: str) -> None:
        allowed = {"mode": _MODES, "inline-mode": _INLINE, "encap-mode": _ENCAP}
        if attribute not in allowed:
            raise NotSimulated(f"`devlink dev eswitch set ... {attribute}`")
        if value not in allowed[attribute]:
            kind = {"inline-mode": "eswitch inline mode", "encap-mode": "eswitch encap mode"}
            raise Failed(f'Unknown {kind.get(attribute, "eswitch mode")} "{value}"', 1)
        change = {
            "mode": nics.set_mode,
            "inline-mode": nics.set_inline_mode,
            "encap-mode": nics.set_encap_mode,
        }
        try:
            change[attribute](self.state, function.pci, value)
        except Refusal as refusal:
            text = f"{function.driver}: {refusal.extack}" if refusal.extack else ""
            raise Refusal(refusal.errno, text) from None

    # ---- dev param

    def _parameter(self, words: Words) -> str:
        verb, handle = words.take(), words.take()
        try:
            function = self._device(handle)
        except Refusal as refusal:
            failed = _answer(refusal)
            # The document is begun before the kernel is asked.
            told = self._print("param", {}) if verb == "show" else ""
            raise Failed(failed.stderr, failed.status, told) from None
        card = self.state.cards.get(function.pf.card) if function.pf is not None else None
        if verb == "show" and not words:
            # The lab's driver has no parameters.
            found = [_record("enable_roce", "driverinit", value=True)]
            if function.driver == "eswitchsim":
                return self._print("param", {})
            if card is not None and self._is_permanent(function):
                found += [
                    _record(name, "permanent", _typed(card.pending[key]))
                    for name, key in _PERMANENT.items()
                ]
            return self._print("param", {handle: found})
        left = words.rest()
        if verb != "set" or left[::2] != ["name", "value", "cmode"] or left[5] != "permanent":
            raise NotSimulated(f"`devlink {words.whole}`")
        if card is None or left[1] not in _PERMANENT or not self._is_permanent(function):
            raise Refusal(errno.EINVAL)
        value = {"true": "True", "false": "False"}.get(left[3], left[3])
        card.pending = {**card.pending, _PERMANENT[left[1]]: value}
        return ""

    def _is_permanent(self, function: Function) -> bool:
        """From 6.18 on mlx5 sets its firmware by itself (facts 1.5)."""
        major, minor, *_ = self.state.kernel.release.split(".")
        return function.driver == "mlx5_core" and (int(major), int(minor)) >= (6, 18)

    # ---- port

    def _ports(self, words: Words) -> str:
        wanted = words.take() if words else None
        found = [port for port in ports(self.state) if wanted in (None, port.handle)]
        if wanted and not found:
            raise Refusal(errno.ENODEV)
        return self._print("port", {port.handle: self._port(port) for port in found})

    def _port(self, port: DevlinkPort) -> Record:
        record: Record = {"type": "eth"}
        if port.link is not None and not port.link.namespace:
            record["netdev"] = port.link.name
        record["flavour"] = port.flavour
        pf = port.function.pf
        if port.flavour == "physical" and pf is not None:
            record["port"] = pf.number
        if port.vf is None or pf is None:
            return record | {"splittable": False}
        record |= {"controller": 0, "pfnum": pf.number, "vfnum": port.vf, "external": False}
        record["splittable"] = False
        if traits_of(port.function.driver).function_mac:
            record["function"] = {"hw_addr": pf.vports[port.vf].mac}
        return record

    def _function(self, words: Words) -> str:
        if not words.skip("set"):
            raise words.unknown()
        handle = words.take()
        port = next((port for port in ports(self.state) if port.handle == handle), None)
        if not words.skip("hw_addr"):
            raise words.unknown()
        mac = words.take()
        if len(mac.split(":")) != 6:
            raise Failed(f'"{mac}" is invalid lladdr.', 1)
        if port is None:
            raise Refusal(errno.ENODEV)
        pf = port.function.pf
        if port.vf is None or pf is None:
            raise Refusal(errno.EOPNOTSUPP, "Port doesn't support function attributes")
        if not traits_of(port.function.driver).function_mac:
            raise Refusal(errno.EOPNOTSUPP, "Port does not support function attributes")
        if int(mac[:2], 16) & 1:
            raise Refusal(errno.EINVAL, "Non-unicast hardware address unsupported")
        pf.vports[port.vf].mac = mac.lower()
        return ""


def _answer(refusal: Refusal, stdout: str = "") -> Failed:
    """The kernel's text, and its number in words."""
    lines = [sentence(refusal.extack)] if refusal.extack else []
    return Failed("\n".join([*lines, f"kernel answers: {refusal.words}"]), 1, stdout)


def run(state: State, argv: Sequence[str], input: str | None) -> Result:
    """`devlink`."""
    return Devlink(state).main(argv, input)
