"""The specs that the lab's tests apply."""

RECIPE = """\
version: 1
nics:
  cx6:
    match: {mac: "08:c0:eb:32:98:11"}
    vfs:
      - {mac: "ba:dd:ad:de:ad:30", driver: host}
      - {mac: "ba:dd:ad:de:ad:31", driver: host}
bridges:
  vmbr2:
    ports: [cx6]
    address: 192.168.1.101/24
    gateway: 192.168.1.1
"""


def simple(vfs: int, *, driver: str = "none", mac: str = "08:c0:eb:32:98:11") -> str:
    """N alike VFs in one bridge."""
    listed = "\n".join(f"      - {{driver: {driver}}}" for _ in range(vfs))
    return f"""\
version: 1
nics:
  cx6:
    match: {{mac: "{mac}"}}
    vfs:
{listed}
bridges:
  vmbr2:
    ports: [cx6]
"""
