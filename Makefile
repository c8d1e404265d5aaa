# `make help` lists the targets. Each does all its own set-up.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
LAB := lab/vm run
SCRIPTS := $(addprefix lab/,vm test test-boot demo record bench)

.PHONY: help demo venv test check unit test-deep coverage mutation lab-deps lab-image lab-test lab-test-boot lab-demo lab-bench lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: venv ## the whole story on a simulated server, in seconds; needs no root
	@$(BIN)/eswitch demo

venv: ## make .venv with the locked tools
	@PYTHON=$(PYTHON) tools/venv

test: check unit ## style, types and unit tests; needs no root and no QEMU

check: venv ## style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
# Tests of the lab have modules of the same names as tests of the program.
	MYPYPATH=lab/tests $(BIN)/mypy --cache-dir .mypy_cache/lab --scripts-are-modules \
	  lab/tests lab/benchmarks $(SCRIPTS)
	MYPYPATH=lab/boot-tests $(BIN)/mypy --cache-dir .mypy_cache/boot lab/boot-tests

unit: venv ## unit tests
	$(BIN)/python -m pytest

coverage: venv ## unit tests, with the lines and branches that they run
# Without the lives: what they reach, they reach by luck.
	$(BIN)/coverage run -m pytest --ignore tests/twin/test_life.py \
	  --ignore tests/twin/test_bare_life.py
	@$(BIN)/coverage report | sed -n '1,22p;$$p'
	@$(BIN)/coverage report --format=total >/dev/null

# SAMPLE=300 SEED=1: so many of the mutants; ONLY=stages.driver: those of one module
mutation: venv ## change the deciding packages in thousands of ways: do the tests notice?
	@PYTHONPATH=tools $(BIN)/python -m mutate --sample $(or $(SAMPLE),0) --seed $(or $(SEED),1) \
	  $(addprefix --only ,$(ONLY))

test-deep: venv ## 20,000 lives of simulated machines (an hour or more)
	$(BIN)/python -m pytest --hypothesis-profile deep tests/twin/test_life.py tests/twin/test_bare_life.py

lab-deps: ## install what the lab needs (QEMU, mmdebstrap, ...)
	@lab/deps

lab-image: lab-deps ## build the lab's guest image, if it is not cached
	@lab/vm build

lab-test: lab-image ## prove it all on a real kernel with a virtual e-switch
	lab/test

lab-test-boot: lab-deps venv ## the same from the bare machine on: boot loaders, firmware, driver
	lab/test-boot

lab-demo: lab-image ## from a spec to offloaded flows, in the lab
	$(LAB) --vfs-max 8 -- lab/demo

lab-bench: lab-image ## what eswitch costs beside the kernel's own time
	$(LAB) --vfs-max 127 --deadline 3600 -- lab/bench

lock: venv ## lock the dependencies anew (needs uv)
	for v in 311 313; do \
	  uv pip compile -q --generate-hashes --no-header --no-emit-index-url \
	    --python-version 3.$${v#3} pyproject.toml -o requirements/py$$v.txt && \
	  uv pip compile -q --generate-hashes --no-header --no-emit-index-url \
	    --python-version 3.$${v#3} --group dev pyproject.toml -o requirements/dev$$v.txt; \
	done

clean: ## remove what the targets made in this folder (the lab's image cache stays)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .mutation .coverage
