# Everything below sets itself up from a fresh clone: the environment is .venv, what is made goes to .isotherm.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
UV_VERSION = 0.13.8
BIN = .venv/bin
READY = .venv/.ready

# More than the two cores it is made for: tests of the embedded stack mostly wait (docs/decisions.md, "Tests side by side").
WORKERS = 3
SIDE_BY_SIDE = --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL = help
.PHONY: help demo check test lint bench clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## measure five function sizes in two regions, on this machine: a table and a page
	@$(BIN)/isotherm demo

check: lint ## check style and types, and run the unit tests: what to do before each commit
	@$(BIN)/pytest $(SIDE_BY_SIDE) tests/unit $(ARGS)

test: $(READY) ## run every test; what needs something that is not here is skipped with its reason
	@$(BIN)/pytest $(SIDE_BY_SIDE) $(ARGS)

lint: $(READY) ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@if command -v node >/dev/null; then for file in $$(find src -name '*.js'); do node --check $$file || exit 1; done; \
	else echo "the page's scripts were not checked: node is not here (Debian: apt-get install nodejs)"; fi

bench: $(READY) ## run the benchmarks; one of them: make bench BENCH=campaign ARGS=--help
	@set -e; for name in $(or $(BENCH),$(basename $(notdir $(wildcard bench/*.py)))); do \
		echo "== bench.$$name"; $(BIN)/python -m bench.$$name $(ARGS); done

clean: ## stop what runs and remove all that was made here
	@if [ -x $(BIN)/isotherm ]; then $(BIN)/isotherm local down --yes; fi
	rm -rf .venv .isotherm .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt Makefile
	@[ -n "$(PYTHON)" ] || { echo "Isotherm needs Python 3.11 or newer with the venv module" >&2; exit 1; }
	@echo "setting up .venv with $(PYTHON)"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --constraints constraints.txt --editable '.[dev]'
	@touch $@
