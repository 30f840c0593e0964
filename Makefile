# Every habit of this repository is defined here once; CI and people call the same targets.
PYTHON ?= python3
STACK ?= dev
BIN := .venv/bin
INSTALLED := .venv/.installed
# Runs from the repository's root, whatever the caller exported.
unexport PYTHONPATH

.DEFAULT_GOAL := help

help: ## Print the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Make .venv with everything pinned; does nothing when it is up to date

$(INSTALLED): requirements.txt requirements-dev.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
		exit 1; }
	@echo "Setting up .venv (once; about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

preview: $(INSTALLED) ## Show what STACK (default dev) would build, and enforce the policy pack
	@$(BIN)/python -m automation preview $(STACK)

test: $(INSTALLED) ## Run the tests
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(INSTALLED) ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(INSTALLED) ## Fix style and format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(INSTALLED) ## Check types
	@$(BIN)/mypy

layering: $(INSTALLED) ## Check that packages import only what they may
	@PYTHONPATH=.:policies $(BIN)/lint-imports

check: lint types layering test ## Everything CI checks

bench: $(INSTALLED) ## Measure a preview and placement; not part of the tests
	@$(BIN)/python -m automation.bench $(STACK)
	@$(BIN)/python -m benchmarks.placement

docs: $(INSTALLED) ## Write the generated pages under docs/ again
	@PYTHONPATH=.:policies $(BIN)/python -m tools.build_settings_docs
	@PYTHONPATH=.:policies $(BIN)/python -m tools.build_policy_docs

instances: $(INSTALLED) ## Rebuild the catalog of instance types from the folder CONTRACTS
	@$(BIN)/python -m tools.build_instances $(CONTRACTS)

contracts: $(INSTALLED) ## Rebuild the captured schemas and chart values from the folder CONTRACTS
	@$(BIN)/python -m tools.build_contracts $(CONTRACTS)

lock: ## Pin every transitive dependency again, after a change of requirements*.txt
	@rm -rf .venv && : > constraints.txt && $(MAKE) --no-print-directory setup
	@$(BIN)/python -m pip freeze --disable-pip-version-check > constraints.txt && touch $(INSTALLED)

.PHONY: help setup preview test lint format types layering check bench docs instances contracts lock
