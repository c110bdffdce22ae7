# The two commands: `make demo` shows what boxkite does, `make test` runs the tests. Each sets up
# what it needs; PYTHON=python3.13 chooses another interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
SPREAD := -n auto --dist worksteal
QUICK := -m "not slow" --hypothesis-profile=quick
PROMETHEUS := 2.42 2.53 3.5
comma := ,
empty :=
space := $(empty) $(empty)
EXTRAS := cli,flask,objects,report,starlette,zstd

# Tests start many interpreters: none of them should compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-serve test test-all test-rules test-lowest check lint types docs format clean

help:
	@echo "make demo         train, serve, scrape and see drift, an alert on real flights (two minutes)"
	@echo "make demo-serve   the same service, left running with its addresses"
	@echo "make test         the tests, but for the slow ones"
	@echo "make test-all     all tests"
	@echo "make test-rules   the tests of the rules with Prometheus $(PROMETHEUS), and a table of them"
	@echo "make test-lowest  the tests with the lowest versions of the dependencies"
	@echo "make check        lint, types and docs"

demo: $(VENV)/demo.installed
	@.ci/debian prometheus prometheus-alertmanager || true
	@cd examples && ../$(BIN)/python -m demo --folder ../.demo

demo-serve: $(VENV)/demo.installed
	@.ci/debian prometheus || true
	@cd examples && ../$(BIN)/python -m demo --folder ../.demo --serve

test: $(VENV)/test.installed
	@.ci/debian chromium prometheus prometheus-alertmanager || true
	$(PYTEST) $(SPREAD) $(QUICK) $(PYTEST_ARGS)

test-all: $(VENV)/test.installed
	@.ci/debian chromium prometheus prometheus-alertmanager || true
	$(PYTEST) -n auto

test-rules: $(VENV)/test.installed
	@.ci/debian prometheus || true
	@.ci/prometheus $(PROMETHEUS) || true
	$(PYTEST) $(SPREAD) -m "not slow" tests/prometheus --prometheus $(subst $(space),$(comma),$(PROMETHEUS)) \
	  -k "rule" $(PYTEST_ARGS)

test-lowest: .venv-lowest/lowest.installed
	.venv-lowest/bin/python -m pytest $(SPREAD) $(QUICK) $(PYTEST_ARGS)

check: lint types docs

lint: $(VENV)/check.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/check.installed
	$(BIN)/mypy

docs: $(VENV)/test.installed
	$(PYTEST) tests/docs

format: $(VENV)/check.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-* .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/pip:
	@.ci/venv $(PYTHON) $(VENV)

$(VENV)/%.installed: pyproject.toml | $(VENV)/bin/pip
	@echo "installing what the $* needs into $(VENV): half a minute at first, or more as the network is"
	@.ci/install $(VENV) --editable '.[$(EXTRAS)]' --group $*
	@touch $@

.venv-lowest/lowest.installed: pyproject.toml .ci/lowest
	@.ci/venv $(PYTHON) .venv-lowest
	.venv-lowest/bin/python .ci/lowest pyproject.toml > .venv-lowest/constraints.txt
	@.ci/install .venv-lowest --editable '.[$(EXTRAS)]' --group test --constraint .venv-lowest/constraints.txt
	@touch $@
