"""The questions and orders the lab has for QEMU, over its JSON protocol."""

from __future__ import annotations

import contextlib
import json
import re
import socket

from .deadline import Deadline
from .errors import GuestError

FORWARD = re.compile(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s")


class Qmp:
    """A connection to QEMU's monitor. All methods raise GuestError when QEMU is gone."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = b""
        self._cause: str | None = None

    def handshake(self, deadline: Deadline) -> None:
        """Read the greeting and enter command mode."""
        self._line(deadline)
        self.execute("qmp_capabilities", {}, deadline)

    def execute(self, verb: str, arguments: dict[str, str], deadline: Deadline) -> object:
        """One command and its answer; of the events in between only the end is kept."""
        request = {"execute": verb, "arguments": arguments}
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise GuestError("QEMU ended while it was told something.") from error
        while True:
            reply = json.loads(self._line(deadline))
            if "return" in reply:
                return reply["return"]
            if "error" in reply:
                raise GuestError(f"QEMU refused {verb}: {reply['error'].get('desc')}.")
            self._note(reply)

    def forwarded_port(self, deadline: Deadline) -> int:
        """The port of 127.0.0.1 that QEMU picked for the guest's ssh."""
        arguments = {"command-line": "info usernet"}
        text = self.execute("human-monitor-command", arguments, deadline)
        found = FORWARD.search(str(text))
        if found is None:
            raise GuestError("QEMU does not forward a port to the guest.")
        return int(found.group(1))

    def shutdown_cause(self, deadline: Deadline) -> str | None:
        """Why QEMU ended, as it said last: ``guest-reset``, ``guest-shutdown``; None if killed."""
        with contextlib.suppress(GuestError):
            while True:
                self._note(json.loads(self._line(deadline)))
        return self._cause

    def _note(self, event: dict[str, object]) -> None:
        data = event.get("data")
        if event.get("event") == "SHUTDOWN" and isinstance(data, dict):
            self._cause = str(data.get("reason"))

    def _line(self, deadline: Deadline) -> bytes:
        while b"\n" not in self._buffer:
            self._socket.settimeout(max(deadline.remaining(), 0.001))
            try:
                data = self._socket.recv(65536)
            except TimeoutError as error:
                raise GuestError("QEMU does not answer.") from error
            except OSError as error:
                raise GuestError("QEMU ended at once.") from error
            if not data:
                raise GuestError("QEMU ended at once.")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line
