"""Where the evidence comes from: one module per source, and the only effects in `offload/`.

Each turns a Host into a value and judges nothing. What one look takes from all of them is put
together in `verify.py` and remembered in `evidence.py`.
"""
