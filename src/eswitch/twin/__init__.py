"""A simulated machine behind the same door as the real one (`host.Host`).

    machines/*.yaml --catalog--> State --views: tree, commands--> what observers read
                                   ^                                 engine writes
                                   '---- nics, links, vswitch, guests, boot <-'

The state is modelled once (`state.py`); files and tools' outputs are views of it. The lab is its
judge: the parity suite runs the same operations on both.
"""

from .catalog import describe, names, open_machine, parse
from .host import NotSimulated, Twin

__all__ = [
    "NotSimulated",
    "Twin",
    "describe",
    "names",
    "open_machine",
    "parse",
]
