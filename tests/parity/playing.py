"""Plays operations on a host, whichever it is, and masks what may differ between two machines."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from eswitch.errors import HostError
from eswitch.host import Host

Json = Any
PATIENCE = 120.0
_QDISCS = ["tc", "-json", "qdisc", "show", "ingress"]


class Player:
    """One host, with the names of its NICs for `$PF` and the others. `outside` does to the machine
    what no program in it can."""

    def __init__(
        self, host: Host, pf: str, other: str, outside: Callable[[str], None] | None = None
    ) -> None:
        self.host = host
        self.pf = pf
        self.other = other
        self.outside = outside

    def names(self) -> dict[str, str]:
        """What the placeholders stand for now: interfaces come and go."""
        found = {"PF": self.pf, "OTHER": self.other, "UP": "", "REP0": "rep0", "REP1": "rep1"}
        found["RELEASE"] = self.host.read("/proc/sys/kernel/osrelease")
        words = self.host.read("/proc/cmdline").split()
        found["ROOT"] = next(word for word in words if word.startswith("root="))
        for name in self._interfaces():
            try:
                port = self.host.read(f"/sys/class/net/{name}/phys_port_name")
            except HostError:
                continue  # udev renames it right now
            found[{"p0": "UP", "pf0vf0": "REP0", "pf0vf1": "REP1"}.get(port, "-")] = name
        for index in range(2):
            try:
                place = self.host.resolve(f"/sys/bus/pci/devices/{self.pf}/virtfn{index}")
            except HostError:
                place = "none"
            found[f"VF{index}"] = place.rpartition("/")[2]
        return found

    def _interfaces(self) -> Sequence[str]:
        try:
            return self.host.list(f"/sys/bus/pci/devices/{self.pf}/net")
        except HostError:
            return ()  # no driver

    def play(self, operation: str) -> Json:
        """The answer, or the refusal, as plain data."""
        if "$" in operation:
            for name, value in sorted(self.names().items(), key=lambda pair: -len(pair[0])):
                operation = operation.replace(f"${name}", value)
        verb, _, rest = operation.partition(" ")
        try:
            return getattr(self, f"_{verb}")(rest)
        except HostError as refusal:
            return {"refused": type(refusal).__name__, "errno": refusal.errno}

    def _write(self, rest: str) -> Json:
        value, _, path = rest.partition(" > ")
        self.host.write_attribute(path, value, 300.0)
        return "done"

    def _read(self, path: str) -> Json:
        return self.host.read(path)

    def _list(self, path: str) -> Json:
        return list(self.host.list(path))

    def _replace(self, rest: str) -> Json:
        text, _, path = rest.partition(" > ")
        self.host.replace_file(path, text.replace("\\n", "\n").encode())
        return "done"

    def _remove(self, path: str) -> Json:
        self.host.remove_file(path)
        return "done"

    def _which(self, program: str) -> Json:
        return self.host.which(program)

    def _pick(self, rest: str) -> Json:
        """Which of these names are in a directory."""
        names, _, path = rest.partition(" of ")
        return [name for name in self.host.list(path) if name in names.split(",")]

    def _first(self, rest: str) -> Json:
        """The words of the first line that begins with this word."""
        word, _, path = rest.partition(" of ")
        lines = (line.split() for line in self.host.read(path).splitlines())
        return next((" ".join(line) for line in lines if line[:1] == [word]), None)

    def _bytes(self, path: str) -> Json:
        """Without the NULs, which are half of UTF-16."""
        return self.host.read_bytes(path, 512).decode("latin-1").replace("\0", "")

    def _begin(self, rest: str) -> Json:
        """How a program ended, and its first line."""
        ended = self._run(rest)
        return {k: v.splitlines()[:1] if isinstance(v, str) else v for k, v in ended.items()}

    def _outside(self, rest: str) -> Json:
        assert self.outside is not None, rest
        self.outside(rest)
        return "done"

    def _end(self, rest: str) -> Json:
        """How a program ended, and its last lines."""
        ended = self._run(rest)
        return {k: v.splitlines()[-1:] if isinstance(v, str) else v for k, v in ended.items()}

    def _resolve(self, path: str) -> Json:
        return self.host.resolve(path)

    def _settle(self, rest: str) -> Json:
        del rest
        return self.host.run(["udevadm", "settle"], timeout=300.0).status

    def _wait(self, rest: str) -> Json:
        """Until ovs-vswitchd has given an interface its qdisc."""
        name = rest.rsplit(maxsplit=1)[-1]
        deadline = self.host.monotonic() + PATIENCE
        while f'"dev":"{name}"' not in self.host.run(_QDISCS).stdout:
            if self.host.monotonic() > deadline:
                return "never"
            self.host.sleep(0.2)
        return "there"

    def _run(self, rest: str) -> Json:
        command, marked, lines = rest.partition(" <<< ")
        text = "".join(f"{line}\n" for line in lines.split("|")) if marked else None
        # A shell's quotes would go; ovs-vsctl wants its own.
        argv = [word.replace("\x00", '"') for word in shlex.split(command.replace('"', "\x00"))]
        result = self.host.run(argv, input=text, timeout=900.0, ok=None)
        documents = list(_documents(result.stdout))
        return {
            "status": result.status,
            "out": documents or result.stdout,
            "err": result.stderr,
        }


def _documents(text: str) -> Iterator[Json]:
    """JSON documents, whatever is between them; nothing if the text is none."""
    place, decoder = 0, json.JSONDecoder()
    while place < len(text):
        if text[place] in " \n,":
            place += 1
            continue
        try:
            document, place = decoder.raw_decode(text, place)
        except ValueError:
            return
        if not isinstance(document, (dict, list)):
            return
        yield document


_HIDDEN = frozenset(
    ("tentative", "ifindex", "expires", "valid_life_time", "preferred_life_time", "qdisc", "txqlen")
)
# Attributes of functions that nobody asks for and that the twin does not list.
_UNLISTED = frozenset(
    (
        *("firmware_node", "iommu", "link", "power", "resource0", "subsystem", "msi_irqs", "rom"),
        *("sriov_vf_msix_count", "sriov_vf_total_msix", "reset_method", "remove", "rescan"),
    )
)
_MAC = re.compile(r"\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b")
_FIXED_MACS = ("08:c0:eb", "0a:c0:eb", "52:54:00", "00:00:00", "ff:ff:ff", "01:", "ba:dd")
_LOAD = re.compile(r"(?<=duration : )\d+(?=ms)|\d+(?=: \(keys)")
_VIRTIO = re.compile(r"\bvirtio\d+")
_LINK_LOCAL = re.compile(r"fe80::[0-9a-f:]+")


_RELEASE = re.compile(r"\b6\.\d+\.\d+[-+\w.~]*-(?:amd64|pve)\b")
_LOGS = re.compile(r"(?<=-en\.)\w{6}(?=\.logs)")
_VERSION = re.compile(r"(?<=systemd 257 ).*|(?<=systemd-boot 257).*|(?<=GRUB ).*|(?<=^13\.)\d+$")
_ONCE = re.compile(
    r"\b(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b"
    r"|\b(?P<esp>[0-9A-F]{4}-[0-9A-F]{4})\b|\b(?P<sum>[0-9a-f]{64})\b"
)
_CONTENT = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
"""The checksum of what the operations write themselves."""
_OTHERS = re.compile(
    r"^[* ](?:RO|  ) {5,6}(?!NUM_OF_VFS |SRIOV_EN )[A-Z][A-Z0-9_]* .*\n|^\nThe 'RO' shows .*\n",
    re.MULTILINE,
)
"""mstconfig's rows of parameters that the twin has not got."""
_VENDORS = ("GenuineIntel", "AuthenticAMD", "HygonGenuine")


