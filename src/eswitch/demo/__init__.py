"""The whole story on a simulated machine: what is told, what must be seen, and its pictures.

    story: chapters, acts, proofs --cli/performance.py types the acts--> what was seen
    load: a day of traffic on two machines --model--> cores         --> picture, chart, page

Nothing here prints, and no result is written down beforehand: what the story shows is what the real
verbs said, and each act says how to tell that it went as told.
"""
