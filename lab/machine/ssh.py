"""The ssh command line that reaches the guest. Pure."""

from __future__ import annotations

import shlex
from pathlib import Path

# Stands for the guest in known_hosts; the port differs from run to run.
HOST_ALIAS = "eswitch-lab"
# In the guest: runs a command and reports its status over the virtio port.
RUNNER = "/usr/local/libexec/lab/run"
PASSED_VARIABLES = "TERM COLORTERM NO_COLOR FORCE_COLOR"


def command(
    ssh: str, image: Path, port: int, argv: list[str], *, terminal: bool, log: Path
) -> list[str]:
    """ssh to the guest behind ``port`` of 127.0.0.1, with the keys of this image only.

    The person's own ssh configuration and agent are left out. ssh's own messages go to
    ``log``: stderr is the command's.
    """
    options = {
        "IdentityFile": quoted_path(image / "id_ed25519"),
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "UserKnownHostsFile": quoted_path(image / "known_hosts"),
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": HOST_ALIAS,
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "BatchMode": "yes",
        "LogLevel": "ERROR",
        "SendEnv": PASSED_VARIABLES,
    }
    words = [ssh, "-F", "none", "-E", str(log), "-tt" if terminal else "-T"]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return [*words, "-p", str(port), "root@127.0.0.1", shlex.join([RUNNER, *argv])]


def quoted_path(path: Path) -> str:
    """A path for ssh's -o: % would be expanded, spaces would end it."""
    return '"' + str(path).replace("%", "%%") + '"'
