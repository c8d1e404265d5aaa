"""All that a simulated machine is. Nothing here is text that a tool prints: views render that.

Plain values only, so that a machine can be copied and kept in a JSON file (`saved.py`). What
follows from other facts is computed (`links.py`, `nics.py`), never stored a second time.
"""

from .hardware import ZERO, Card, Function, Pf, Vport
from .network import Address, Configured, Link, Route
from .system import Conversation, Guest, Kernel, Platform, Process, Unit
from .vswitch import Bridge, Database, Flow, Interface, OpenVswitch, Port
from .whole import Counters, State

__all__ = [
    "ZERO",
    "Address",
    "Bridge",
    "Card",
    "Configured",
    "Conversation",
    "Counters",
    "Database",
    "Flow",
    "Function",
    "Guest",
    "Interface",
    "Kernel",
    "Link",
    "OpenVswitch",
    "Pf",
    "Platform",
    "Port",
    "Process",
    "Route",
    "State",
    "Unit",
    "Vport",
]
