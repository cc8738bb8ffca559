# `make demo` and `make test` do everything on a fresh machine with Python 3.11 to 3.13.
# `make PYTHON=/path/to/python3.12 setup` selects the interpreter; `make GPU=1 setup` also installs
# CUDA's libraries.

.PHONY: help setup lint test test-all faults fuzz demo docs notebook release results format lock clean
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# With and without CUDA's libraries are different installations, so each has a stamp of its own.
CUDA := $(filter 1,$(GPU))
STAMP := $(VENV)/.installed$(if $(CUDA),-gpu)
# The extras of pyproject.toml that the tests need, and the versions that are tested together.
EXTRAS := dev,docs,onnx,openvino,photos,ray,serving
LOCKS := requirements-lock.txt $(if $(CUDA),requirements-gpu-lock.txt)
COMMA := ,
PYTHON ?= python3 python3.13 python3.12 python3.11
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: $(STAMP) ## Create .venv and install this project, editable (GPU=1: with CUDA's libraries), if requirements have changed

$(STAMP): pyproject.toml $(LOCKS)
	@$(BIN)/python -c '$(SUPPORTED)' 2>/dev/null || { \
	  for python in $(PYTHON) ""; do "$$python" -c '$(SUPPORTED)' 2>/dev/null && break; done; \
	  test -n "$$python" || { echo "error: Python 3.11 to 3.13 is needed, none of these is one: $(PYTHON); install one or name it: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; exit 1; }; \
	  "$$python" -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(addprefix --constraint ,$(LOCKS)) --editable '.[$(EXTRAS)$(if $(CUDA),$(COMMA)gpu)]'
	@touch $@

lint: setup ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Distributed by file, since the tests of a file share fixtures that are slow to make. More than four
# processes would need more memory than most machines have.
PARALLEL := --numprocesses=auto --maxprocesses=4 --dist=loadfile

test: lint ## Lint, then run all tests except the slow ones (6 to 7 minutes on 2 cores)
	$(BIN)/python -m pytest -m "not slow" $(PARALLEL)

test-all: lint ## Lint, then run all tests
	$(BIN)/python -m pytest $(PARALLEL)

faults: setup ## Kill searches at random and at every write, fill disks; all must end alike (slow)
	$(BIN)/python -m pytest tests/runs/test_faults.py tests/runs/test_interrupted_writes.py tests/runs/test_stopped_search.py tests/runs/test_full_disk.py

fuzz: setup ## Feed 100,000 damaged inputs to every reader of input (half an hour on 2 cores)
	$(BIN)/python -m tests.fuzz

demo: setup ## Search, train and export on the embedded digits, and query the exported network
	$(BIN)/python -m tools.demo

results: setup ## Write docs/results.md from the committed records of studies/claims
	$(BIN)/python -m tools.results

# Not --quiet: MkDocs then does not count the warnings that end a strict build.
docs: setup ## Build the documentation, with a reference of every public name, as a site in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "build/site/index.html; with its search: $(BIN)/python -m mkdocs serve"

notebook: setup ## Execute docs/notebooks/quickstart.ipynb, and store it with its outputs
	$(BIN)/python -m tools.notebook

format: setup ## Format and fix the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# In an environment of its own, since in .venv pip would keep what satisfies the ranges.
lock: setup ## Rewrite requirements-lock.txt: the newest versions in the ranges of pyproject.toml (CUDA's are written by hand)
	$(BIN)/python -m venv --clear build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check --upgrade setuptools wheel '.[$(EXTRAS)]'
	{ echo "# Written by 'make lock': do not edit. The versions that are tested together, CUDA's left out."; \
	  echo "# pip takes them as constraints in 'make setup', and Bazel as its lock."; \
	  build/lock/bin/python -m pip freeze --all --exclude pip --exclude pdarts-tf; } > build/requirements-lock.txt
	mv build/requirements-lock.txt requirements-lock.txt
	rm -r build/lock

release: setup ## Build dist/, and try the wheel with the oldest and the newest versions (PYTHONS="python3.12 python3.13": on these too)
	$(BIN)/python -m tools.release $(PYTHONS)

clean: ## Remove caches and build output (keeps .venv and runs/)
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
