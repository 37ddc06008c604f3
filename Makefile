# make run   the page with a sample scene, on this machine
# make test  all tests
# make help  everything else
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8050
PYTEST_ARGS ?= --numprocesses auto --maxprocesses 4 --dist loadfile
# Python compiles what is used when it is used, which takes less time than compiling everything here.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

.PHONY: help run test lint types imports format bench lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: $(VENV)/.installed-run ## Set everything up and open the page with a sample scene
	@echo "==> Starting the page on http://$(HOST):$(PORT) (Ctrl-C stops it)"
	@$(BIN)/suelo serve --sample --open --host $(HOST) --port $(PORT)

test: $(VENV)/.installed-test lint ## Set everything up and pass all tests
	@echo "==> Running the tests"
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.installed-test ## Style, types and the direction of imports
	@echo "==> Checking style, types and imports"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.installed-test ## Put the code into the project's format
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: $(VENV)/.installed-test ## Measure this machine; a table, and JSON under out/
	@$(BIN)/python -m benchmarks

lock: ## Pin the versions of all dependencies again (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --upgrade --quiet --no-annotate --no-header -o requirements/run.lock
	uv pip compile pyproject.toml requirements/torch-needs.in --extra train --group dev --universal --python-version 3.11 --upgrade \
	  --override requirements/no-torch.txt --constraint requirements/run.lock --quiet --no-annotate --no-header \
	  -o requirements/test.lock

clean: ## Remove the environment and everything that was made
	rm -rf $(VENV) out build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"Suelo needs Python 3.11 or newer; $(PYTHON) is {sys.version.split()[0]}. Try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@echo "==> Making an environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-run: requirements/run.lock pyproject.toml | $(BIN)/python
	@echo "==> Installing Suelo (a minute or two the first time)"
	@$(PIP) -r requirements/run.lock
	@$(PIP) --no-deps --editable .
	@touch $@

$(VENV)/.installed-test: requirements/test.lock requirements/torch.txt pyproject.toml | $(BIN)/python
	@echo "==> Installing Suelo, PyTorch for training, and the test tools (a few minutes the first time)"
	@$(PIP) -r requirements/test.lock -r requirements/torch.txt
	@$(PIP) --no-deps --editable .
	@touch $@ $(VENV)/.installed-run
