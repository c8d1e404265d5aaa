"""The spec: YAML text -> DesiredState, every error with file:line:column.

    bytes --text--> characters --tree--> values with places --validation--> models
          --checks--> sound models --building--> DesiredState

and back: `writing` prints a DesiredState as a spec, `starter` writes one for a host as it is.
pydantic and ruamel.yaml are imported here and nowhere else; verbs import this package late, and
`schema`, `starter` and `writing` from their modules: `apply` needs none of them.
"""

from .loading import load
from .problems import Problem, SpecInvalid
from .text import MAX_SPEC_BYTES

__all__ = ["MAX_SPEC_BYTES", "Problem", "SpecInvalid", "load"]
