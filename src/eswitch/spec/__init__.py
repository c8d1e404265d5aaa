"""The spec: YAML text -> DesiredState, every error with file:line:column.

    bytes --text--> characters --tree--> values with places --validation--> models
          --checks--> sound models --building--> DesiredState

and back: `writing` prints a DesiredState as a spec, `starter` writes one for a host as it is.
pydantic and ruamel.yaml are imported here and nowhere else; verbs import this package late.
"""

from .loading import load
from .problems import Problem, SpecInvalid
from .schema import schema
from .starter import starter
from .text import MAX_SPEC_BYTES
from .writing import dump

__all__ = ["MAX_SPEC_BYTES", "Problem", "SpecInvalid", "dump", "load", "schema", "starter"]
