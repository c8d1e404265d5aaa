"""From what is wanted and what is there to the steps between. Pure: no I/O, no clock, no globals.

`stage.py` says what a stage is, `recipe.py` which there are, `planner.py` makes one plan of them.
"""

from .planner import make_plan, questions
from .recipe import STAGES, title_of
from .stage import Stage
from .unattended import unattended_harm

__all__ = ["STAGES", "Stage", "make_plan", "questions", "title_of", "unattended_harm"]
