# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export PYTHONHASHSEED ?= 0
# Where it is set, every worker compiles all tests anew in every run.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test lint types unit every-call engine engine-at-hand bench docs lock clean

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing; set PYTHON to a Python of version 3.11 or newer" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: setup
	$(BIN)/palisade simulate --out build/demo

test: setup engine-at-hand lint types unit

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

unit: setup
	$(BIN)/pytest -n auto --dist loadscope --no-loadscope-reorder

# Kills every remediation at each of its calls: also those of plans of many steps and of further cases, of which
# `make test` takes some. About an hour; before a release.
every-call: setup
	EVERY_CALL=1 $(BIN)/pytest -n auto --dist worksteal tests/organization/test_loop_interrupted*.py

# The real Pulumi engine in .engine/bin: the installed one, else built with Go. A second run does nothing.
engine:
	@tools/engine/install.sh

# Without an engine its tests are skipped, and the run says so at its end; continuous integration needs it.
engine-at-hand:
	@tools/engine/install.sh || test -z "$$CI"

bench: setup
	$(BIN)/python -m benchmarks.run --out build/bench.json

docs: setup
	$(BIN)/python -m operations.control_pages
	$(BIN)/python -m operations.local_organisation_page

# Resolves the ranges of pyproject.toml anew; index addresses stay out of the file.
lock:
	$(BIN)/pip-compile --quiet --upgrade --extra dev --generate-hashes --allow-unsafe --strip-extras --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements.lock pyproject.toml

clean:
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