class Numbers:
    """What is made once, with a number by when it was first seen: other ones on each machine, and
    the same ones in the same places."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {_CONTENT: _CONTENT}

    def of(self, answer: Json) -> Json:
        """An answer with numbers in it."""
        if isinstance(answer, dict):
            return {key: self.of(value) for key, value in answer.items()}
        if isinstance(answer, list):
            return [self.of(each) for each in answer]
        if isinstance(answer, str):
            return _ONCE.sub(self._number, answer)
        return answer

    def _number(self, found: re.Match[str]) -> str:
        return self._seen.setdefault(
            found[0], f"{(found.lastgroup or '').upper()}{len(self._seen)}"
        )


def masked(answer: Json, key: str = "") -> Json:
    """Without numbers that count up or down, random MACs and what else may differ."""
    if isinstance(answer, dict):
        return {k: masked(v, k) for k, v in answer.items() if k not in _HIDDEN}
    if isinstance(answer, list):
        if answer and all(isinstance(each, str) for each in answer) and key != "flags":
            return sorted(masked(each) for each in answer if each not in _UNLISTED)
        items = [masked(each) for each in answer]
        return sorted(items, key=_order) if key in ("data", "out", "") else items
    if isinstance(answer, str):
        text = _LINK_LOCAL.sub("LINK-LOCAL", answer)
        text = _VIRTIO.sub("virtioN", _LOAD.sub("?", text))
        text = _VERSION.sub("?", _LOGS.sub("XXXXXX", _RELEASE.sub("RELEASE", text)))
        text = _OTHERS.sub("", text)
        for vendor in _VENDORS:
            text = text.replace(vendor, "VENDOR")
        return _MAC.sub(lambda m: m[0] if m[0].startswith(_FIXED_MACS) else "RANDOM", text)
    return answer


def _order(item: Json) -> str:
    return json.dumps(item, sort_keys=True)


def story(player: Player, operations: Sequence[str]) -> list[tuple[str, Json]]:
    """All operations of one story, each with its masked answer."""
    numbers = Numbers()
    return [(each, numbers.of(masked(player.play(each)))) for each in operations]


def differences(found: Json, recorded: Json, place: str = "") -> Iterator[str]:
    """Where two masked answers differ."""
    if isinstance(found, dict) and isinstance(recorded, dict):
        for key in sorted({*found, *recorded}):
            yield from differences(found.get(key), recorded.get(key), f"{place}.{key}")
    elif isinstance(found, list) and isinstance(recorded, list) and len(found) == len(recorded):
        for number, (one, other) in enumerate(zip(found, recorded, strict=True)):
            yield from differences(one, other, f"{place}[{number}]")
    elif found != recorded:
        yield f"{place}: {found!r}, recorded {recorded!r}"


def compared(found: Sequence[tuple[str, Json]], recorded: Sequence[tuple[str, Json]]) -> list[str]:
    """All differences of a story, with the operations they are of."""
    assert [operation for operation, _ in found] == [operation for operation, _ in recorded]
    return [
        f"{number} {operation}{line}"
        for number, ((operation, answer), (_, theirs)) in enumerate(
            zip(found, recorded, strict=True)
        )
        for line in differences(answer, theirs)
    ]
