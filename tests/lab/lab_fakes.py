"""Stand-ins for QEMU, qemu-img and ssh: programs on a PATH of their own.

The fake QEMU speaks on the same descriptors as the real one, so guest.py is run whole.
"""

import stat
import sys
from pathlib import Path

QEMU = f"""#!{sys.executable}
import json, os, re, socket, sys, time
line = " ".join(sys.argv)
def end(name):
    number = int(re.search(rf"socket,id={{name}},fd=(\\d+)", line).group(1))
    return socket.socket(fileno=number)
qmp, report, control = end("qmp"), end("report"), end("control")
console = open(re.search(r"file,id=console,path=(\\S+)", line).group(1), "w")
qmp.sendall(b'{{"QMP": {{}}}}\\n')
stream = qmp.makefile("rb")
forward = "  TCP[HOST_FORWARD]   3       127.0.0.1 44595  10.0.2.15    22     0     0\\r\\n"
for answer in ({{}}, forward):
    stream.readline()
    qmp.sendall(json.dumps({{"event": "X"}}).encode() + b"\\n")
    qmp.sendall(json.dumps({{"return": answer}}).encode() + b"\\n")
for act in os.environ["FAKE_QEMU"].split(";"):
    verb, _, rest = act.partition(" ")
    if verb == "report":
        report.sendall(rest.encode() + b"\\n")
    elif verb == "print":
        console.write(rest + "\\n")
        console.flush()
    elif verb == "wait":
        while not os.path.exists(rest):
            time.sleep(0.01)
    elif verb == "touch":
        open(rest, "w").close()
    elif verb == "count":
        print("boot", file=open(rest, "a"))
    elif verb == "unless" and os.path.exists(rest):
        report.sendall(b"ready\\n")
        time.sleep(1000)
    elif verb in ("reset", "shutdown"):
        event = {{"event": "SHUTDOWN", "data": {{"guest": True, "reason": f"guest-{{verb}}"}}}}
        qmp.sendall(json.dumps(event).encode() + b"\\n")
        sys.exit(0)
    elif verb == "exit":
        sys.exit(int(rest))
    elif verb == "obey":
        word = control.recv(100).decode().strip()
        print(word, file=open(rest, "w"))
        sys.exit(0)
    elif verb == "hang":
        time.sleep(1000)
"""

QEMU_IMG = """#!/bin/sh
for last; do :; done
echo overlay >"$last"
"""

SSH = """#!/bin/sh
eval "$FAKE_SSH"
"""


def install(directory: Path) -> None:
    """Write the fake programs into a directory."""
    for name, text in (("qemu-system-x86_64", QEMU), ("qemu-img", QEMU_IMG), ("ssh", SSH)):
        path = directory / name
        path.write_text(text, encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
