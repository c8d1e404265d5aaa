"""Carries plans out, reads back what happened, and can undo it.

`apply` observes, plans, runs the steps that can run, and does so again until no step is left; the
journal is written before anything changes, so that `rollback` works after a crash too.
"""

from .converge import apply
from .journal import Journal
from .outcome import Outcome
from .revert import rollback
from .undo import Undo, prepare

__all__ = ["Journal", "Outcome", "Undo", "apply", "prepare", "rollback"]
