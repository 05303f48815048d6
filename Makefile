# Meghdoot. Needs Python 3.11 or newer and nothing else; `make help` explains each target.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP_INSTALL := -m pip install --disable-pip-version-check -qq --no-deps --require-hashes
export PYTHONPATH := layers/core:functions:tools
.DEFAULT_GOAL := help
.PHONY: help demo dev test test-emulator acceptance bench lint types contracts openapi openapi-check clean lock

help: ## explain each target
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/.done: requirements-dev.lock
	$(PYTHON) -c 'import sys; sys.exit("Meghdoot needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(PY) $(PIP_INSTALL) -r requirements-dev.lock
	@touch $@

.venv-local/.done: requirements-local.lock
	$(PYTHON) -m venv .venv-local
	.venv-local/bin/python $(PIP_INSTALL) -r requirements-local.lock
	@touch $@

.venv-sam/.done: requirements-sam.lock
	$(PYTHON) -m venv .venv-sam
	.venv-sam/bin/python $(PIP_INSTALL) -r requirements-sam.lock
	@touch $@

demo: $(VENV)/.done .venv-local/.done ## a whole campaign on your machine (ONCE=1 ends it, JSON=file writes the figures)
	$(PY) -m meghdoot_cli demo $(if $(ONCE),--once) $(if $(JSON),--json $(JSON)) $(if $(PORT),--port $(PORT))

dev: $(VENV)/.done .venv-local/.done ## the local stack, empty, to develop against
	$(PY) -m meghdoot_cli dev $(if $(PORT),--port $(PORT))

test: $(VENV)/.done ## run every test that needs nothing but Python
	$(PY) -m pytest -m "not emulator and not acceptance and not bench"

test-emulator: $(VENV)/.done .venv-local/.done ## run the contract suite on the local AWS emulator too
	$(PY) -m pytest tests/contract -m emulator

lint: $(VENV)/.done ## style, banned calls, formatting
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.done ## mypy strict on the layer
	$(VENV)/bin/mypy

contracts: $(VENV)/.done ## who may import whom
	$(VENV)/bin/lint-imports --no-logo 2>/dev/null || $(VENV)/bin/lint-imports

acceptance: $(VENV)/.done ## one test per promise, on a clean clone (WHAT=main_job)
	$(PY) -m pytest -s -m acceptance tests/acceptance/test_$(or $(WHAT),main_job).py

bench: $(VENV)/.done ## measure ratios and counts into tests/bench/results
	$(PY) -m pytest -s -m bench tests/bench
	$(PY) -m pytest tests/bench/test_results.py

openapi: $(VENV)/.done ## write the OpenAPI files from the route table
	$(PY) -m meghdoot_cli.openapi

openapi-check: $(VENV)/.done ## fail when the committed OpenAPI files are not what the route table says
	$(PY) -m meghdoot_cli.openapi --check

lock: ## resolve the locks anew (needs uv)
	for set in requirements requirements-dev requirements-local requirements-sam; do \
	  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url $$set.in -o $$set.lock; done

clean: ## forget everything that was built or installed
	rm -rf .venv .venv-local .venv-sam .local .aws-sam .mypy_cache .ruff_cache .import_linter_cache

-include make/*.mk
