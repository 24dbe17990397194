# Everything a newcomer needs. `make` alone lists it; another interpreter: `make run PYTHON=/path/to/python3.12`.

# 3.12 and 3.11 first: the Redis wheel has no build for newer ones.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.12 python3.11 python3 python3.13 python3.14; do \
  if $$python -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then echo $$python; exit; fi; done; echo python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
CONSTRAINTS := $(wildcard constraints.txt)
PIN := $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))
INPUTS := pyproject.toml $(CONSTRAINTS)
PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run down test check check-slow bench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## make .venv with the command `kuajie` in it

setup-dev: $(VENV)/.installed-dev

run: setup ## start everything with the demo and print a line to try (PORT=8000)
	@$(BIN)/kuajie up --demo --port $(PORT)

down: setup ## end a stack that runs here
	@$(BIN)/kuajie down

test: setup-dev ## run the tests (real PostgreSQL and Redis, from wheels)
	@$(BIN)/pytest -m "not slow"

check: setup-dev ## lint, format, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check-slow: setup-dev ## the tests that take minutes
	@$(BIN)/pytest -m slow

bench: setup-dev ## the benchmarks; each prints one JSON line
	@$(BIN)/python -m bench

$(BIN)/python:
	@$(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null || { \
	  echo "Kuajie needs Python 3.11 or later; '$(PYTHON)' is not that. Name one: make setup PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "'$(PYTHON) -m venv' failed: on Debian and Ubuntu install python3-venv" >&2; exit 1; }

$(VENV)/.installed: $(BIN)/python $(INPUTS)
	@echo "installing Kuajie (a minute or two)"
	@$(PIP) $(PIN) -e '.[all]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing what the tests need"
	@$(PIP) $(PIN) -e '.[all,dev]'
	@touch $@
