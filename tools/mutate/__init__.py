"""Mutation testing: change one thing in one function, and see whether a test notices.

Why a tool of our own: mutmut 3 and cosmic-ray were looked at. mutmut writes a copy of the whole
tree with every function replaced by a trampoline, which tests/test_architecture.py and the import
rules rightly refuse to take for the program; it leaves decorated functions alone and takes minutes
to write the copy alone. cosmic-ray starts one pytest per mutant: with two seconds to collect, a
sample of 300 takes longer than it may. Here one process collects the tests once and forks for each
mutant; the child exchanges the code of one function, in memory, and runs the tests that execute
the changed line, quickest first, until one fails.

What is changed, and what is not, says `mutants.py`. Module-level tables are data and are not
changed; neither are texts for people.
"""
