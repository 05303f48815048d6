# Meghdoot. Needs Python 3.11 or newer and nothing else; `make help` explains each target.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP_INSTALL := -m pip install --disable-pip-version-check -qq --no-deps --require-hashes
export PYTHONPATH := layers/core:functions:tools
.DEFAULT_GOAL := help
.PHONY: help demo dev test test-emulator acceptance bench lint types contracts infra openapi openapi-check deploy-smoke clean lock

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

clean: ## forget everything that was built or installed
	rm -rf .venv .venv-local .venv-sam .local .aws-sam .mypy_cache .ruff_cache .import_linter_cache
