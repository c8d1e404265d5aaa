"""How what is here hangs together: which PF is meant, what lies on what, whose it is, who is hit.

Pure, and everybody's: stages plan with it, the engine guards with it, `offload` judges with it.
"""
