"""The proof: which datapath flows there are, where each runs, why, and what it says of a host.

    sources --flow.py--> Dump --datapath.py, place.py--> Place (nature, effective placement, reason)
                              --evidence.py--> Evidence (several looks)
                              --traffic.py, judge.py--> Report

Reading (`sources/`, `verify.py`) goes through the Host protocol; everything else is pure.
"""
