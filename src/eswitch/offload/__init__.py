"""The proof: which datapath flows there are, where each runs, why, and what it says of a host.

    ovs-appctl --read.py--> flow.Dump --topology.py--> Place (nature, effective placement, reason)
                                 --evidence.py--> Evidence (several looks) --judge.py--> Report

Reading (`read`, `verify`) goes through the Host protocol; everything else is pure.
"""
