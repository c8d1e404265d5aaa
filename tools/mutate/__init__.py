"""Mutation testing: change one thing in one function, and see whether a test notices.

Why a tool of our own: mutmut 3.8 was tried here. It needs minutes to write a copy of the tree in
which each function of 19 files stands beside all its mutants, and its tests must run on that copy,
where they do not find what they are about (tests of architecture read the source). It brings a
dozen packages, a terminal interface among them. cosmic-ray runs a command for each mutant, and
pytest alone takes seconds to collect these tests. Here one process collects them once and forks for
each mutant; the child exchanges the code of one function, in memory, and runs the tests that
execute the changed line, quickest first, until one fails.

What is changed, and what is not, says `mutants.py`. Module-level tables are data and are not
changed; neither are texts for people. What code does while it is imported is not tried again.
"""
